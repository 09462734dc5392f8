/** The SQLite journal: the conformance suite, and what only a file can get wrong. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/codec/hex.ts';
import { openSqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { describeJournal } from './journal-conformance.ts';

const directory = mkdtempSync(join(tmpdir(), 'handsel-journal-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const newFile = () => join(directory, `journal-${files++}.db`);

describeJournal('SQLite', async () => {
  const file = newFile();
  return { open: () => openSqliteJournal({ file }) };
});

const openInOtherProcess = `
  import { openSqliteJournal } from ${JSON.stringify(new URL('../../src/journal/sqlite-journal.ts', import.meta.url).href)};
  const journal = await openSqliteJournal({ file: process.argv[1] });
  await journal.append([{ keys: ['k'], body: Buffer.from('from the other process') }]);
  console.log('open');
  setInterval(() => undefined, 1000);
`;

describe('a SQLite journal file', () => {
  it('refuses a second opener in the same process, and opens again once the first has closed', async () => {
    const file = newFile();
    const first = await openSqliteJournal({ file });
    await expect(openSqliteJournal({ file })).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' });
    await first.close();
    await (await openSqliteJournal({ file })).close();
  });

  it('refuses a second process while the first lives, and after its kill gives all it had appended', async () => {
    const file = newFile();
    const other = spawn(process.execPath, ['--input-type=module', '-e', openInOtherProcess, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve, reject) => {
      other.stdout.once('data', resolve);
      other.once('exit', () => reject(new Error('the other process ended early')));
    });
    await expect(openSqliteJournal({ file })).rejects.toThrow(/in use by another process/);
    const gone = new Promise((resolve) => other.once('exit', resolve));
    other.kill('SIGKILL');
    await gone;
    const journal = await openSqliteJournal({ file });
    expect(await journal.readByKey('k')).toHaveLength(1);
    await journal.close();
  });

  it('is readable by its owner only', async () => {
    const file = newFile();
    const journal = await openSqliteJournal({ file });
    await journal.append([{ keys: [], body: utf8('secret') }]);
    expect(statSync(file).mode & 0o077).toBe(0);
    expect(statSync(`${file}-wal`).mode & 0o077).toBe(0);
    await journal.close();
  });

  it('refuses a file that is not a journal, and one of another version', async () => {
    const noDatabase = newFile();
    writeFileSync(noDatabase, 'this is not a database, but long enough to look like a file of some kind');
    await expect(openSqliteJournal({ file: noDatabase })).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
    const otherVersion = newFile();
    const database = new DatabaseSync(otherVersion);
    database.exec('PRAGMA user_version = 99');
    database.close();
    await expect(openSqliteJournal({ file: otherVersion })).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
  });

  it('notices a changed entry, a removed entry and a changed snapshot', async () => {
    const file = newFile();
    const journal = await openSqliteJournal({ file });
    await journal.append(['a', 'b', 'c'].map((text) => ({ keys: [text], body: utf8(text) })));
    await journal.saveSnapshot(3, utf8('snapshot'));
    await journal.close();
    const database = new DatabaseSync(file);
    database.exec(
      "UPDATE entry SET data = CAST(data || x'00' AS BLOB) WHERE sequence = 1; DELETE FROM entry WHERE sequence = 2",
    );
    database.exec("UPDATE snapshot SET body = x'00'");
    database.close();
    const damaged = await openSqliteJournal({ file });
    const readFrom = async (after: number) => {
      for await (const _ of damaged.read(after));
    };
    await expect(readFrom(0)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    await expect(readFrom(1)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    await expect(damaged.loadSnapshot()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    await damaged.close();
  });

  describe('found after a crash with its log', () => {
    /** The files as a crash leaves them after five entries, the log changed by `damage`. */
    async function crashed(damage: (log: Buffer) => Uint8Array): Promise<string> {
      const file = newFile();
      const journal = await openSqliteJournal({ file });
      for (const text of ['a', 'b', 'c', 'd', 'e']) await journal.append([{ keys: [text], body: utf8(text) }]);
      const copy = newFile();
      copyFileSync(file, copy);
      writeFileSync(`${copy}-wal`, damage(readFileSync(`${file}-wal`)));
      await journal.close();
      return copy;
    }

    async function sequencesOf(file: string): Promise<number[]> {
      const journal = await openSqliteJournal({ file });
      const found: number[] = [];
      for await (const { sequence } of journal.read(0)) found.push(sequence);
      await journal.close();
      return found;
    }

    const flipped = (at: (log: Buffer) => number) => (log: Buffer) => {
      log[at(log)]! ^= 1;
      return log;
    };

    it('gives back everything, or everything but the write that the crash tore', async () => {
      expect(await sequencesOf(await crashed((log) => log))).toEqual([1, 2, 3, 4, 5]);
      expect(await sequencesOf(await crashed((log) => log.subarray(0, -100)))).toEqual([1, 2, 3, 4]);
    });

    it.each([
      ['header', () => 17],
      ['middle', (log: Buffer) => log.length >> 1],
    ])(
      'tells damage in its %s, which would undo what was acknowledged after it, each time it is opened',
      async (_, at) => {
        const file = await crashed(flipped(at));
        for (const _ of [1, 2]) await expect(sequencesOf(file)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
      },
    );
  });
});
