/** What a ledger can be asked to do, and how it refuses. Every amount is positive; refusing is business as usual and changes nothing. */
import type { Amount } from '../money/amount.ts';
import type { AccountKind } from './account-table.ts';

export interface OpenAccount {
  readonly type: 'open';
  /** 1 to 96 printable ASCII characters without spaces, as every id here. */
  readonly account: string;
  readonly currency: string;
  readonly kind: AccountKind;
  /** How far below zero balance − holds may go; default 0. `UNLIMITED` for an operator's own accounts. */
  readonly creditLine?: bigint;
  /** The highest balance credits may lead to; default `UNLIMITED`. */
  readonly ceiling?: bigint;
}

/** Refused while the account uses more than the new limits allow. */
export interface SetLimits {
  readonly type: 'set-limits';
  readonly account: string;
  readonly creditLine?: bigint;
  readonly ceiling?: bigint;
}

/** Only an account with nothing on it and nothing held can be closed. */
export interface CloseAccount {
  readonly type: 'close';
  readonly account: string;
}

/** All legs or none. What an account pays must be covered before the same transfer's credits reach it. */
export interface Transfer {
  readonly type: 'transfer';
  readonly id: string;
  readonly legs: readonly Leg[];
}

export interface Leg {
  readonly from: string;
  readonly to: string;
  readonly amount: Amount;
}

/** Phase one: sets money aside. The same hold asked for again while it is open is already done; with other terms it is refused. */
export interface Hold {
  readonly type: 'hold';
  readonly id: string;
  readonly account: string;
  readonly amount: Amount;
  readonly expiresAtMs: number;
}

/** Phase two: pays part or all of a hold to one or more accounts; `rest` says what becomes of the remainder. */
export interface Post {
  readonly type: 'post';
  readonly id: string;
  readonly hold: string;
  readonly to: readonly { readonly account: string; readonly amount: Amount }[];
  readonly rest: 'release' | 'keep';
}

/** Phase two the other way: gives part (`amount`) or all of what is still held back to the account. */
export interface Release {
  readonly type: 'release';
  readonly id: string;
  readonly hold: string;
  readonly amount?: Amount;
}

/** Releases the holds that are past their time, soonest first, at most `limit` (default 1000) in one go. */
export interface Expire {
  readonly type: 'expire';
  readonly limit?: number;
}

export type LedgerCommand = OpenAccount | SetLimits | CloseAccount | Transfer | Hold | Post | Release | Expire;

export type LedgerRefusalCode =
  | 'ACCOUNT_EXISTS'
  | 'ACCOUNT_UNKNOWN'
  | 'ACCOUNT_IN_USE'
  | 'AMOUNT_NOT_POSITIVE'
  | 'CURRENCY_MISMATCH'
  | 'INSUFFICIENT_FUNDS'
  | 'CEILING_EXCEEDED'
  | 'LIMIT_IN_USE'
  | 'LIMIT_INVALID'
  | 'SAME_ACCOUNT'
  | 'ID_INVALID'
  | 'TOO_MANY_LEGS'
  | 'HOLD_EXISTS'
  | 'HOLD_UNKNOWN'
  | 'HOLD_EXPIRED'
  | 'HOLD_EXCEEDED'
  | 'HOLD_STEPS_EXHAUSTED';

export interface LedgerRefusal {
  readonly refused: LedgerRefusalCode;
  /** For the log and the person; never parsed. */
  readonly detail: string;
}
