/** What a ledger decided, as it stands in the journal: facts to be applied, no longer questions. Amounts in minor units. */
import type { AccountKind } from './account-table.ts';

export type LedgerRecord =
  | {
      readonly type: 'opened';
      readonly account: string;
      readonly currency: string;
      readonly kind: AccountKind;
      readonly creditLine: bigint;
      readonly ceiling: bigint;
    }
  | { readonly type: 'limited'; readonly account: string; readonly creditLine: bigint; readonly ceiling: bigint }
  | { readonly type: 'closed'; readonly account: string }
  | { readonly type: 'moved'; readonly id: string; readonly legs: readonly MovedLeg[] }
  | {
      readonly type: 'held';
      readonly hold: string;
      readonly account: string;
      readonly minor: bigint;
      readonly expiresAtMs: number;
    }
  | {
      readonly type: 'posted';
      readonly id: string;
      readonly hold: string;
      readonly to: readonly { readonly account: string; readonly minor: bigint }[];
      /** True when nothing stays held: a remainder, if any, went back. */
      readonly closes: boolean;
    }
  | { readonly type: 'released'; readonly id: string; readonly hold: string; readonly minor: bigint }
  | { readonly type: 'expired'; readonly hold: string };

export interface MovedLeg {
  readonly from: string;
  readonly to: string;
  readonly minor: bigint;
}
