/** What the purse remembers of limits, rates and deposits, and what each record does to that. Finished deposits leave the state. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import type { Rate } from '../../money/rate.ts';
import type { RateTable } from '../message/session-rate.ts';
import type { Limit, LimitUse } from './limit.ts';
import type { Mark, Position } from './position.ts';
import type { TemporaryKey } from './temporary-key.ts';
import type { OUTCOMES, Want } from './want.ts';

interface Wanted {
  readonly want: Want;
  /** Of the customer's account. */
  readonly currency: string;
}

export interface LoggingOn extends Wanted {
  readonly phase: 'logging-on';
  /** Of the transaction before, for the same merchant: this one becomes the next of it. */
  readonly session: string | null;
}

interface Identified extends Wanted {
  readonly session: string;
  readonly transaction: string;
  readonly key: TemporaryKey;
}

export interface Initiating extends Identified {
  readonly phase: 'initiating';
  /** Of the own bank's table; null = it has none for this pair, and the merchant's operator names one. */
  readonly agreed: Rate | null;
  /** The deposit was closed before it opened. */
  readonly closed: boolean;
}

export interface OpenTerms {
  readonly rate: Rate;
  /** In the merchant's currency: what may be spent. */
  readonly depositMinor: bigint;
  /** The merchant's temporary key: a point. */
  readonly merchantKey: Uint8Array;
  /** Where the purchases are made. */
  readonly url: string;
}

export interface Open extends Identified {
  readonly phase: 'open';
  readonly terms: OpenTerms;
  /** The last that is durable. */
  readonly position: Position;
  readonly mark: Mark;
  /** When something was bought last, as far as it is durable. */
  readonly activeAtMs: number;
}

export interface Concluding extends Identified {
  readonly phase: 'concluding';
  /** Null for a deposit that never opened as agreed. */
  readonly terms: OpenTerms | null;
  /** As the record says. */
  readonly count: number;
  readonly head: Uint8Array;
  /** The record says all that was released: false when a crash left that uncertain. */
  readonly exact: boolean;
  /** Never billed for more. */
  readonly bound: Mark;
  /** SHA-256 of the signed record. */
  readonly recordDigest: Uint8Array;
  /** Why the deposit was not taken. */
  readonly refusal: Refusal | null;
  /** Somebody waits for how it ends. */
  readonly asked: boolean;
}

export interface Refusal {
  readonly code: string;
  readonly detail: string;
}

export type Deposit = LoggingOn | Initiating | Open | Concluding;

/** A deposit's last record: all there is to know of it, under the key `deposit:TRANSACTION`. */
export interface Finished {
  readonly want: Want;
  readonly transaction: string | null;
  readonly outcome: (typeof OUTCOMES)[number];
  readonly reasons: readonly string[];
  /** What the customer released at most, and in how many purchases. */
  readonly bound: Mark;
  /** Minor units of the customer's currency: what the account was charged. */
  readonly bookedMinor: bigint;
  /** Minor units: what does not come back to the limit; more than was booked as long as that is uncertain. */
  readonly spentMinor: bigint;
  /** As the operator signed it, with the clearing information inside. */
  readonly statement: Uint8Array | null;
  readonly atMs: number;
}

export type PurseRecord =
  | { readonly type: 'limited'; readonly limit: Limit }
  | { readonly type: 'limit-over'; readonly limitId: string }
  | { readonly type: 'rates-asked'; readonly atMs: number }
  | { readonly type: 'rates'; readonly rates: RateTable | null }
  /** The deposit is in another phase, or wanted at all. */
  | { readonly type: 'deposit'; readonly deposit: Deposit; readonly atMs: number }
  | {
      readonly type: 'marked';
      readonly transaction: string;
      readonly position: Position;
      readonly mark: Mark;
      readonly activeAtMs: number;
    }
  | { readonly type: 'finished'; readonly finished: Finished };

