/** CSV: what a reader that is not ours makes of it, and each record once whatever happens to the file. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { csvHeader, csvLine } from '../../src/billing/files/csv.ts';
import { csvFiles } from '../../src/billing/files/csv-files.ts';
import { bookedAs, clearing, DAY, deposit, funding, settlement, withdrawal } from './bookings.ts';

const attempt = { signal: new AbortController().signal };
const folders: string[] = [];
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'handsel-csv-'));
  folders.push(made);
  return made;
}
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

/** RFC 4180 by its grammar: fields with quotes, doubled quotes, CRLF. */
function parse(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const match = field.exec(text);
    if (match === null) throw new Error(`no field at ${at}`);
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '\r\n') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

const rowsOf = (text: string) => {
  const [head = [], ...rows] = parse(text);
  return rows.map((row) =>
    Object.fromEntries(row.map((value, at) => [head[at], value]).filter(([, value]) => value !== '')),
  );
};

describe('a line', () => {
  test.each([
    [
      withdrawal(1),
      {
        ...{ id: 'withdrawal:north.1.1', number: '1', type: 'withdrawal', day: DAY, reference: 'north.1.1' },
        ...{ 'booked at': '2026-10-02T10:00:00.000Z', 'happened at': '2026-10-02T09:59:59.995Z' },
        ...{ customer: 'alice', merchant: 'shop', operator: 'south', amount: '13.87', currency: 'EUR' },
        ...{ deposit: '20.00', returned: '6.13', paid: '15.00', 'paid currency': 'USD' },
        ...{ account: 'customer:alice', balance: '-13.87' },
      },
    ],
    [
      deposit(7),
      { merchant: 'kiosk', operator: 'south', amount: '2.50', currency: 'EUR', account: 'merchant:EUR:kiosk' },
    ],
    [
      clearing(1, { direction: 'due' }),
      { reference: 'north.1.1', operator: 'south', direction: 'due', balance: '-15.00' },
    ],
    [settlement(4), { reference: 'north.south.USD.4', direction: 'paid', amount: '15.00', currency: 'USD' }],
    [funding('salary'), { reference: 'salary', customer: 'alice', amount: '100.00', balance: '100.00' }],
  ])('of a record has its facts under the names of the header', (record, facts) => {
    const text = csvHeader + csvLine(bookedAs(record));
    expect(rowsOf(text)).toMatchObject([facts]);
    const columns = parse(text).map((row) => row.length);
    expect(columns).toEqual([columns[0], columns[0]]);
  });

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '=HYPERLINK("http://x","y")'])('shows %s as text', (name) => {
    const [row] = rowsOf(csvHeader + csvLine(bookedAs(withdrawal(1, { customer: name }))));
    expect(row?.customer).toBe(`'${name}`);
    expect(csvLine(bookedAs(withdrawal(1, { customer: name })))).not.toMatch(/(^|,|")[=+@]/);
  });

  test('quotes what would end a field, and keeps other alphabets', () => {
    const merchant = 'Müller, "東京"';
    expect(rowsOf(csvHeader + csvLine(bookedAs(withdrawal(1, { merchant }))))).toMatchObject([{ merchant }]);
    expect(csvLine(bookedAs(withdrawal(1, { merchant: 'a"b' })))).toContain(',"a""b",');
  });

  test.each(['a\r\nb', 'a\nb', 'a\tb', 'a\0b'])('holds no control characters: %j', (merchant) => {
    expect(() => csvLine(bookedAs(withdrawal(1, { merchant })))).toThrow(
      expect.objectContaining({ code: 'RECORD_REFUSED' }),
    );
  });

  const python = spawnSync('python3', ['--version']).status === 0;
  test.skipIf(!python)('reads the same in Python’s csv', () => {
    const merchant = 'Müller, "東京"';
    const text = csvHeader + csvLine(bookedAs(withdrawal(1, { merchant })));
    const program =
      'import csv,sys,json,io;print(json.dumps(list(csv.reader(io.StringIO(sys.stdin.buffer.read().decode("utf8"),newline="")))))';
    const { stdout } = spawnSync('python3', ['-c', program], { input: text, encoding: 'utf8' });
    expect(JSON.parse(stdout)).toEqual(parse(text));
  });
});

describe('the files', () => {
  test('are one a business day, readable by their owner only, with each record once', async () => {
    const directory = join(folder(), 'billing');
    const adapter = csvFiles(directory);
    for (const record of [withdrawal(1), withdrawal(2), withdrawal(1)]) await adapter.take(bookedAs(record), attempt);
    await adapter.take(bookedAs(deposit(1), { day: '2026-10-03' }), attempt);
    const file = join(directory, `${DAY}.csv`);
    expect(rowsOf(readFileSync(file, 'utf8')).map(({ id }) => id)).toEqual([
      'withdrawal:north.1.1',
      'withdrawal:north.2.1',
    ]);
    expect(rowsOf(readFileSync(join(directory, '2026-10-03.csv'), 'utf8'))).toHaveLength(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('know after a restart what they have, also under ids that are quoted', async () => {
    const directory = folder();
    const records = [withdrawal(1), funding('a,"b"'), funding('=c')].map((record) => bookedAs(record));
    for (let start = 0; start < 3; start++) {
      const adapter = csvFiles(directory);
      for (const booked of records) await adapter.take(booked, attempt);
    }
    expect(rowsOf(readFileSync(join(directory, `${DAY}.csv`), 'utf8'))).toHaveLength(3);
  });

  test('lose what a crash left of a line, at whatever byte, and get it again', async () => {
    const directory = folder();
    const file = join(directory, `${DAY}.csv`);
    const [first, second] = [bookedAs(withdrawal(1)), bookedAs(withdrawal(2, { merchant: 'Müller, "東京"' }))];
    await csvFiles(directory).take(first, attempt);
    const before = statSync(file).size;
    await csvFiles(directory).take(second, attempt);
    const whole = readFileSync(file);
    for (let length = before; length <= whole.length; length++) {
      rmSync(file);
      appendFileSync(file, whole.subarray(0, length));
      await csvFiles(directory).take(second, attempt);
      expect(readFileSync(file).equals(whole)).toBe(true);
    }
    // The header, too.
    truncateSync(file, 5);
    await csvFiles(directory).take(first, attempt);
    expect(rowsOf(readFileSync(file, 'utf8'))).toHaveLength(1);
  });

  test('a record that makes no line leaves none', async () => {
    const directory = folder();
    const bad = bookedAs(withdrawal(1, { merchant: 'a\nb' }));
    await expect(csvFiles(directory).take(bad, attempt)).rejects.toMatchObject({ code: 'RECORD_REFUSED' });
    expect(existsSync(join(directory, `${DAY}.csv`))).toBe(false);
  });
});
