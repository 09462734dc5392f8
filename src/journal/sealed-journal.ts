/**
 * A journal whose bodies are sealed on their way to any other one, for machines whose records or messages hold what must not lie on a
 * disk in clear, card numbers above all. What entries are indexed by stays as it is: no secret belongs there.
 */
import { utf8 } from '../codec/hex.ts';
import type { Random } from '../crypto/random.ts';
import { open, seal } from '../crypto/sealing.ts';
import { type Journal, JournalError, type StoredEntry } from './journal.ts';

export interface SealedJournalOptions {
  readonly journal: Journal;
  /** 32 bytes. Random nonces allow 2³² entries and snapshots under one key. */
  readonly key: Uint8Array;
  readonly random: Random;
}

const ENTRY = utf8('Handsel journal entry');
const SNAPSHOT = utf8('Handsel journal snapshot');

/** @throws JournalError `JOURNAL_CORRUPT` on reading what was not sealed under this key */
export function createSealedJournal({ journal, key, random }: SealedJournalOptions): Journal {
  const unseal = (sealed: Uint8Array, associatedData: Uint8Array): Uint8Array => {
    try {
      return open({ key, sealed, associatedData });
    } catch (cause) {
      throw new JournalError('JOURNAL_CORRUPT', 'the journal is not sealed under this key, or is damaged', { cause });
    }
  };
  const opened = (entry: StoredEntry): StoredEntry => ({ ...entry, body: unseal(entry.body, ENTRY) });

  return {
    append: (entries) =>
      journal.append(
        entries.map(({ keys, body }) => ({
          keys,
          body: seal({ key, plaintext: body, associatedData: ENTRY, random }),
        })),
      ),
    async *read(afterSequence) {
      for await (const entry of journal.read(afterSequence)) yield opened(entry);
    },
    readByKey: async (name, options) => (await journal.readByKey(name, options)).map(opened),
    saveSnapshot: (sequence, body) =>
      journal.saveSnapshot(sequence, seal({ key, plaintext: body, associatedData: SNAPSHOT, random })),
    async loadSnapshot() {
      const snapshot = await journal.loadSnapshot();
      return snapshot && { ...snapshot, body: unseal(snapshot.body, SNAPSHOT) };
    },
    ...(journal.lost && { lost: journal.lost }),
    close: () => journal.close(),
  };
}
