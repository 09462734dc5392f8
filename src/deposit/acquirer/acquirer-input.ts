/** Everything an acquirer is told. What comes from outside is made by the `receive…` functions and nothing else. */
import type { Amount } from '../../money/amount.ts';
import type { Side } from '../message/evidence.ts';
import type { AmendedInitiation } from '../message/initiation.ts';

export interface InitiationInput {
  readonly type: 'amended-initiation';
  /** Who signed it and its voucher. */
  readonly operator: string;
  readonly initiation: AmendedInitiation;
  /** The customer's temporary key under that voucher, and how long for. */
  readonly customerKey: Uint8Array;
  readonly notAfterMs: number;
}

export interface RecordInput {
  readonly type: 'record';
  readonly transaction: string;
  readonly by: Side;
  /** Signed with that side's temporary key. */
  readonly bytes: Uint8Array;
}

/** An operator has paid, or set off against what we owe it, so much of what was cleared. Handled as the message `settlement:ID`. */
export interface SettledInput {
  readonly type: 'settled';
  readonly operator: string;
  readonly amount: Amount;
}

export type ReplyInput =
  | {
      readonly type: 'acknowledged';
      readonly transaction: string;
      /** Who signed it. */
      readonly merchant: string;
      readonly merchantKey: Uint8Array;
      /** Where the purchases are made. */
      readonly url: string;
    }
  | { readonly type: 'declined'; readonly transaction: string; readonly code: string; readonly detail: string }
  | { readonly type: 'told' };

export type AcquirerInput =
  | InitiationInput
  | RecordInput
  | SettledInput
  | ReplyInput
  /** The deposit's end, or the deadline for records. */
  | { readonly type: 'time'; readonly transaction: string };
