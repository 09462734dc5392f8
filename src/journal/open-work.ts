/**
 * What a host still owes: messages to answer, messages to deliver, timers to fire. A function of the journal alone,
 * followed the same way while deciding and while replaying, and part of every snapshot.
 */
import type { DecidedEntry } from './decided-entry.ts';
import type { Timer } from './machine.ts';

export interface OpenWork {
  /** Handled, not answered yet: message id → digest in hexadecimal. */
  readonly unanswered: Map<string, string>;
  readonly outbox: Map<string, Undelivered>;
  readonly timers: Map<string, Timer>;
}

/** An outbox message without its body, which is read back from the journal when it must be sent again. */
export interface Undelivered {
  readonly to: string;
  readonly kind: string;
  readonly expiresAtMs: number | null;
  /** The journal entry that holds the body. */
  readonly sequence: number;
}

export function noWork(): OpenWork {
  return { unanswered: new Map(), outbox: new Map(), timers: new Map() };
}

/** Must be called with every entry in the order of the journal, as soon as it is decided. */
export function followEntry(work: OpenWork, entry: Omit<DecidedEntry, 'records'>, sequence: number): void {
  if (entry.acknowledged !== undefined) work.outbox.delete(entry.acknowledged);
  if (entry.fired !== undefined) work.timers.delete(entry.fired);
  if (entry.message !== undefined) work.unanswered.set(entry.message.id, hexDigest(entry.message.digest));
  for (const { messageId } of entry.answers) work.unanswered.delete(messageId);
  for (const id of entry.cancel) work.outbox.delete(id);
  for (const { id, to, kind, expiresAtMs } of entry.send) {
    work.outbox.set(id, { to, kind, expiresAtMs: expiresAtMs ?? null, sequence });
  }
  for (const id of entry.clearTimers) work.timers.delete(id);
  for (const timer of entry.timers) work.timers.set(timer.id, timer);
}

/** Text, because a hundred thousand small byte arrays cost several times their content. */
export function hexDigest(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex');
}
