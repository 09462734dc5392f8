/** What scanners read and what other doors wrote meets arbitrary bytes and letters, and only ever fails with our own errors. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../../src/codec/cbor.ts';
import type { CborValue } from '../../../src/codec/cbor-value.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { readScanFile } from '../../../src/trusted/door/scan-file.ts';
import {
  codeOfLetters,
  lettersOfCode,
  readCode,
  referenceTo,
  referredTo,
} from '../../../src/trusted/ticket/ticket-code.ts';

const ownError = (read: () => unknown) => {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(HandselError);
  }
};
const value = fc.oneof(fc.constant(null), fc.nat(), fc.string({ maxLength: 20 }), fc.uint8Array({ maxLength: 220 }));
const rows = fc.array(value, { maxLength: 9 }) as fc.Arbitrary<CborValue>;

describe('a door', () => {
  it.each([
    ['codes', readCode],
    ['scans of others', readScanFile],
  ] as const)('reads arbitrary %s', (_, read) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        ownError(() => read(bytes));
      }),
    );
    fc.assert(
      fc.property(rows, (row) => {
        ownError(() => read(encodeCbor(row)));
      }),
    );
  });

  it('reads arbitrary letters, and gives back what was written', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (letters) => {
        ownError(() => codeOfLetters(letters));
        ownError(() => codeOfLetters(`HT1:${letters}`));
        referredTo(letters);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (code) => {
        expect(codeOfLetters(lettersOfCode(code))).toEqual(code);
      }),
    );
    expect(referredTo(referenceTo('ab'.repeat(16)))).toBe('ab'.repeat(16));
    expect(() => codeOfLetters(`HT1:${'A'.repeat(4297)}`)).toThrow(HandselError);
  });
});
