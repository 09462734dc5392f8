import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { entriesOf, isUnder, pathTo, rootOf } from '../../../src/delivery/package/merkle-tree.ts';

/** The test leaves and roots of the reference implementation of Certificate Transparency. */
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  fromHex,
);
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

test('roots are those of the reference implementation', () => {
  expect(roots.map((_, at) => toHex(rootOf(leaves.slice(0, at + 1))))).toEqual(roots);
  expect(toHex(rootOf([]))).toBe(toHex(sha256(new Uint8Array())));
});

/** Section 2.1.1 word for word. */
function rootByDefinition(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length === 1) return sha256(new Uint8Array([0]), entries[0]!);
  let k = 1;
  while (2 * k < entries.length) k *= 2;
  return sha256(new Uint8Array([1]), rootByDefinition(entries.slice(0, k)), rootByDefinition(entries.slice(k)));
}

const tables = fc.integer({ min: 1, max: 70 }).map((count) => {
  const table = new Uint8Array(count * 32);
  for (let at = 0; at < count; at++) table.set(sha256(new Uint8Array([at, count])), at * 32);
  return table;
});

test('roots are those of the definition, whatever the number of entries', () => {
  fc.assert(
    fc.property(tables, (table) => {
      expect(toHex(rootOf(entriesOf(table)))).toBe(toHex(rootByDefinition([...entriesOf(table)])));
    }),
  );
});

test('every entry is shown to be under its root in its own place, and in no other', () => {
  fc.assert(
    fc.property(tables, fc.nat(), fc.nat(), (table, pick, other) => {
      const count = table.length / 32;
      const root = rootOf(entriesOf(table));
      const number = pick % count;
      const entry = table.subarray(number * 32, number * 32 + 32);
      const path = pathTo(number, table);
      expect(isUnder(root, { entry, number, count, path })).toBe(true);
      expect(isUnder(root, { entry, number, count, path: [...path, entry] })).toBe(false);
      expect(isUnder(root, { entry, number: count, count, path })).toBe(false);
      expect(isUnder(root, { entry: sha256(entry), number, count, path })).toBe(false);
      const elsewhere = other % count;
      if (elsewhere !== number) expect(isUnder(root, { entry, number: elsewhere, count, path })).toBe(false);
      if (path.length > 0) expect(isUnder(root, { entry, number, count, path: path.slice(1) })).toBe(false);
    }),
  );
});
