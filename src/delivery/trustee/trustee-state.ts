/** What a trustee remembers, and what each record does to that. What was passed on and released is read back from the journal. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import type { Refund } from './refund.ts';

/** K2 of one package. Digests and keys are hexadecimal: small strings take a third of the memory of small byte arrays. */
export interface KeptKey {
  readonly package: string;
  readonly merchant: string;
  readonly product: string;
  readonly productKey: string;
  readonly keptUntilMs: number;
}

export type TrusteeRecord =
  | { readonly type: 'kept'; readonly key: KeptKey; readonly receipt: Uint8Array; readonly atMs: number }
  | { readonly type: 'forgotten'; readonly package: string; readonly atMs: number }
  | {
      readonly type: 'passing';
      readonly order: string;
      /** The key that signed the handover, by `nameOfKey`. */
      readonly customer: string;
      readonly passed: Uint8Array;
      readonly atMs: number;
    }
  /** The merchant has it, or needs it no more. */
  | { readonly type: 'passed'; readonly order: string; readonly outcome: string; readonly atMs: number }
  | {
      readonly type: 'released';
      readonly order: string;
      readonly package: string;
      readonly accept: string;
      readonly release: Uint8Array;
      readonly atMs: number;
    }
  | { readonly type: 'told'; readonly order: string; readonly outcome: string; readonly atMs: number }
  | {
      readonly type: 'disclosed';
      readonly case: string;
      readonly package: string;
      readonly order: string;
      readonly arbiter: string;
      readonly request: Uint8Array;
      readonly atMs: number;
    }
  | {
      readonly type: 'ruled';
      readonly order: string;
      readonly outcome: string;
      readonly ruling: Uint8Array;
      readonly atMs: number;
    }
  /** As it is from now on. */
  | { readonly type: 'refund'; readonly refund: Refund; readonly atMs: number }
  /** Paid back in the place of the merchant, that had its time. */
  | { readonly type: 'unfollowed'; readonly merchant: string; readonly order: string; readonly atMs: number };

export interface TrusteeState {
  /** By package. */
  readonly kept: Map<string, KeptKey>;
  /** By merchant. */
  readonly keptOf: Map<string, number>;
  /** Order → customer, while the merchant does not have K1 yet. */
  readonly passing: Map<string, string>;
  /** By customer. */
  readonly passingOf: Map<string, number>;
  /** By order; those that are done too, for nothing is paid back twice. */
  readonly refunds: Map<string, Refund>;
  /** Merchant → when a refund was left to us, the last ones. */
  readonly unfollowed: Map<string, readonly number[]>;
}

export const packageKey = (of: string) => `package:${of}`;
/** More of them change nothing. */
const MAX_TIMES = 100;

/** Index key of all refunds. */
export const REFUNDS_KEY = 'refunds';
export const orderKey = (order: string) => `order:${order}`;

export function emptyTrustee(): TrusteeState {
  return {
    kept: new Map(),
    keptOf: new Map(),
    passing: new Map(),
    passingOf: new Map(),
    refunds: new Map(),
    unfollowed: new Map(),
  };
}

export function applyTrustee(state: TrusteeState, record: TrusteeRecord): void {
  switch (record.type) {
    case 'kept':
      keep(state, record.key);
      break;
    case 'forgotten': {
      const key = state.kept.get(record.package);
      if (key === undefined) break;
      state.kept.delete(key.package);
      count(state.keptOf, key.merchant, -1);
      break;
    }
    case 'passing':
      pass(state, record.order, record.customer);
      break;
    case 'passed': {
      const customer = state.passing.get(record.order);
      if (customer === undefined) break;
      state.passing.delete(record.order);
      count(state.passingOf, customer, -1);
      break;
    }
    case 'refund':
      state.refunds.set(record.refund.order, record.refund);
      break;
    case 'unfollowed': {
      const times = state.unfollowed.get(record.merchant) ?? [];
      state.unfollowed.set(record.merchant, [...times, record.atMs].slice(-MAX_TIMES));
      break;
    }
    case 'released':
    case 'told':
    case 'disclosed':
    case 'ruled':
      break;
  }
}

function keep({ kept, keptOf }: TrusteeState, key: KeptKey): void {
  if (!kept.has(key.package)) count(keptOf, key.merchant, 1);
  kept.set(key.package, key);
}

function pass({ passing, passingOf }: TrusteeState, order: string, customer: string): void {
  if (!passing.has(order)) count(passingOf, customer, 1);
  passing.set(order, customer);
}

function count(counts: Map<string, number>, of: string, change: 1 | -1): void {
  const now = (counts.get(of) ?? 0) + change;
  if (now > 0) counts.set(of, now);
  else counts.delete(of);
}

export function snapshotTrustee({ kept, passing, refunds, unfollowed }: TrusteeState): Uint8Array {
  const stored: Snapshot = {
    ...{ kept: [...kept.values()], passing: [...passing] },
    ...{ refunds: [...refunds.values()], unfollowed: [...unfollowed] },
  };
  return encodeCborExact(stored as unknown as CborValue);
}

interface Snapshot {
  readonly kept: readonly KeptKey[];
  readonly passing: readonly (readonly [string, string])[];
  readonly refunds?: readonly Refund[];
  readonly unfollowed?: readonly (readonly [string, readonly number[]])[];
}

export function restoreTrustee(bytes: Uint8Array): TrusteeState {
  // Written by `snapshotTrustee` into this party's own journal, which vouches for it.
  const stored = decodeCborExact(bytes, { maxBytes: 1 << 30 }) as unknown as Snapshot;
  const state = emptyTrustee();
  for (const key of stored.kept) keep(state, key);
  for (const [order, customer] of stored.passing) pass(state, order, customer);
  for (const refund of stored.refunds ?? []) state.refunds.set(refund.order, refund);
  for (const [merchant, times] of stored.unfollowed ?? []) state.unfollowed.set(merchant, times);
  return state;
}
