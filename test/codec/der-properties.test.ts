/** Whatever the schema: values come back as they were, and bytes are either refused or the one encoding of their value. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as der from '../../src/codec/der.ts';

interface Sample {
  readonly type: der.DerType<unknown>;
  readonly value: unknown;
}

const sample = <T>(type: der.DerType<T>, value: T): Sample => ({ type, value });
const wholeSecond = (min: string, max: string) =>
  fc.integer({ min: Date.parse(min) / 1000, max: Date.parse(max) / 1000 }).map((seconds) => new Date(seconds * 1000));
const arc = fc.nat(2 ** 40);
const oid = fc
  .oneof(
    fc.tuple(fc.constantFrom(0, 1), fc.nat(39), fc.array(arc, { maxLength: 5 })),
    fc.tuple(fc.constant(2), arc, fc.array(arc, { maxLength: 5 })),
  )
  .map(([root, second, rest]) => [root, second, ...rest].join('.'));
const names = { zero: 0, one: 1, seven: 7, eight: 8, twenty: 20 } as const;

const primitive: fc.Arbitrary<Sample> = fc.oneof(
  fc.boolean().map((value) => sample(der.boolean(), value)),
  fc.bigInt({ min: -(1n << 300n), max: 1n << 300n }).map((value) => sample(der.integer(), value)),
  fc.bigInt({ min: -70_000n, max: 70_000n }).map((value) => sample(der.integer(), value)),
  fc.maxSafeInteger().map((value) => sample(der.smallInteger(), value)),
  fc.integer({ min: -70_000, max: 70_000 }).map((value) => sample(der.smallInteger(), value)),
  fc.constant(sample(der.nullValue(), null)),
  fc.uint8Array({ maxLength: 300 }).map((value) => sample(der.octetString(), value)),
  fc.uint8Array().map((bytes) => sample(der.bitString(), { unused: 0, bytes })),
  fc
    .uniqueArray(fc.constantFrom(...(Object.keys(names) as (keyof typeof names)[])))
    .map((value) => sample(der.namedBits(names), new Set(value))),
  oid.map((value) => sample(der.objectIdentifier(), value)),
  fc.string({ unit: 'grapheme' }).map((value) => sample(der.utf8String(), value)),
  fc.string({ unit: 'grapheme-ascii' }).map((value) => sample(der.visibleString(), value)),
  wholeSecond('1950-01-01T00:00:00Z', '2049-12-31T23:59:59Z').map((value) => sample(der.utcTime(), value)),
  wholeSecond('0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z').map((value) => sample(der.generalizedTime(), value)),
  fc.constantFrom('zero' as const, 'eight' as const).map((value) => sample(der.enumerated(names), value)),
);

/** Any schema of a few levels together with a value of it. Every field has a tag of its own, so no schema is ambiguous. */
const { tree } = fc.letrec<{ tree: Sample }>((tie) => {
  const field = fc.record({
    inner: tie('tree'),
    kind: fc.constantFrom('required', 'optional', 'absent', 'default'),
  });
  const sequence = fc.array(field, { maxLength: 5 }).map((fields) => {
    const types = fields.map(({ inner, kind }, i) => {
      const type = der.explicit(i * 17, inner.type);
      const value = kind === 'optional' || kind === 'absent' ? der.optional(type) : type;
      return [`field${i}`, kind === 'default' ? der.withDefault(type, inner.value) : value] as const;
    });
    const values = fields.flatMap(({ inner, kind }, i) =>
      kind === 'absent' ? [] : [[`field${i}`, inner.value] as const],
    );
    return sample<unknown>(der.sequence(Object.fromEntries(types)), Object.fromEntries(values));
  });
  const choice = fc.tuple(tie('tree'), fc.nat(200)).map(([{ type, value }, tag]) =>
    sample<unknown>(der.choice({ other: der.implicit(tag + 1, der.nullValue()), chosen: der.explicit(tag, type) }), {
      type: 'chosen',
      value,
    }),
  );
  const list = fc.tuple(tie('tree'), fc.nat(4)).map(([{ type, value }, length]) =>
    sample<unknown>(
      der.sequenceOf(type),
      Array.from({ length }, () => value),
    ),
  );
  const set = fc.tuple(tie('tree'), fc.nat(3)).map(([{ type, value }, length]) =>
    sample<unknown>(
      der.setOf(type),
      Array.from({ length }, () => value),
    ),
  );
  const raw = tie('tree').map(({ type, value }) => sample(der.any(), der.encodeDer(type, value)));
  const lazy = tie('tree').map(({ type, value }) =>
    sample(
      der.lazy(() => type),
      value,
    ),
  );
  return {
    tree: fc.oneof({ maxDepth: 4, depthSize: 'small' }, primitive, sequence, choice, list, set, raw, lazy),
  };
});

function isEncodingOf(type: der.DerType<unknown>, bytes: Uint8Array): boolean {
  let value: unknown;
  try {
    value = der.decodeDer(type, bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(der.DerError);
    return false;
  }
  expect(der.encodeDer(type, value)).toEqual(bytes);
  return true;
}

describe('any schema', () => {
  it('gives back the values it encoded', () => {
    fc.assert(
      fc.property(tree, ({ type, value }) => {
        const bytes = der.encodeDer(type, value);
        expect(der.decodeDer(type, bytes)).toEqual(value);
        expect(der.encodeDer(der.any(), bytes)).toEqual(bytes);
      }),
      { numRuns: 1500 },
    );
  });

  it('sorts a set of anything, and reads only the sorted one', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -70_000n, max: 70_000n })), (values) => {
        const type = der.setOf(der.integer());
        const list = der.sequenceOf(der.integer());
        const sorted = der.decodeDer(type, der.encodeDer(type, values));
        expect(new Set(sorted)).toEqual(new Set(values));
        const relabelled = der.encodeDer(list, values);
        relabelled[0] = 0x31;
        const isSorted = values.every((value, i) => value === sorted[i]);
        expect(isEncodingOf(type, relabelled)).toBe(isSorted);
      }),
    );
  });

  it('refuses a changed, shortened or lengthened encoding, or reads it as the one encoding of another value', () => {
    fc.assert(
      fc.property(tree, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ type, value }, where, change) => {
        const bytes = der.encodeDer(type, value);
        const changed = bytes.slice();
        changed[where % bytes.length]! ^= change;
        isEncodingOf(type, changed);
        expect(isEncodingOf(type, bytes.subarray(0, where % bytes.length))).toBe(false);
        expect(isEncodingOf(type, Uint8Array.of(...bytes, change))).toBe(false);
      }),
      { numRuns: 1500 },
    );
  });

  it('meets arbitrary bytes with a refusal, or with the value of which they are the one encoding', () => {
    fc.assert(
      fc.property(tree, fc.uint8Array({ maxLength: 60 }), ({ type }, bytes) => {
        isEncodingOf(type, bytes);
        isEncodingOf(der.any(), bytes);
      }),
      { numRuns: 1500 },
    );
  });

  it('writes what OpenSSL’s parser reads to the last octet', () => {
    for (const { type, value } of fc.sample(tree, { numRuns: 40, seed: 690 })) {
      const bytes = der.encodeDer(type, value);
      const lines = execFileSync('openssl', ['asn1parse', '-inform', 'DER'], {
        input: bytes,
        encoding: 'latin1',
        stdio: 'pipe',
      });
      expect(lines).toMatch(/^ +0:d=0 /);
      expect(lines).not.toMatch(/Error|BAD/);
    }
  });
});
