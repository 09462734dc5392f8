/** The billing adapter that docs/billing.md shows: told everything, also again, it has everything once. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { BillingAdapter } from '../../src/billing/book/billing-adapter.ts';
import { all, funding, openBook, withdrawal } from './bookings.ts';

const folder = mkdtempSync(join(tmpdir(), 'handsel-own-'));
const file = join(folder, 'billing.jsonl');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { createBillingAdapter } = (await import(
  new URL('../../examples/billing/own-billing.mjs', import.meta.url).href
)) as {
  createBillingAdapter(context: object): BillingAdapter;
};
const make = () => createBillingAdapter({ path: (name: string) => join(folder, name), options: {} });
const lines = () =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('the example takes records and days once, over a restart and half a line', async () => {
  const book = await openBook({ adapters: new Map([['own', make()]]) });
  await book.tell(funding('salary'), withdrawal(1));
  await book.pass(24 * 3_600_000);
  const expected = [
    { id: 'funding:salary', number: 1, entry: { minor: '10000', afterMinor: '10000' } },
    { id: 'withdrawal:north.1.1', number: 2, record: { withdrawn: { minor: '1387' } } },
    { id: '2026-10-02:customer:alice', currency: 'EUR', count: 2, opening: '0', closing: '8613' },
  ];
  expect(lines()).toMatchObject(expected);
  appendFileSync(file, '{"id":"withdrawal:nor');
  const attempt = { signal: new AbortController().signal };
  const again = make();
  for (const booked of await all(book.day().records())) await again.take(booked, attempt);
  await again.closeDay?.(book.day(), attempt);
  expect(lines()).toMatchObject(expected);
  expect(lines()).toHaveLength(3);
});
