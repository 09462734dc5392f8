/** What an account manager writes down. Finished deposits are found by these records alone (`depositKey`). */
import type { LedgerRecord } from '../../ledger/record.ts';
import type { Amount } from '../../money/amount.ts';
import type { Rate } from '../../money/rate.ts';
import type { DepositRecord, WithdrawalRecord } from '../message/billing-record.ts';

/** What a customer asked for and its operator vouched for. */
export interface DepositTerms {
  readonly customer: string;
  readonly merchant: string;
  readonly merchantOperator: string;
  /** In the currency of the customer's account. */
  readonly deposit: Amount;
  readonly merchantCurrency: string;
  /** The customer's temporary key: an uncompressed point. */
  readonly key: Uint8Array;
  /** The rate of the customer's own bank; null where its table has none, and the acquirer says. */
  readonly proposed: Rate | null;
  readonly endsAtMs: number;
  /** Until then the money stays set aside. */
  readonly heldUntilMs: number;
}

export interface SettlementTerms {
  readonly operator: string;
  readonly amount: Amount;
}

export type AccountRecord =
  | { readonly type: 'ledger'; readonly record: LedgerRecord }
  /** The accounts are cut, and these are those of this shard. The first record of its journal. */
  | { readonly type: 'cut'; readonly shard: number; readonly of: number }
  | {
      readonly type: 'logged-on';
      readonly session: string;
      readonly transaction: string;
      readonly customer: string;
      readonly merchant: string;
      readonly atMs: number;
    }
  | {
      readonly type: 'vouched';
      readonly transaction: string;
      /** What the other operator knows the customer by in this session: 16 random bytes in hexadecimal. */
      readonly identifier: string;
      readonly terms: DepositTerms;
      /** Where the accounts are kept elsewhere: what is left there, if they said so. */
      readonly available?: Amount;
      readonly atMs: number;
    }
  /** The accounts are kept elsewhere, and have been asked for the deposit. */
  | {
      readonly type: 'asked';
      readonly transaction: string;
      readonly terms: DepositTerms;
      readonly idleMs: number;
      readonly atMs: number;
    }
  /** There is not enough on the account. Said once and for all: a delayed copy of the message must not open it later. */
  | { readonly type: 'declined'; readonly transaction: string; readonly atMs: number }
  | { readonly type: 'opened'; readonly transaction: string; readonly rate: Rate; readonly atMs: number }
  /** The merchant's side will not have it: the money is free again. */
  | {
      readonly type: 'refused';
      readonly transaction: string;
      readonly code: string;
      readonly detail: string;
      readonly atMs: number;
    }
  /** Nobody knows what the merchant's side will do: the money stays set aside. */
  | { readonly type: 'unanswered'; readonly transaction: string; readonly atMs: number }
  | {
      readonly type: 'recorded';
      readonly transaction: string;
      readonly bytes: Uint8Array;
      readonly digest: Uint8Array;
      /** As the customer says himself. */
      readonly value: { readonly units: number; readonly unitNano: number };
    }
  | {
      readonly type: 'withdrawn';
      readonly transaction: string;
      readonly withdrawal: WithdrawalRecord;
      /** As the customer gets it, with the clearing information in it. */
      readonly statement: Uint8Array;
    }
  | {
      readonly type: 'deposited';
      readonly transaction: string;
      readonly deposit: DepositRecord;
      readonly statement: Uint8Array;
    }
  /** No clearing information came in all the time there was. */
  | { readonly type: 'lapsed'; readonly transaction: string; readonly atMs: number }
  | { readonly type: 'forgotten'; readonly session: string }
  | {
      readonly type: 'settling';
      readonly settlement: string;
      readonly terms: SettlementTerms;
      readonly atMs: number;
    }
  | {
      readonly type: 'settled' | 'unsettled';
      readonly settlement: string;
      readonly atMs: number;
    }
  /** The other operator has paid us. */
  | {
      readonly type: 'received';
      readonly settlement: string;
      readonly terms: SettlementTerms;
      readonly atMs: number;
    };

/** Key under which everything about a transaction is read back. */
export const depositKey = (transaction: string) => `deposit:${transaction}`;
/** Key under which the withdrawal or deposit records of a customer or merchant are read back. */
export const accountKey = (name: string) => `account:${name}`;
export const settlementKey = (settlement: string) => `settlement:${settlement}`;
/** Key under which the records of all settlements are read back. */
export const SETTLEMENTS_KEY = 'settlements';
