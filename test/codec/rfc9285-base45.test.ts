/** RFC 9285, sections 4.3 and 4.4. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromBase45, toBase45 } from '../../src/codec/base45.ts';
import { utf8 } from '../../src/codec/hex.ts';
import { HandselError } from '../../src/handsel-error.ts';

it.each([
  ['AB', 'BB8'],
  ['Hello!!', '%69 VD92EX0'],
  ['base-45', 'UJCLQE7W581'],
  ['ietf!', 'QED8WEX0'],
])('%s is %s', (plain, encoded) => {
  expect(toBase45(utf8(plain))).toBe(encoded);
  expect(fromBase45(encoded)).toEqual(utf8(plain));
});

it('any bytes come back, and any text either is refused or is the one text of its bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      expect(fromBase45(toBase45(bytes))).toEqual(bytes);
    }),
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (text) => {
      try {
        expect(toBase45(fromBase45(text))).toBe(text);
      } catch (error) {
        if (!(error instanceof HandselError)) throw error;
      }
    }),
  );
  for (const bad of [':::', 'GGW', 'A', '::', 'a b']) expect(() => fromBase45(bad), bad).toThrow(HandselError);
});
