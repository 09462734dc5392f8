/**
 * What an input and the local inputs it causes lead to, gathered into one journal entry: each decision is followed and applied at once, but they
 * are durable together or not at all, so one entry says the same as many, and most of what a conversation sets and clears within it need
 * not be written.
 */
import type { EmbeddedCbor } from '../codec/cbor-value.ts';
import type { DecidedEntry } from './decided-entry.ts';
import type { Outgoing, Timer } from './machine.ts';

/** As `DecidedEntry`, growing. */
export interface EntryDraft {
  readonly cause: Pick<DecidedEntry, 'message' | 'acknowledged' | 'fired'>;
  readonly records: (Uint8Array | EmbeddedCbor)[];
  answers: DecidedEntry['answers'];
  send: readonly Outgoing[];
  cancel: readonly string[];
  timers: readonly Timer[];
  clearTimers: readonly string[];
}

export type DecidedPart = Omit<DecidedEntry<Uint8Array | EmbeddedCbor>, 'message' | 'acknowledged' | 'fired'>;

const NONE: readonly never[] = [];

export function newDraft(cause: EntryDraft['cause']): EntryDraft {
  return { cause, records: [], answers: NONE, send: NONE, cancel: NONE, timers: NONE, clearTimers: NONE };
}

const joined = <T>(a: readonly T[], b: readonly T[]): readonly T[] =>
  b.length === 0 ? a : a.length === 0 ? b : [...a, ...b];

/** Replaying the draft leaves what replaying its parts one after the other would: an entry clears before it sets, and cancels before it sends. */
export function addPart(draft: EntryDraft, part: DecidedPart): void {
  for (const record of part.records) draft.records.push(record);
  draft.answers = joined(draft.answers, part.answers);
  if (draft.send.length > 0 && part.cancel.length > 0) {
    draft.send = draft.send.filter(({ id }) => !part.cancel.includes(id));
  }
  draft.cancel = joined(draft.cancel, part.cancel);
  draft.send = joined(draft.send, part.send);
  if (draft.timers.length > 0 && part.clearTimers.length + part.timers.length > 0) {
    const replaced = (timer: Timer) => part.timers.some(({ id }) => id === timer.id);
    draft.timers = draft.timers.filter((timer) => !part.clearTimers.includes(timer.id) && !replaced(timer));
  }
  draft.clearTimers = joined(draft.clearTimers, part.clearTimers);
  draft.timers = joined(draft.timers, part.timers);
}

export function isEmptyPart({ records, answers, send, cancel, timers, clearTimers }: DecidedPart): boolean {
  return records.length + answers.length + send.length + cancel.length + timers.length + clearTimers.length === 0;
}
