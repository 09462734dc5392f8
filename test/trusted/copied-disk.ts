/** What somebody has that copies a device: everything its journal ever wrote, at the moment of the copy. */
import type { Journal, JournalEntry } from '../../src/journal/journal.ts';
import { createMemoryJournal, type MemoryDisk } from '../../src/journal/memory-journal.ts';

export interface Recorder {
  wrap(journal: Journal): Journal;
  copy(): Promise<MemoryDisk>;
}

/** `base` is what the journal begins with. */
export function createRecorder(base?: MemoryDisk): Recorder {
  const written: (readonly JournalEntry[])[] = [];
  return {
    wrap: (journal) => ({
      ...journal,
      async append(entries) {
        const sequence = await journal.append(entries);
        written.push(entries.map(({ keys, body }) => ({ keys, body: body.slice() })));
        return sequence;
      },
    }),
    async copy() {
      const journal = createMemoryJournal(base === undefined ? {} : { disk: base });
      for (const entries of written) await journal.append(entries);
      return journal.powerCut();
    },
  };
}
