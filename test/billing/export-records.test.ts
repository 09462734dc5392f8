/** Exports: one document of some business days, in every format, of bounded size. */
import { describe, expect, test } from 'vitest';
import { EXPORT_FORMATS, exportFormat, exportRecords } from '../../src/billing/files/export-records.ts';
import { clearing, DAY, deposit, funding, openBook, settlement, withdrawal } from './bookings.ts';
import { schemaFaults } from './schema-judge.ts';

const bank = { name: 'north', bics: new Map(), ibans: new Map() };
const HOUR_MS = 3_600_000;

async function twoDays() {
  const book = await openBook();
  await book.tell(funding('salary'), withdrawal(1), clearing(1), deposit(7));
  await book.pass(24 * HOUR_MS);
  await book.tell(withdrawal(2), clearing(2), settlement(1));
  const { calendar, clock } = book;
  return (format: (typeof EXPORT_FORMATS)[number], from = DAY, to = '2026-10-03', mostRecords = 100) =>
    exportRecords({ format, from, to }, { readDay: book.day, bank, calendar, nowMs: clock.nowMs(), mostRecords });
}

describe('an export', () => {
  test('is one valid document of all the days', async () => {
    const exported = await twoDays();
    const documents = await Promise.all(
      (['camt.053', 'camt.054', 'pacs.008', 'pacs.009'] as const).map((format) => exported(format)),
    );
    expect(await schemaFaults(documents.map(({ text }) => text))).toEqual([]);
    const count = (at: number, what: RegExp) => [...documents[at]!.text.matchAll(what)].length;
    // Three accounts on the first day and two on the second, which is not over.
    expect([count(0, /<Stmt>/g), count(0, /CLBD/g)]).toEqual([5, 3]);
    expect([count(1, /<Ntfctn>/g), count(2, /<CdtTrfTxInf>/g), count(3, /<CdtTrfTxInf>/g)]).toEqual([3, 2, 1]);
    expect(documents.every(({ contentType }) => contentType === 'application/xml')).toBe(true);
  });

  test('as CSV has every record, and its header also when there is none', async () => {
    const exported = await twoDays();
    const lines = async (...days: [string, string]) => (await exported('csv', ...days)).text.trimEnd().split('\r\n');
    expect(await lines(DAY, '2026-10-03')).toHaveLength(8);
    expect(await lines(DAY, DAY)).toHaveLength(5);
    expect(await lines('2026-10-01', '2026-10-01')).toHaveLength(1);
  });

  test('of nothing is refused where a document needs something to say', async () => {
    const exported = await twoDays();
    for (const format of EXPORT_FORMATS.filter((one) => one !== 'csv')) {
      await expect(exported(format, '2026-10-01', '2026-10-01')).rejects.toMatchObject({ code: 'EXPORT_EMPTY' });
    }
    await expect(exported('pacs.009', DAY, DAY)).rejects.toMatchObject({ code: 'EXPORT_EMPTY' });
  });

  test('has no more records than fit, in every format', async () => {
    const exported = await twoDays();
    for (const format of ['csv', 'camt.053', 'camt.054', 'pacs.008'] as const) {
      await expect(exported(format, DAY, '2026-10-03', 1)).rejects.toMatchObject({ code: 'EXPORT_TOO_LARGE' });
    }
    await expect(exported('csv', DAY, '2026-10-03', 7)).resolves.toBeDefined();
  });

  test.each([
    ['2026-10-03', DAY],
    ['yesterday', DAY],
    ['2020-01-01', DAY],
  ])('from %s to %s is refused', async (from, to) => {
    const exported = await twoDays();
    await expect(exported('csv', from, to)).rejects.toMatchObject({ code: 'PERIOD_INVALID' });
  });

  test('knows its formats', () => {
    expect(EXPORT_FORMATS.map(exportFormat)).toEqual(EXPORT_FORMATS);
    for (const text of ['', 'CSV', 'camt.052', 'toString']) {
      expect(() => exportFormat(text)).toThrow(expect.objectContaining({ code: 'FORMAT_UNKNOWN' }));
    }
  });
});
