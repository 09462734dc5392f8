/**
 * What a merchant remembers of each open deposit, and what each record does to that. Deposits are many and small, so a session is a
 * few flat byte arrays. A finished one leaves the state and is read back from the journal by its transaction.
 */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { concatBytes } from '../../codec/hex.ts';
import { WORD_LENGTH } from '../message/hash-chain.ts';
import { WORTHS } from '../message/purchase.ts';
import type { Tab } from '../message/tab.ts';

/** How many purchases back a repetition is still known. */
export const REPEATS_KNOWN = 16;
/** A repetition is checked against the head with it and the head before it. */
const HEADS = REPEATS_KNOWN + 1;
const HEAD_LENGTH = 32;
export const HEADS_LENGTH = HEADS * HEAD_LENGTH;
const WORDS_LENGTH = WORTHS.length * WORD_LENGTH;

export type Ending = 'terminated' | 'concluded' | 'closed' | 'time' | 'used-up';

export interface Terms {
  readonly transaction: string;
  /** In the merchant's currency: guaranteed by the acquirer. */
  readonly depositMinor: bigint;
  readonly currency: string;
  /** What the deposit comes to in units, rounded down. */
  readonly depositUnits: number;
  readonly unitNano: number;
  readonly idleMs: number;
  readonly endsAtMs: number;
  /** The customer's temporary key and the merchant's: points. */
  readonly customerKey: Uint8Array;
  readonly ownKey: Uint8Array;
  /** The merchant's temporary private key under its storage key. */
  readonly sealedKey: Uint8Array;
}

export interface MerchantSession extends Terms {
  status: 'open' | 'concluding' | 'finished';
  lastAtMs: number;
  count: number;
  units: number;
  /** How many checkpoints were taken; no purchase is before the first. */
  epoch: number;
  /** As the customer signed it. */
  checkpoint: Uint8Array;
  /** Steps of each chain since the checkpoint. */
  steps: readonly number[];
  /** The newest word of each chain, then a ring with the heads of the list after the last purchases. */
  readonly proof: Uint8Array;
}

/** One session's part of a flush: how its tab stands after it, and what came in between. */
export interface Spending extends Tab {
  readonly transaction: string;
  /** Encrypted, one after the other. */
  readonly entries: Uint8Array;
  /** Of the list after the newest of these purchases, as many as are remembered, one after the other. */
  readonly heads: Uint8Array;
}

export type MerchantRecord =
  | ({ readonly type: 'opened'; readonly atMs: number } & Terms)
  | {
      readonly type: 'checkpoint';
      readonly transaction: string;
      readonly bytes: Uint8Array;
      /** One after the other. */
      readonly anchors: Uint8Array;
      readonly atMs: number;
    }
  | ({ readonly type: 'spent'; readonly atMs: number } & Spending)
  | {
      readonly type: 'concluded';
      readonly transaction: string;
      readonly ending: Ending;
      /** The message that ended it, where there was one. */
      readonly message?: Uint8Array;
      readonly atMs: number;
    }
  /** What became of the transaction record at the acquirer. */
  | { readonly type: 'told'; readonly transaction: string; readonly refused?: string; readonly atMs: number }
  | {
      readonly type: 'settled';
      readonly transaction: string;
      readonly statement: Uint8Array;
      readonly paidMinor: bigint;
      /** What the merchant's own evidence comes to, and of how many purchases. */
      readonly expectedMinor: bigint;
      readonly count: number;
      readonly atMs: number;
    }
  /** No statement came in time: what the merchant can prove is in the journal. */
  | { readonly type: 'lapsed'; readonly transaction: string; readonly atMs: number };

export interface MerchantState {
  readonly sessions: Map<string, MerchantSession>;
}

export const emptyMerchant = (): MerchantState => ({ sessions: new Map() });

/** Key under which the records of a transaction are read back. */
export const depositKey = (transaction: string) => `deposit:${transaction}`;
/** Key under which the last records of all deposits are read back. */
export const FINISHED_KEY = 'finished';

export function applyMerchant({ sessions }: MerchantState, record: MerchantRecord): void {
  if (record.type === 'opened') {
    sessions.set(record.transaction, openSession(record));
    return;
  }
  const session = sessions.get(record.transaction);
  if (session === undefined) return;
  switch (record.type) {
    case 'checkpoint':
      session.epoch++;
      session.checkpoint = new Uint8Array(record.bytes);
      session.steps = WORTHS.map(() => 0);
      session.proof.set(record.anchors);
      session.lastAtMs = record.atMs;
      return;
    case 'spent':
      spend(session, record);
      session.lastAtMs = record.atMs;
      return;
    case 'concluded':
      session.status = 'concluding';
      return;
    case 'told':
      return;
    case 'settled':
    case 'lapsed':
      session.status = 'finished';
      sessions.delete(record.transaction);
  }
}

