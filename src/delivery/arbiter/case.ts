/** A case as the arbiter keeps it while it is open, the facts it records about it, and all its transitions. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import type { Complaint, SegmentEvidence } from '../message/complaint.ts';
import type { ReasonCode } from '../message/ruling.ts';

/** `gathering`: the key is asked for and the merchant heard. `examining`: the package is opened. `seeing`: a person has to look. */
export type CasePhase = 'gathering' | 'examining' | 'seeing';

/** `key`: it gave K2. `none`: it did not, and will not. `another`: it gave another key. */
export type KeyAnswer = 'waiting' | 'key' | 'none' | 'another';

export interface Case {
  /** Digest of the complaint, hexadecimal. */
  readonly case: string;
  /** Message that waits for the ruling. */
  readonly messageId: string;
  /** The key that complains, by `nameOfKey`. */
  readonly customer: string;
  readonly phase: CasePhase;
  readonly about: Complaint['about'];
  readonly order: Uint8Array;
  readonly accept: Uint8Array;
  readonly package: Uint8Array;
  readonly merchant: string;
  readonly trustee: string;
  readonly manifest: Uint8Array;
  /** What the description states. */
  readonly content: Uint8Array;
  readonly urls: readonly string[];
  /** K1. */
  readonly orderKey: Uint8Array;
  readonly segment: SegmentEvidence | null;
  readonly trusteeSaid: KeyAnswer;
  readonly merchantSaid: KeyAnswer;
  /** K2, from whoever gave it first. */
  readonly productKey: Uint8Array | null;
  /** SHA-256 of what was opened. */
  readonly opened: Uint8Array | null;
}

export type ArbiterRecord =
  | { readonly type: 'opened'; readonly case: Case; readonly complaint: Uint8Array; readonly atMs: number }
  | {
      readonly type: 'answered';
      readonly case: string;
      readonly by: 'trustee' | 'merchant';
      readonly said: KeyAnswer;
      readonly productKey: Uint8Array | null;
      /** As it was signed. */
      readonly bytes: Uint8Array | null;
      readonly atMs: number;
    }
  | { readonly type: 'examining'; readonly case: string; readonly atMs: number }
  | {
      readonly type: 'examined';
      readonly case: string;
      readonly content: Uint8Array | null;
      readonly segment: SegmentEvidence | null;
      readonly atMs: number;
    }
  | {
      readonly type: 'ruled';
      readonly case: string;
      readonly ruling: Uint8Array;
      readonly complaint: Uint8Array | null;
      readonly code: ReasonCode;
      readonly atMs: number;
    };

export interface ArbiterState {
  /** By digest of the complaint. */
  readonly cases: Map<string, Case>;
  /** By customer. */
  readonly casesOf: Map<string, number>;
}

/** Index key of a case's history. */
export const caseKey = (of: string) => `case:${of}`;

export function emptyArbiter(): ArbiterState {
  return { cases: new Map(), casesOf: new Map() };
}

export function applyArbiter(state: ArbiterState, record: ArbiterRecord): void {
  if (record.type === 'opened') openCase(state, record.case);
  else if (record.type === 'ruled') closeCase(state, record.case);
  else state.cases.set(record.case, afterRecord(state.cases.get(record.case)!, record));
}

/** All transitions of an open case. */
export function afterRecord(of: Case, record: Exclude<ArbiterRecord, { type: 'opened' | 'ruled' }>): Case {
  switch (record.type) {
    case 'answered': {
      const said = record.by === 'trustee' ? { trusteeSaid: record.said } : { merchantSaid: record.said };
      return { ...of, ...said, productKey: of.productKey ?? record.productKey };
    }
    case 'examining':
      return { ...of, phase: 'examining' };
    case 'examined':
      return { ...of, phase: 'seeing', opened: record.content };
  }
}

function openCase({ cases, casesOf }: ArbiterState, of: Case): void {
  cases.set(of.case, of);
  casesOf.set(of.customer, (casesOf.get(of.customer) ?? 0) + 1);
}

function closeCase({ cases, casesOf }: ArbiterState, name: string): void {
  const of = cases.get(name);
  if (of === undefined) return; // ruled at once, without ever being open
  cases.delete(name);
  const left = (casesOf.get(of.customer) ?? 0) - 1;
  if (left > 0) casesOf.set(of.customer, left);
  else casesOf.delete(of.customer);
}

export function snapshotArbiter({ cases }: ArbiterState): Uint8Array {
  return encodeCborExact([...cases.values()] as unknown as CborValue);
}

export function restoreArbiter(bytes: Uint8Array): ArbiterState {
  // Written by `snapshotArbiter` into this party's own journal, which vouches for it.
  const cases = decodeCborExact(bytes, { maxBytes: 1 << 30 }) as unknown as readonly Case[];
  const state = emptyArbiter();
  for (const of of cases) openCase(state, of);
  return state;
}
