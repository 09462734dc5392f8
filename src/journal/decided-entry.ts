/** One decision as the journal keeps it: what was handled, the machine's records, and everything the host owes because of it. */

import { decodeCborExact, encodeCborExact } from '../codec/cbor.ts';
import { CborTag, type CborValue, type EmbeddedCbor } from '../codec/cbor-value.ts';
import type { Allocate } from '../codec/cbor-writer.ts';
import { JournalError } from './journal.ts';
import type { Outgoing, Timer } from './machine.ts';
import { maxEntryBytes } from './packed-entries.ts';

export interface DecidedEntry<Stored = Uint8Array> {
  /** The message that was handled; its digest tells a repetition from a reuse of the identity. */
  readonly message?: { readonly id: string; readonly digest: Uint8Array };
  readonly records: readonly Stored[];
  readonly answers: readonly { readonly messageId: string; readonly body: Uint8Array }[];
  readonly send: readonly Outgoing[];
  readonly cancel: readonly string[];
  readonly timers: readonly Timer[];
  readonly clearTimers: readonly string[];
  /** The outbox message whose reply this decision took in: delivery ends in the same append as what it caused. */
  readonly acknowledged?: string;
  /** The timer that caused this decision. */
  readonly fired?: string;
}

/** Journal key of everything about a message that was handled: the decision on it, and the one that answered it. */
export const messageKey = (messageId: string): string => `m:${messageId}`;

/** Journal key of a key that the machine chose. */
export const historyKey = (key: string): string => `k:${key}`;

/** Absent and empty parts are left out: most decisions have few. */
export function encodeEntry(entry: DecidedEntry<Uint8Array | EmbeddedCbor>, allocate?: Allocate): Uint8Array {
  const parts: Record<string, CborValue> = {};
  if (entry.message !== undefined) parts.m = [entry.message.id, entry.message.digest];
  if (entry.records.length > 0) parts.r = entry.records;
  if (entry.answers.length > 0) parts.a = entry.answers.map(({ messageId, body }) => [messageId, body]);
  if (entry.send.length > 0) {
    parts.s = entry.send.map(({ id, to, kind, body, expiresAtMs }) => [id, to, kind, body, expiresAtMs ?? null]);
  }
  if (entry.cancel.length > 0) parts.c = entry.cancel;
  if (entry.timers.length > 0) parts.t = entry.timers.map(({ id, atMs, note }) => [id, atMs, note ?? null]);
  if (entry.clearTimers.length > 0) parts.x = entry.clearTimers;
  if (entry.acknowledged !== undefined) parts.d = entry.acknowledged;
  if (entry.fired !== undefined) parts.f = entry.fired;
  return encodeCborExact(parts, allocate);
}

/** @throws JournalError `JOURNAL_CORRUPT` when the bytes were not written by `encodeEntry`. */
export function decodeEntry(bytes: Uint8Array): DecidedEntry {
  try {
    const parts = decodeCborExact(bytes, { maxBytes: maxEntryBytes });
    if (typeof parts !== 'object' || parts === null || parts instanceof CborTag) throw new TypeError('not a map');
    return readParts(parts as StoredParts);
  } catch (cause) {
    throw new JournalError('JOURNAL_CORRUPT', 'a journal entry is not a decision', { cause });
  }
}

/** Trusted after its checksum: our own encoding of our own value. */
interface StoredParts {
  m?: [string, Uint8Array];
  r?: Uint8Array[];
  a?: [string, Uint8Array][];
  s?: [string, string, string, Uint8Array, number | null][];
  c?: string[];
  t?: [string, number, string | null][];
  x?: string[];
  d?: string;
  f?: string;
}

function readParts({ m, r, a, s, c, t, x, d, f }: StoredParts): DecidedEntry {
  return {
    ...(m === undefined ? {} : { message: { id: m[0], digest: m[1] } }),
    records: r ?? [],
    answers: (a ?? []).map(([messageId, body]) => ({ messageId, body })),
    send: (s ?? []).map(([id, to, kind, body, expiresAtMs]) => ({
      ...{ id, to, kind, body },
      ...(expiresAtMs === null ? {} : { expiresAtMs }),
    })),
    cancel: c ?? [],
    timers: (t ?? []).map(([id, atMs, note]) => ({ id, atMs, ...(note === null ? {} : { note }) })),
    clearTimers: x ?? [],
    ...(d === undefined ? {} : { acknowledged: d }),
    ...(f === undefined ? {} : { fired: f }),
  };
}