function openSession({ type: _, atMs, ...terms }: Extract<MerchantRecord, { type: 'opened' }>): MerchantSession {
  // One allocation for three keys: each of its own would cost several times its content.
  const keys = concatBytes(terms.customerKey, terms.ownKey, terms.sealedKey);
  const ownAt = terms.customerKey.length;
  const sealedAt = ownAt + terms.ownKey.length;
  return {
    ...terms,
    customerKey: keys.subarray(0, ownAt),
    ownKey: keys.subarray(ownAt, sealedAt),
    sealedKey: keys.subarray(sealedAt),
    status: 'open',
    lastAtMs: atMs,
    count: 0,
    units: 0,
    epoch: 0,
    checkpoint: NOTHING,
    steps: NO_STEPS,
    proof: new Uint8Array(WORDS_LENGTH + HEADS_LENGTH),
  };
}

const NOTHING = new Uint8Array(0);
const NO_STEPS: readonly number[] = WORTHS.map(() => 0);

function spend(session: MerchantSession, { count, units, steps, words, heads }: Spending): void {
  session.count = count;
  session.units = units;
  session.steps = steps;
  session.proof.set(words);
  const known = heads.length / HEAD_LENGTH;
  for (let i = 0; i < known; i++) {
    const head = heads.subarray(i * HEAD_LENGTH, (i + 1) * HEAD_LENGTH);
    putHead(headsOf(session), count - known + 1 + i, head);
  }
}

export function tabOf(session: MerchantSession): Tab {
  const { count, units, steps, proof } = session;
  return { count, units, head: headAfter(headsOf(session), count), steps, words: proof.slice(0, WORDS_LENGTH) };
}

export const headsOf = ({ proof }: MerchantSession) => proof.subarray(WORDS_LENGTH);

/** Of the list after this purchase, which must be among the last ones. */
export function headAfter(heads: Uint8Array, number: number): Uint8Array {
  const at = (number % HEADS) * HEAD_LENGTH;
  return heads.slice(at, at + HEAD_LENGTH);
}

export function putHead(heads: Uint8Array, number: number, head: Uint8Array): void {
  heads.set(head, (number % HEADS) * HEAD_LENGTH);
}

/** The heads after the last purchases up to this one, as many as are remembered, the oldest first. */
export function lastHeads(
  heads: Uint8Array,
  last: { readonly number: number; readonly purchases: number },
): Uint8Array {
  const known = Math.min(HEADS, last.purchases);
  const copied = new Uint8Array(known * HEAD_LENGTH);
  for (let i = 0; i < known; i++) {
    const at = ((last.number - known + 1 + i) % HEADS) * HEAD_LENGTH;
    copied.set(heads.subarray(at, at + HEAD_LENGTH), i * HEAD_LENGTH);
  }
  return copied;
}

export function snapshotMerchant({ sessions }: MerchantState): Uint8Array {
  return encodeCborExact([...sessions.values()] as unknown as CborValue);
}

export function restoreMerchant(bytes: Uint8Array): MerchantState {
  const stored = decodeCborExact(bytes, { maxBytes: Number.MAX_SAFE_INTEGER }) as unknown as MerchantSession[]; // our own snapshot
  const state = emptyMerchant();
  for (const session of stored) {
    const { status, lastAtMs, count, units, epoch, checkpoint, steps, proof } = session;
    const restored = openSession({ ...termsOf(session), type: 'opened', atMs: lastAtMs });
    restored.proof.set(proof);
    Object.assign(restored, { status, count, units, epoch, steps, checkpoint: new Uint8Array(checkpoint) });
    state.sessions.set(session.transaction, restored);
  }
  return state;
}

function termsOf(session: MerchantSession): Terms {
  const { transaction, depositMinor, currency, depositUnits, unitNano, idleMs, endsAtMs } = session;
  const { customerKey, ownKey, sealedKey } = session;
  return {
    ...{ transaction, depositMinor, currency, depositUnits, unitNano, idleMs, endsAtMs },
    ...{ customerKey, ownKey, sealedKey },
  };
}
