/** Recovery: the newest snapshot, then every later entry of the journal in order, gives the state as it was. */
import { decodeCborExact, encodeCborExact } from '../codec/cbor.ts';
import { type CborValue, EmbeddedCbor } from '../codec/cbor-value.ts';
import { decodeEntry } from './decided-entry.ts';
import { type Journal, JournalError } from './journal.ts';
import type { Machine, Timer } from './machine.ts';
import { followEntry, noWork, type OpenWork, type Undelivered } from './open-work.ts';

export interface Recovered<S> {
  readonly state: S;
  readonly work: OpenWork;
  readonly sequence: number;
  readonly sinceSnapshot: number;
  readonly snapshotBytes: number;
}

/** @throws JournalError `JOURNAL_CORRUPT` when snapshot or entries are damaged or belong to another machine. */
export async function recover<S, I, R>(machine: Machine<S, I, R>, journal: Journal): Promise<Recovered<S>> {
  const stored = await journal.loadSnapshot();
  const start = stored === undefined ? undefined : decodeSnapshot(machine, stored.body);
  const state = start?.state ?? machine.initial();
  const work = start?.work ?? noWork();
  const snapshotSequence = stored?.sequence ?? 0;
  let sequence = snapshotSequence;
  const decode = recordDecoder(machine);
  for await (const entry of journal.read(snapshotSequence)) {
    sequence = entry.sequence;
    const decided = decodeEntry(entry.body);
    for (const record of decided.records) machine.apply(state, decode(record));
    followEntry(work, decided, sequence);
  }
  return {
    ...{ state, work, sequence },
    sinceSnapshot: sequence - snapshotSequence,
    snapshotBytes: stored?.body.length ?? 0,
  };
}

/** For `encodeEntry`, which encodes a record that is plain data in its place. */
export function recordEncoder<S, I, R>(machine: Machine<S, I, R>): (record: R) => Uint8Array | EmbeddedCbor {
  return machine.encodeRecord?.bind(machine) ?? ((record) => new EmbeddedCbor(record as CborValue));
}

export function recordDecoder<S, I, R>(machine: Machine<S, I, R>): (bytes: Uint8Array) => R {
  return (
    machine.decodeRecord?.bind(machine) ??
    ((bytes) => decodeCborExact(bytes, { maxBytes: Number.MAX_SAFE_INTEGER }) as R)
  );
}

/** The whole state at one place of the journal: the machine's and the host's own. */
export function encodeSnapshot<S, I, R>(machine: Machine<S, I, R>, state: S, work: OpenWork): Uint8Array {
  return encodeCborExact({
    machine: machine.name,
    state: machine.snapshot(state),
    unanswered: [...work.unanswered],
    outbox: [...work.outbox].map(([id, { to, kind, expiresAtMs, sequence }]) => [id, to, kind, expiresAtMs, sequence]),
    timers: [...work.timers.values()].map(({ id, atMs, note }) => [id, atMs, note ?? null]),
  });
}

interface StoredSnapshot {
  readonly machine: string;
  readonly state: Uint8Array;
  readonly unanswered: [string, string][];
  readonly outbox: [string, string, string, number | null, number][];
  readonly timers: [string, number, string | null][];
}

function decodeSnapshot<S, I, R>(machine: Machine<S, I, R>, bytes: Uint8Array): { state: S; work: OpenWork } {
  const stored = decodeCborExact(bytes, { maxBytes: Number.MAX_SAFE_INTEGER }) as unknown as StoredSnapshot;
  if (stored.machine !== machine.name) {
    throw new JournalError(
      'JOURNAL_CORRUPT',
      `this journal belongs to the machine ${stored.machine}, not ${machine.name}`,
    );
  }
  const outbox = stored.outbox.map(([id, to, kind, expiresAtMs, sequence]): [string, Undelivered] => [
    id,
    { to, kind, expiresAtMs, sequence },
  ]);
  const timers = stored.timers.map(([id, atMs, note]): [string, Timer] => [
    id,
    { id, atMs, ...(note === null ? {} : { note }) },
  ]);
  return {
    state: machine.restore(stored.state),
    work: { unanswered: new Map(stored.unanswered), outbox: new Map(outbox), timers: new Map(timers) },
  };
}
