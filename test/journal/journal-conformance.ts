/** What every maker of the journal port must do; run on SQLite, PostgreSQL and memory by the `*-journal.test.ts` beside it. */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/codec/hex.ts';
import type { Journal, StoredEntry } from '../../src/journal/journal.ts';

export interface JournalPlace {
  /** Opens the journal again, after `close` or after a crash. */
  open(): Promise<Journal>;
}

export function describeJournal(maker: string, makePlace: () => Promise<JournalPlace>): void {
  const entry = (text: string, ...keys: string[]) => ({ keys, body: utf8(text) });
  const texts = (entries: readonly StoredEntry[]) => entries.map(({ body }) => Buffer.from(body).toString());
  const all = async (journal: Journal, after = 0) => {
    const found: StoredEntry[] = [];
    for await (const stored of journal.read(after)) found.push(stored);
    return found;
  };

  describe(`${maker} journal`, () => {
    it('numbers entries 1, 2, 3 across appends and gives them back in order', async () => {
      const journal = await (await makePlace()).open();
      expect(await journal.append([entry('a', 'k'), entry('b')])).toBe(2);
      expect(await journal.append([entry('c', 'k', 'l')])).toBe(3);
      const found = await all(journal);
      expect(found.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
      expect(texts(found)).toEqual(['a', 'b', 'c']);
      expect(found.map(({ keys }) => keys)).toEqual([['k'], [], ['k', 'l']]);
      expect(texts(await all(journal, 2))).toEqual(['c']);
      expect(await all(journal, 3)).toEqual([]);
      await journal.close();
    });

    it('keeps every appended entry over close and open, and goes on counting', async () => {
      const place = await makePlace();
      const first = await place.open();
      await first.append([entry('a', 'k')]);
      await first.close();
      const second = await place.open();
      expect(await second.append([entry('b', 'k')])).toBe(2);
      expect(texts(await second.readByKey('k'))).toEqual(['a', 'b']);
      await second.close();
    });

    it('finds by exact key only, oldest first, and a limit keeps the newest', async () => {
      const journal = await (await makePlace()).open();
      await journal.append([entry('1', 'key'), entry('2', 'key2'), entry('3', 'key', 'other'), entry('4', 'KEY')]);
      await journal.append([entry('5', 'key')]);
      expect(texts(await journal.readByKey('key'))).toEqual(['1', '3', '5']);
      expect(texts(await journal.readByKey('key', { limit: 2 }))).toEqual(['3', '5']);
      expect(texts(await journal.readByKey('key', { limit: 0 }))).toEqual([]);
      expect(await journal.readByKey('ke')).toEqual([]);
      expect(await journal.readByKey("'; drop table entry; --")).toEqual([]);
      await journal.close();
    });

    it('answers many look-ups made at once, each with its own entries', async () => {
      const journal = await (await makePlace()).open();
      await journal.append(Array.from({ length: 300 }, (_, at) => entry(`body ${at}`, `key ${at}`)));
      const found = await Promise.all(Array.from({ length: 300 }, (_, at) => journal.readByKey(`key ${at}`)));
      expect(found.map((entries) => texts(entries).join())).toEqual(
        Array.from({ length: 300 }, (_, at) => `body ${at}`),
      );
      await journal.close();
    });

    it('carries any bytes and any text in keys, a key twice, and an empty body', async () => {
      const journal = await (await makePlace()).open();
      const body = Uint8Array.from({ length: 70_000 }, (_, at) => at * 7);
      await journal.append([
        { keys: ['schlüssel-✓', 'nul\0byte', 'twice', 'twice'], body },
        { keys: ['empty'], body: new Uint8Array() },
      ]);
      expect(Buffer.from((await journal.readByKey('schlüssel-✓'))[0]!.body).equals(body)).toBe(true);
      expect(await journal.readByKey('nul\0byte')).toHaveLength(1);
      expect(await journal.readByKey('twice')).toHaveLength(1);
      expect((await journal.readByKey('empty'))[0]?.body).toHaveLength(0);
      await journal.close();
    });

    it('appends all entries of a group or, when one is beyond the limits, none', async () => {
      const journal = await (await makePlace()).open();
      const tooLong = { keys: ['x'.repeat(2000)], body: utf8('b') };
      await expect(async () => journal.append([entry('a'), tooLong])).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
      expect(await all(journal)).toEqual([]);
      expect(await journal.append([entry('c')])).toBe(1);
      await journal.close();
    });

    it('reads thousands of entries without a gap', async () => {
      const journal = await (await makePlace()).open();
      for (let group = 0; group < 5; group++) {
        await journal.append(Array.from({ length: 1000 }, (_, at) => entry(`${group * 1000 + at + 1}`)));
      }
      const found = await all(journal, 10);
      expect(found).toHaveLength(4990);
      expect(found.every(({ sequence, body }) => Buffer.from(body).toString() === `${sequence}`)).toBe(true);
      await journal.close();
    });

    it('keeps the newest snapshot over close and open', async () => {
      const place = await makePlace();
      const first = await place.open();
      expect(await first.loadSnapshot()).toBeUndefined();
      await first.append([entry('a')]);
      await first.saveSnapshot(0, utf8('older'));
      await first.saveSnapshot(1, utf8('newer'));
      await first.close();
      const second = await place.open();
      const snapshot = await second.loadSnapshot();
      expect(snapshot?.sequence).toBe(1);
      expect(Buffer.from(snapshot!.body).toString()).toBe('newer');
      expect(texts(await all(second))).toEqual(['a']);
      await second.close();
    });

    it('refuses work after it is closed, and closes twice without complaint', async () => {
      const journal = await (await makePlace()).open();
      await journal.close();
      await journal.close();
      await expect(async () => journal.append([entry('a')])).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' });
      await expect(async () => journal.readByKey('a')).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' });
    });
  });
}
