/** Reading a journal from a place on: in chunks that start small, so that reading one entry costs one entry. */
import { JournalError, type StoredEntry } from './journal.ts';
import { unpackEntry } from './packed-entries.ts';

export interface ChunkLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** An entry as stored: packed by `packed-entries.ts`. */
export interface RawEntry {
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** @throws JournalError `JOURNAL_CORRUPT` when the entry is damaged. */
export function storedEntry({ sequence, data }: RawEntry): StoredEntry {
  return { sequence, ...unpackEntry(data) };
}

/** @throws JournalError `JOURNAL_CORRUPT` on a damaged entry or a gap in the sequence. */
export async function* readInChunks(
  afterSequence: number,
  readChunk: (afterSequence: number, limits: ChunkLimits) => Promise<readonly RawEntry[]>,
): AsyncGenerator<StoredEntry> {
  let last = afterSequence;
  for (let maxEntries = 1; ; maxEntries = Math.min(maxEntries * 32, 2048)) {
    const chunk = await readChunk(last, { maxEntries, maxBytes: 4 * 1024 * 1024 });
    for (const raw of chunk) {
      if (raw.sequence !== last + 1) {
        throw new JournalError('JOURNAL_CORRUPT', `expected journal entry ${last + 1}, found ${raw.sequence}`);
      }
      last = raw.sequence;
      yield storedEntry(raw);
    }
    if (chunk.length === 0) return;
  }
}
