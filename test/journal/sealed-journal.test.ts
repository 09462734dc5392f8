/** The sealed journal: the conformance suite on a memory journal, and what lies on the disk under it. */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/codec/hex.ts';
import { JournalError } from '../../src/journal/journal.ts';
import { createMemoryJournal, type MemoryDisk } from '../../src/journal/memory-journal.ts';
import { createSealedJournal } from '../../src/journal/sealed-journal.ts';
import { seededRandom } from '../world/seeded-random.ts';
import { describeJournal } from './journal-conformance.ts';

const key = new Uint8Array(32).fill(5);
const random = seededRandom(1).bytes;

describeJournal('sealed', async () => {
  let disk: MemoryDisk | undefined;
  let last: ReturnType<typeof createMemoryJournal> | undefined;
  return {
    async open() {
      disk = last?.powerCut();
      last = createMemoryJournal(disk === undefined ? {} : { disk });
      return createSealedJournal({ journal: last, key, random });
    },
  };
});

describe('under the sealed journal', () => {
  const body = utf8('card 4000010000000016');
  const make = async () => {
    const journal = createMemoryJournal();
    const sealed = createSealedJournal({ journal, key, random });
    await sealed.append([{ keys: ['k'], body }]);
    await sealed.saveSnapshot(1, body);
    return { journal, sealed };
  };

  it('a lost store is lost for whoever reads through the seal', async () => {
    const lost = Promise.resolve(new JournalError('JOURNAL_FAILED', 'the server has gone'));
    const journal = { ...createMemoryJournal(), lost };
    expect(await createSealedJournal({ journal, key, random }).lost).toBe(await lost);
  });

  it('lies nothing that can be read', async () => {
    const { journal } = await make();
    const [entry] = await journal.readByKey('k');
    const snapshot = await journal.loadSnapshot();
    for (const bytes of [entry!.body, snapshot!.body]) {
      expect(Buffer.from(bytes).includes('4000010000000016')).toBe(false);
    }
  });

  it('nothing opens under another key, nor an entry as a snapshot', async () => {
    const { journal } = await make();
    const other = createSealedJournal({ journal, key: new Uint8Array(32).fill(6), random });
    await expect(other.readByKey('k')).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    await expect(other.loadSnapshot()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    const [entry] = await journal.readByKey('k');
    await journal.saveSnapshot(1, entry!.body);
    const same = createSealedJournal({ journal, key, random });
    await expect(same.loadSnapshot()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
  });
});