export interface PurseState {
  rates: RateTable | null;
  /** When a table was asked for that has not come yet. */
  ratesAskedAtMs: number | null;
  readonly limits: Map<string, LimitUse>;
  /** By reference. */
  readonly deposits: Map<string, Deposit>;
  /** Their references by transaction. */
  readonly references: Map<string, string>;
}

export const emptyPurse = (): PurseState => ({
  ...{ rates: null, ratesAskedAtMs: null },
  ...{ limits: new Map(), deposits: new Map(), references: new Map() },
});

/** Keys under which the records of a deposit are read back: by transaction, and by reference for those that never got one. */
export const depositKey = (transaction: string) => `deposit:${transaction}`;
export const referenceKey = (reference: string) => `want:${reference}`;
/** Key under which the last records of all deposits are read back. */
export const FINISHED_KEY = 'finished';

export function keysOf({ want, ...deposit }: Deposit): string[] {
  return 'transaction' in deposit
    ? [depositKey(deposit.transaction), referenceKey(want.reference)]
    : [referenceKey(want.reference)];
}

export function depositOf(state: Readonly<PurseState>, transaction: string): Deposit | undefined {
  const reference = state.references.get(transaction);
  return reference === undefined ? undefined : state.deposits.get(reference);
}

export function applyPurse(state: PurseState, record: PurseRecord): void {
  switch (record.type) {
    case 'limited':
      state.limits.set(record.limit.limitId, { limit: record.limit, heldMinor: 0n, spentMinor: 0n });
      return;
    case 'limit-over':
      state.limits.delete(record.limitId);
      return;
    case 'rates-asked':
      state.ratesAskedAtMs = record.atMs;
      return;
    case 'rates':
      if (record.rates !== null) state.rates = record.rates;
      state.ratesAskedAtMs = null;
      return;
    case 'deposit':
      keep(state, record.deposit);
      return;
    case 'marked': {
      const deposit = depositOf(state, record.transaction);
      if (deposit?.phase !== 'open') return;
      const { position, mark, activeAtMs } = record;
      keep(state, { ...deposit, position, mark, activeAtMs });
      return;
    }
    case 'finished':
      finish(state, record.finished);
  }
}

function keep(state: PurseState, deposit: Deposit): void {
  const { want } = deposit;
  const use = state.limits.get(want.limitId);
  if (use !== undefined && !state.deposits.has(want.reference)) use.heldMinor += want.depositMinor;
  index(state, deposit);
}

function index({ deposits, references }: PurseState, deposit: Deposit): void {
  deposits.set(deposit.want.reference, deposit);
  if ('transaction' in deposit) references.set(deposit.transaction, deposit.want.reference);
}

function finish(state: PurseState, { want, transaction, spentMinor }: Finished): void {
  if (!state.deposits.delete(want.reference)) return;
  if (transaction !== null) state.references.delete(transaction);
  const use = state.limits.get(want.limitId);
  if (use === undefined) return;
  use.heldMinor -= want.depositMinor;
  use.spentMinor += spentMinor;
}

export function snapshotPurse({ rates, ratesAskedAtMs, limits, deposits }: PurseState): Uint8Array {
  const stored = { rates, ratesAskedAtMs, limits: [...limits.values()], deposits: [...deposits.values()] };
  return encodeCborExact(stored as unknown as CborValue);
}

interface StoredPurse extends Pick<PurseState, 'rates' | 'ratesAskedAtMs'> {
  readonly limits: readonly LimitUse[];
  readonly deposits: readonly Deposit[];
}

export function restorePurse(bytes: Uint8Array): PurseState {
  const stored = decodeCborExact(bytes, { maxBytes: Number.MAX_SAFE_INTEGER }) as unknown as StoredPurse; // our own snapshot
  const state = { ...emptyPurse(), rates: stored.rates, ratesAskedAtMs: stored.ratesAskedAtMs };
  for (const use of stored.limits) state.limits.set(use.limit.limitId, { ...use });
  for (const deposit of stored.deposits) index(state, deposit);
  return state;
}
