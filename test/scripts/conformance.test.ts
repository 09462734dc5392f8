/** The conformance table: every ID of the source documents stands in it once, and passing means what it says. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { idsIn, judge, tableOf } from '../../scripts/conformance-table.mjs';

const asked: readonly { readonly id: string; readonly asks: string }[] = JSON.parse(
  readFileSync(new URL('../../docs/conformance.json', import.meta.url), 'utf8'),
);
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
const claims = (family: string, words: readonly string[]) => words.map((word) => `${family}-${word}`);

test('every claim and figure procedure of the four documents has exactly one line', () => {
  const figures = [...['2', '5', '6'], ...numbers(7, 34), ...numbers(36, 44)].map((number) => `F${number}`);
  const expected = [
    ...claims('KPN', [...numbers(1, 8), ...'ABCD']),
    ...claims('ERI', [...numbers(1, 27), ...'ABCDEFGHIJ']),
    ...claims('FT', [...numbers(1, 15), ...'AB']),
    ...claims('CITI', [...numbers(1, 49), ...figures, ...'ABCDE']),
  ];
  expect(asked.map(({ id }) => id)).toEqual(expected);
  for (const { asks } of asked) expect(asks.length).toBeGreaterThan(10);
});

test('a name may carry several IDs, and only whole ones in square brackets count', () => {
  expect(idsIn('[KPN-6] [CITI-F16] [ERI-A] a token')).toEqual(['KPN-6', 'CITI-F16', 'ERI-A']);
  expect(idsIn('KPN-6 without brackets, [RFC-9] of others, [KPN-6] twice [KPN-6]')).toEqual(['KPN-6']);
});

test('an ID passes when a test shows it and all that show it pass', () => {
  const rows = [
    { id: 'KPN-1', asks: 'one' },
    { id: 'KPN-2', asks: 'two' },
    { id: 'KPN-3', asks: 'three' },
  ];
  const run = (name: string, passed: boolean) => ({ name, file: 'test/x.test.ts', passed });
  const results = judge(rows, [run('[KPN-1] [KPN-2] a', true), run('[KPN-2] b', false), run('none', true)]);
  expect(results.map(({ id, passed }: { id: string; passed: boolean }) => [id, passed])).toEqual([
    ['KPN-1', true],
    ['KPN-2', false],
    ['KPN-3', false],
  ]);
  expect(results[1].tests).toHaveLength(2);
  expect(tableOf(results)).toContain('1 of 3 IDs shown and passing');
  expect(tableOf(results)).toMatch(/KPN-3 +no test/);
});

test('a test that names an ID which does not exist is an error, not nothing', () => {
  const slip = { name: `[KPN-${99}] a slip`, file: 'x', passed: true };
  expect(() => judge([{ id: 'KPN-1', asks: 'one' }], [slip])).toThrow('KPN-99');
});
