import { isDeepStrictEqual } from 'node:util';
import { decode as judgeDecode, encode as judgeEncode, rfc8949EncodeOptions } from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCbor, decodeCborExact, encodeCbor, encodeCborExact } from '../../src/codec/cbor.ts';
import { CborError, CborTag, type CborValue, EmbeddedCbor } from '../../src/codec/cbor-value.ts';
import { fromHex, toHex } from '../../src/codec/hex.ts';

// RFC 8949 appendix A, the rows whose encoding is the deterministic one.
const vectors: readonly [CborValue, string][] = [
  [0, '00'],
  [23, '17'],
  [24, '1818'],
  [100, '1864'],
  [1000, '1903e8'],
  [1000000, '1a000f4240'],
  [1000000000000, '1b000000e8d4a51000'],
  [18446744073709551615n, '1bffffffffffffffff'],
  [18446744073709551616n, 'c249010000000000000000'],
  [-18446744073709551616n, '3bffffffffffffffff'],
  [-18446744073709551617n, 'c349010000000000000000'],
  [-1, '20'],
  [-100, '3863'],
  [-0, 'f98000'],
  [1.1, 'fb3ff199999999999a'],
  [1.5, 'f93e00'],
  [100000.5, 'fa47c35040'],
  [3.4028234663852886e38, 'fa7f7fffff'],
  [1e300, 'fb7e37e43c8800759c'],
  [2 ** -24, 'f90001'],
  [2 ** -14, 'f90400'],
  [-4.1, 'fbc010666666666666'],
  [Number.POSITIVE_INFINITY, 'f97c00'],
  [Number.NaN, 'f97e00'],
  [false, 'f4'],
  [null, 'f6'],
  [fromHex('01020304'), '4401020304'],
  ['IETF', '6449455446'],
  ['ü', '62c3bc'],
  [[1, [2, 3], [4, 5]], '8301820203820405'],
  [{ a: 1, b: [2, 3] }, 'a26161016162820203'],
  [new CborTag(1, 1363896240), 'c11a514b67b0'],
];

describe('deterministic CBOR (RFC 8949)', () => {
  test('writes and reads the vectors of appendix A', () => {
    for (const [value, hex] of vectors) {
      expect(toHex(encodeCbor(value))).toBe(hex);
      expect(decodeCbor(fromHex(hex))).toEqual(value);
    }
  });

  test.each([
    ['a long head', '1817'],
    ['a long length', '5801ff'],
    ['an indefinite array', '9fff'],
    ['keys out of order', 'a2616201616101'],
    ['a repeated key', 'a2616101616102'],
    ['a long float', 'fb3ff8000000000000'],
    ['an integer as a float', 'f93c00'],
    ['a padded bignum', 'c24a00010000000000000000'],
    ['a bignum that fits 64 bits', 'c24101'],
    ['bytes left over', '0000'],
    ['an early end', '83 01 02'.replaceAll(' ', '')],
    ['a count beyond the input', '9affffffff'],
    ['malformed UTF-8', '61ff'],
    ['a reserved head', '1c'],
    ['the key __proto__', 'a1695f5f70726f746f5f5f01'],
    ['nothing at all', ''],
  ])('refuses %s', (_what, hex) => {
    expect(() => decodeCbor(fromHex(hex))).toThrow(CborError);
  });

  test('refuses what is deeper or longer than the limits say, and takes what is just within', () => {
    const nested = (depth: number) => fromHex(`${'81'.repeat(depth)}00`);
    expect(() => decodeCbor(nested(5), { maxDepth: 4 })).toThrow(CborError);
    expect(decodeCbor(nested(4), { maxDepth: 4 })).toEqual([[[[0]]]]);
    expect(() => decodeCbor(new Uint8Array(11), { maxBytes: 10 })).toThrow(/11 bytes/);
  });

  const leaves = (largest: bigint, doubles = fc.double({ noNaN: true })) =>
    fc.oneof(
      fc.integer(),
      fc.maxSafeInteger(),
      fc.bigInt({ min: -largest, max: largest }),
      fc.string({ unit: 'grapheme' }),
      fc.uint8Array(),
      fc.boolean(),
      fc.constant(null),
      doubles,
    );
  const positiveZero = fc.double({ noNaN: true }).map((number) => (Object.is(number, -0) ? 0 : number));
  // `__proto__` is refused on reading, on purpose.
  const keys = fc.string({ minLength: 1 }).filter((key) => key !== '__proto__');
  const trees = (largest: bigint, doubles?: fc.Arbitrary<number>) =>
    fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        leaves(largest, doubles),
        fc.array(tie('value')),
        fc.dictionary(keys, tie('value'), { noNullPrototype: true }),
      ),
    })).value as fc.Arbitrary<CborValue>;

  test('agrees with an independent encoder and decoder', () => {
    fc.assert(
      // The judge writes no bignums, integers of 64 bits only, and takes the sign of a negative zero away.
      fc.property(trees((1n << 64n) - 1n, positiveZero), (value) => {
        const bytes = encodeCbor(value);
        expect(toHex(bytes)).toBe(toHex(judgeEncode(value, rfc8949EncodeOptions)));
        expect(judgeDecode(bytes)).toEqual(decodeCbor(bytes));
      }),
      { numRuns: 200 },
    );
  });

  test('keeps the type of every bigint in the exact form', () => {
    fc.assert(
      fc.property(trees(1n << 80n), (value) => {
        // Not vitest's own comparison, which a key named `constructor` confuses.
        expect(isDeepStrictEqual(decodeCborExact(encodeCborExact(value)), value)).toBe(true);
      }),
      { numRuns: 200 },
    );
    expect(decodeCborExact(encodeCborExact({ amount: 5n }))).toStrictEqual({ amount: 5n });
  });

  test('meets arbitrary bytes with its own error only, and accepts nothing it would not have written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        let value: CborValue;
        try {
          value = decodeCbor(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CborError);
          return;
        }
        expect(toHex(encodeCbor(value))).toBe(toHex(bytes));
      }),
      { numRuns: 5000 },
    );
  });
});

test('a value embedded as a byte string is written as its encoding is, whatever its length', () => {
  for (const length of [0, 20, 21, 22, 23, 24, 251, 252, 253, 254, 4000, 65_529, 65_530, 65_531, 65_532, 300_000]) {
    const value = { text: 'x'.repeat(length), number: 5n };
    const apart = encodeCborExact(['a', encodeCborExact([encodeCborExact(value)]), 'b']);
    expect(encodeCborExact(['a', new EmbeddedCbor([new EmbeddedCbor(value)]), 'b'])).toEqual(apart);
  }
});
