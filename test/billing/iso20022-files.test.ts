/** ISO 20022 files: which are written for what, once, and never half. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ISO_MESSAGES, iso20022Files } from '../../src/billing/files/iso20022-files.ts';
import { fileNameOf, writeOnce } from '../../src/billing/files/write-once.ts';
import type { BillingRecord } from '../../src/deposit/message/billing-record.ts';
import { bookedAs, clearing, DAY, deposit, funding, NOON_MS, openBook, settlement, withdrawal } from './bookings.ts';
import { schemaFaults } from './schema-judge.ts';

const attempt = { signal: new AbortController().signal };
const bank = { name: 'north', bics: new Map(), ibans: new Map() };
const dayOf = (atMs: number) => new Date(atMs).toISOString().slice(0, 10);
const folders: string[] = [];
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'handsel-iso-'));
  folders.push(made);
  return made;
}
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

const filesIn = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1))
    .sort();

async function written(
  records: readonly BillingRecord[],
  messages = ISO_MESSAGES as readonly (typeof ISO_MESSAGES)[number][],
) {
  const directory = folder();
  const adapter = iso20022Files({ directory, messages, bank, dayOf });
  for (const record of records) await adapter.take(bookedAs(record), attempt);
  return { directory, adapter };
}

describe('the files', () => {
  test('are what each record says, by message and day, and valid', async () => {
    const { directory } = await written([withdrawal(1), clearing(1), deposit(7), settlement(1), funding('salary')]);
    expect(filesIn(directory)).toEqual([
      `camt.054/${DAY}/deposit_3asouth.7.1.xml`,
      `camt.054/${DAY}/withdrawal_3anorth.1.1.xml`,
      `pacs.008/${DAY}/withdrawal_3anorth.1.1.xml`,
      `pacs.009/${DAY}/settlement_3anorth.south.USD.1.xml`,
    ]);
    expect(await schemaFaults(filesIn(directory).map((file) => readFileSync(join(directory, file), 'utf8')))).toEqual(
      [],
    );
    expect(statSync(join(directory, filesIn(directory)[0]!)).mode & 0o777).toBe(0o600);
  });

  test('are only those asked for', async () => {
    const { directory } = await written([withdrawal(1), settlement(1)], ['pacs.009']);
    expect(filesIn(directory)).toEqual([`pacs.009/${DAY}/settlement_3anorth.south.USD.1.xml`]);
  });

  test('stay as they are when a record comes again', async () => {
    const { directory, adapter } = await written([withdrawal(1)]);
    const file = join(directory, `pacs.008/${DAY}/withdrawal_3anorth.1.1.xml`);
    const before = statSync(file);
    await adapter.take(bookedAs(withdrawal(1)), attempt);
    expect(statSync(file)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
    // One that was taken away is made again, byte for byte: its message identification is the same.
    const content = readFileSync(file, 'utf8');
    rmSync(file);
    await adapter.take(bookedAs(withdrawal(1)), attempt);
    expect(readFileSync(file, 'utf8')).toBe(content);
  });

  test('of statements come when the day is over, one an account', async () => {
    const directory = folder();
    const adapters = new Map([['iso', iso20022Files({ directory, messages: ['camt.053'], bank, dayOf })]]);
    const book = await openBook({ adapters });
    await book.tell(funding('salary'), withdrawal(1), clearing(1), deposit(7));
    await book.pass(13 * 3_600_000);
    expect(filesIn(directory)).toEqual([]);
    await book.pass(2 * 3_600_000);
    expect(filesIn(directory)).toEqual(
      ['clearing_3aUSD_3asouth', 'customer_3aalice', 'merchant_3aEUR_3akiosk'].map(
        (name) => `camt.053/${DAY}/${name}.xml`,
      ),
    );
    const documents = filesIn(directory).map((file) => readFileSync(join(directory, file), 'utf8'));
    expect(await schemaFaults(documents)).toEqual([]);
    for (const document of documents) expect(document).toContain(`<CreDtTm>2026-10-03T00:00:00.000Z</CreDtTm>`);
    expect(NOON_MS).toBeLessThan(Date.UTC(2026, 9, 3));
  });
});

describe('writing once', () => {
  test('leaves alone what is there, and cleans up what a crash left', () => {
    const file = join(folder(), 'a/b/c.xml');
    expect(writeOnce(file, 'one')).toBe(true);
    writeFileSync(join(file, '../.c.xml.unfinished'), 'half');
    expect(writeOnce(file, 'two')).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe('one');
    expect(readdirSync(join(file, '..'))).toEqual(['c.xml']);
  });

  test('takes no unfinished file for a whole one', () => {
    const directory = folder();
    writeFileSync(join(directory, '.c.xml.unfinished'), 'half of a longer text');
    expect(writeOnce(join(directory, 'c.xml'), 'one')).toBe(true);
    expect(readFileSync(join(directory, 'c.xml'), 'utf8')).toBe('one');
    expect(readdirSync(directory)).toEqual(['c.xml']);
  });

  test.each([
    ['../../etc/passwd', '_2e._2f.._2fetc_2fpasswd'],
    ['..', '_2e.'],
    ['a/b', 'a_2fb'],
    ['a_2fb', 'a_5f2fb'],
    ['CON|*?"<>', 'CON_7c_2a_3f_22_3c_3e'],
    ['東', '_e6_9d_b1'],
  ])('names a file for %s without leaving its folder: %s', (id, name) => expect(fileNameOf(id)).toBe(name));

  test('names files for long ids within what file systems take, each its own', () => {
    const names = ['a', 'b'].map((end) => fileNameOf(`${'/'.repeat(200)}${end}`));
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name.length).toBeLessThan(200);
  });
});
