/** The memory journal: the conformance suite, and the faults it is made for. */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/codec/hex.ts';
import { createMemoryJournal, type MemoryDisk } from '../../src/journal/memory-journal.ts';
import { seededRandom } from '../world/seeded-random.ts';
import { describeJournal } from './journal-conformance.ts';

describeJournal('memory', async () => {
  let disk: MemoryDisk | undefined;
  let last: ReturnType<typeof createMemoryJournal> | undefined;
  return {
    async open() {
      disk = last?.powerCut();
      last = createMemoryJournal(disk === undefined ? {} : { disk });
      return last;
    },
  };
});

const entries = (...bodies: string[]) => bodies.map((text) => ({ keys: [text], body: utf8(text) }));

async function countOf(disk: MemoryDisk): Promise<number> {
  let count = 0;
  for await (const _ of createMemoryJournal({ disk }).read(0)) count++;
  return count;
}

describe('a power cut', () => {
  it('keeps every append that resolved, and of the one under way all or nothing', async () => {
    const outcomes = new Set<number>();
    for (let seed = 0; seed < 60; seed++) {
      let flush = () => Promise.resolve();
      const journal = createMemoryJournal({ random: seededRandom(seed).bytes, flush: () => flush() });
      await journal.append(entries('a', 'b'));
      flush = () => new Promise(() => undefined);
      void journal.append(entries('c', 'd', 'e'));
      await Promise.resolve();
      outcomes.add(await countOf(journal.powerCut()));
    }
    expect([...outcomes].sort()).toEqual([2, 5]);
  });

  it('leaves appends under way without an answer for ever', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const journal = createMemoryJournal({ flush: () => promise });
    let answered = false;
    const append = journal.append(entries('a')).finally(() => {
      answered = true;
    });
    await Promise.resolve();
    journal.powerCut();
    resolve();
    await new Promise(setImmediate);
    expect(answered).toBe(false);
    void append;
  });

  it('does not hide damage in the middle of the journal', async () => {
    const journal = createMemoryJournal();
    await journal.append(entries('a'));
    await journal.append(entries('b'));
    const { frames, snapshot } = journal.powerCut();
    expect(() => createMemoryJournal({ disk: { frames: [frames[0]!.slice(0, 9), frames[1]!], snapshot } })).toThrow(
      /damaged/,
    );
  });
});

describe('an append that fails', () => {
  it('fails every later one too, and may or may not have been kept', async () => {
    const kept = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      const journal = createMemoryJournal({ random: seededRandom(seed).bytes, faults: { failAppend: 1 } });
      await expect(journal.append(entries('a'))).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
      await expect(journal.append(entries('b'))).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
      kept.add(await countOf(journal.powerCut()));
    }
    expect([...kept].sort()).toEqual([0, 1]);
  });
});
