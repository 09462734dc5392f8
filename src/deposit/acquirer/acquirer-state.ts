/** What an acquirer remembers: open deposits, and what each other operator may come to owe. No customer, and nothing that was bought. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import type { Amount } from '../../money/amount.ts';
import type { Rate } from '../../money/rate.ts';
import type { Side } from '../message/evidence.ts';

export interface Deposit {
  readonly transaction: string;
  /** The customer's operator. */
  readonly accountManager: string;
  readonly merchant: string;
  /** Guaranteed to the merchant, in its currency. */
  readonly deposit: Amount;
  readonly rate: Rate;
  readonly endsAtMs: number;
  /** The customer's temporary key. */
  readonly customerKey: Uint8Array;
  /** Absent until the merchant has acknowledged. */
  readonly merchantKey?: Uint8Array;
  /** Where clearing information and conclusion go, whatever is configured by then. */
  readonly accountManagerUrl: string;
  readonly merchantUrl: string;
  /** Whether another operator owes it. */
  readonly exposed: boolean;
  /** When it is ruled with what is there; absent until somebody concludes. */
  readonly deadlineMs?: number;
  /** As they were signed. */
  readonly customerRecord?: Uint8Array;
  readonly merchantRecord?: Uint8Array;
}

/** Minor units. */
export interface Exposure {
  readonly openMinor: bigint;
  /** Cleared, not settled yet. */
  readonly clearedMinor: bigint;
}

export type AcquirerRecord =
  | { readonly type: 'asked'; readonly deposit: Deposit; readonly atMs: number }
  | { readonly type: 'opened'; readonly transaction: string; readonly merchantKey: Uint8Array; readonly atMs: number }
  | {
      readonly type: 'refused';
      readonly transaction: string;
      readonly code: string;
      readonly detail: string;
      readonly atMs: number;
    }
  | { readonly type: 'concluding'; readonly transaction: string; readonly deadlineMs: number; readonly atMs: number }
  | {
      readonly type: 'record';
      readonly transaction: string;
      readonly by: Side;
      readonly bytes: Uint8Array;
      readonly deadlineMs: number;
      readonly atMs: number;
    }
  | {
      readonly type: 'cleared';
      readonly transaction: string;
      readonly paidMinor: bigint;
      /** The signed clearing information. */
      readonly clearing: Uint8Array;
      readonly atMs: number;
    }
  | {
      readonly type: 'settled';
      readonly operator: string;
      readonly currency: string;
      readonly minor: bigint;
      readonly atMs: number;
    };

export interface AcquirerState {
  /** By transaction. */
  readonly deposits: Map<string, Deposit>;
  readonly exposures: Map<string, Exposure>;
  /** How many deposits each operator has open. */
  readonly openOf: Map<string, number>;
}

/** Key under which the records of a deposit are read back. */
export const depositKey = (transaction: string) => `deposit:${transaction}`;

export function emptyAcquirer(): AcquirerState {
  return { deposits: new Map(), exposures: new Map(), openOf: new Map() };
}

/** What the operator owes us at most. */
export function exposureTo({ exposures }: AcquirerState, operator: string, currency: string): Exposure {
  return exposures.get(exposureKey(operator, currency)) ?? { openMinor: 0n, clearedMinor: 0n };
}

const exposureKey = (operator: string, currency: string) => `${currency} ${operator}`;

export function applyAcquirer(state: AcquirerState, record: AcquirerRecord): void {
  switch (record.type) {
    case 'asked':
      openDeposit(state, record.deposit);
      return;
    case 'opened':
      change(state, record.transaction, { merchantKey: record.merchantKey });
      return;
    case 'concluding':
      change(state, record.transaction, { deadlineMs: record.deadlineMs });
      return;
    case 'record': {
      const { transaction, bytes, deadlineMs } = record;
      const kept = record.by === 'customer' ? { customerRecord: bytes } : { merchantRecord: bytes };
      change(state, transaction, { ...kept, deadlineMs });
      return;
    }
    case 'refused':
      closeDeposit(state, record.transaction, 0n);
      return;
    case 'cleared':
      closeDeposit(state, record.transaction, record.paidMinor);
      return;
    case 'settled':
      expose(state, record.operator, record.currency, { openMinor: 0n, clearedMinor: -record.minor });
  }
}

function change({ deposits }: AcquirerState, transaction: string, changes: Partial<Deposit>): void {
  const deposit = deposits.get(transaction);
  if (deposit !== undefined) deposits.set(transaction, { ...deposit, ...changes });
}

function openDeposit(state: AcquirerState, deposit: Deposit): void {
  const { transaction, accountManager, deposit: amount, exposed } = deposit;
  state.deposits.set(transaction, deposit);
  state.openOf.set(accountManager, (state.openOf.get(accountManager) ?? 0) + 1);
  if (exposed) expose(state, accountManager, amount.currency, { openMinor: amount.minor, clearedMinor: 0n });
}

function closeDeposit(state: AcquirerState, transaction: string, paidMinor: bigint): void {
  const deposit = state.deposits.get(transaction);
  if (deposit === undefined) return;
  const { accountManager, deposit: amount, exposed } = deposit;
  state.deposits.delete(transaction);
  const left = (state.openOf.get(accountManager) ?? 0) - 1;
  if (left > 0) state.openOf.set(accountManager, left);
  else state.openOf.delete(accountManager);
  if (exposed) expose(state, accountManager, amount.currency, { openMinor: -amount.minor, clearedMinor: paidMinor });
}

function expose(state: AcquirerState, operator: string, currency: string, by: Exposure): void {
  const before = exposureTo(state, operator, currency);
  const openMinor = before.openMinor + by.openMinor;
  const clearedMinor = before.clearedMinor + by.clearedMinor;
  const key = exposureKey(operator, currency);
  if (openMinor === 0n && clearedMinor === 0n) state.exposures.delete(key);
  else state.exposures.set(key, { openMinor, clearedMinor });
}

export function snapshotAcquirer({ deposits, exposures }: AcquirerState): Uint8Array {
  const cleared = [...exposures].map(([key, { clearedMinor }]) => [key, clearedMinor]);
  return encodeCborExact([[...deposits.values()], cleared] as unknown as CborValue);
}

export function restoreAcquirer(bytes: Uint8Array): AcquirerState {
  const parts = decodeCborExact(bytes, { maxBytes: bytes.length }) as unknown; // our own snapshot
  const [deposits, cleared] = parts as readonly [readonly Deposit[], readonly (readonly [string, bigint])[]];
  const state = emptyAcquirer();
  for (const [key, clearedMinor] of cleared) state.exposures.set(key, { openMinor: 0n, clearedMinor });
  for (const deposit of deposits) openDeposit(state, deposit);
  return state;
}
