/**
 * The port to an operator's billing system (ERI-G). Whoever has one implements `BillingAdapter`; everything here that ships, CSV, ISO
 * 20022 files and webhooks, does the same and no more. docs/billing.md says it in full, with an example.
 */
import type { BillingRecord } from '../../deposit/message/billing-record.ts';

/** A billing record as it stands in the operator's billing book. */
export interface Booked {
  /** 1, 2, 3 … without gaps, in the order of booking. Records arrive in any order: a gap that stays shows one that is missing. */
  readonly number: number;
  /** Business day, such as `2026-10-02`, on which it was booked: the day of every statement it stands on, for ever. */
  readonly day: string;
  /** Unix milliseconds. `record.atMs` is when the accounts moved, which may have been the day before. */
  readonly bookedAtMs: number;
  /** `record.id` is the idempotency key: the same id is the same record, byte for byte. */
  readonly record: BillingRecord;
  /** What it did to an account; absent where nothing moved, as when nothing was bought. */
  readonly entry?: Entry;
}

/** Amounts in minor units of the currency. */
export interface Entry {
  /** `customer:NAME`, `merchant:CURRENCY:NAME`, or `clearing:CURRENCY:OPERATOR`, where above zero is what we owe. */
  readonly account: string;
  readonly currency: string;
  /** Positive credits the account, negative debits it. */
  readonly minor: bigint;
  /** The account's booked balance after it. */
  readonly afterMinor: bigint;
}

/** One account on one day: `openingMinor` and the sum of its entries are `closingMinor`. */
export interface AccountDay {
  readonly account: string;
  readonly currency: string;
  readonly openingMinor: bigint;
  readonly closingMinor: bigint;
  /** How many entries; never zero. */
  readonly count: number;
}

/** A business day on which something was booked and nothing will be any more. */
export interface ClosedDay {
  readonly day: string;
  /** Its first millisecond, and the first that is not its own. */
  readonly fromMs: number;
  readonly toMs: number;
  /** In the order of booking. */
  records(): AsyncIterable<Booked>;
  accounts(): Promise<readonly AccountDay[]>;
  entriesOf(account: string): AsyncIterable<Booked>;
}

export interface Attempt {
  /** Aborts when nobody waits for the outcome any more: the attempt then counts as failed, and comes again. */
  readonly signal: AbortSignal;
}

export interface BillingAdapter {
  /**
   * Takes a record for good: resolves when it is as safe as the billing system can make it, and not before. Called at least once for
   * every record, several at a time and in any order, also for records taken before (after a crash, say): `record.id` says so.
   * @throws BillingError `RECORD_REFUSED` for what can never be taken: logged, and not tried again. Whatever else is thrown means
   * "again later": after growing pauses, also across restarts, until it is taken.
   */
  take(booked: Booked, attempt: Attempt): Promise<void>;
  /** Called at least once for every day on which something was booked, after its end, in any order with `take`. Throws as `take`. */
  closeDay?(closed: ClosedDay, attempt: Attempt): Promise<void>;
  /** When the operator stops: nothing is called afterwards. */
  close?(): Promise<void> | void;
}
