/** Everything a trustee is told. What comes from outside is made by the `receive…` functions and nothing else. */
import type { CheckedAcceptance } from '../message/acceptance.ts';
import type { KeyRequest } from '../message/complaint.ts';
import type { Lodging } from '../message/custody.ts';
import type { Handover } from '../message/key-handover.ts';
import type { Manifest } from '../message/manifest.ts';
import type { Ruling } from '../message/ruling.ts';
import type { Party, Signed } from '../message/signed-by.ts';
import type { PaidBack } from './refund.ts';

export interface LodgingInput {
  readonly type: 'lodging';
  readonly lodging: Signed<Lodging>;
  readonly manifest: Signed<Manifest>;
  /** K2, and the manifest commits to it. */
  readonly productKey: Uint8Array;
}

export interface HandoverInput {
  readonly type: 'handover';
  readonly handover: Signed<Handover>;
}

export interface ClaimInput {
  readonly type: 'claim';
  /** Checked and paid. */
  readonly acceptance: CheckedAcceptance;
  readonly acceptanceBytes: Uint8Array;
  /** K1 of the order. */
  readonly orderKey: Uint8Array;
  /** By a ruling. */
  readonly refunded: boolean;
}

export interface KeyRequestInput {
  readonly type: 'key-request';
  readonly request: Signed<KeyRequest>;
  readonly acceptance: CheckedAcceptance;
  readonly arbiter: Party;
}

export interface RefundOrderInput {
  readonly type: 'refund-order';
  readonly messageId: string;
  readonly order: string;
  readonly merchant: string;
  /** Checked and paid; absent when the merchant never had it. */
  readonly acceptance: CheckedAcceptance | undefined;
}

export interface RefundClaimInput {
  readonly type: 'refund-claim';
  readonly messageId: string;
  /** Checked and paid. */
  readonly acceptance: CheckedAcceptance;
  /** When it was ruled. */
  readonly ruledMs: number;
}

export type TrusteeInput =
  | LodgingInput
  | HandoverInput
  | ClaimInput
  | KeyRequestInput
  | RefundOrderInput
  | RefundClaimInput
  | { readonly type: 'refund-due'; readonly order: string }
  | ({ readonly type: 'paid-back'; readonly order: string } & PaidBack)
  | { readonly type: 'told' }
  | { readonly type: 'ruling'; readonly ruling: Signed<Ruling> }
  /** What became of a K1 or an acceptance that was passed on. */
  | {
      readonly type: 'delivered';
      readonly what: 'key' | 'acceptance';
      readonly order: string;
      readonly outcome: string;
    }
  | { readonly type: 'custody-over'; readonly package: string };
