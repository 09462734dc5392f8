/** Everything a trustee is told. What comes from outside is made by the `receive…` functions and nothing else. */
import type { CheckedAcceptance } from '../message/acceptance.ts';
import type { KeyRequest } from '../message/complaint.ts';
import type { Lodging } from '../message/custody.ts';
import type { Handover } from '../message/key-handover.ts';
import type { Manifest } from '../message/manifest.ts';
import type { Ruling } from '../message/ruling.ts';
import type { Party, Signed } from '../message/signed-by.ts';

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

export type TrusteeInput =
  | LodgingInput
  | HandoverInput
  | ClaimInput
  | KeyRequestInput
  | { readonly type: 'ruling'; readonly ruling: Signed<Ruling> }
  /** What became of a K1 or an acceptance that was passed on. */
  | {
      readonly type: 'delivered';
      readonly what: 'key' | 'acceptance';
      readonly order: string;
      readonly outcome: string;
    }
  | { readonly type: 'custody-over'; readonly package: string };
