/** A planted bug: a journal that says "flushed" before it has flushed anything. */
import type { Journal } from '../../src/journal/journal.ts';

export function lyingJournal(journal: Journal): Journal {
  let last = 0;
  let before: Promise<unknown> = Promise.resolve();
  return {
    ...journal,
    async append(entries) {
      if (last === 0) for await (const { sequence } of journal.read(0)) last = sequence;
      last += entries.length;
      before = before.then(() => journal.append(entries)).catch(() => undefined);
      return last;
    },
  };
}
