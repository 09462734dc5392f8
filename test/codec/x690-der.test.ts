/** The examples of X.690 and the refusals its sections 10 and 11 ask for, one by one. */
import { describe, expect, it } from 'vitest';
import * as der from '../../src/codec/der.ts';
import { fromHex, toHex } from '../../src/codec/hex.ts';

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof der.DerError) return error.code;
    throw error;
  }
  return 'accepted';
}

const bytesOf = (hex: string) => fromHex(hex.replaceAll(' ', ''));
const refusal = (type: der.DerType<unknown>, hex: string) => codeOf(() => der.decodeDer(type, bytesOf(hex)));

const jones = der.visibleString();
const person = der.sequence({ name: der.ia5String(), ok: der.boolean() });
const examples: readonly [name: string, type: der.DerType<unknown>, value: unknown, hex: string][] = [
  ['8.6.4.2 bit string', der.bitString(), { unused: 4, bytes: fromHex('0a3b5f291cd0') }, '0307040a3b5f291cd0'],
  ['8.8.2 null', der.nullValue(), null, '0500'],
  ['8.9.3 sequence', person, { name: 'Smith', ok: true }, '300a1605536d6974680101ff'],
  ['8.14.3 visible string', jones, 'Jones', '1a054a6f6e6573'],
  ['8.14.3 explicit tag', der.explicit(2, jones), 'Jones', 'a2071a054a6f6e6573'],
  ['8.14.3 implicit tag', der.implicit(2, jones), 'Jones', '82054a6f6e6573'],
  ['8.19.5 object identifier', der.objectIdentifier(), '2.999.3', '0603883703'],
  [
    '11.7.5 generalized time',
    der.generalizedTime(),
    new Date('1992-07-22T13:21:00Z'),
    '180f31393932303732323133323130305a',
  ],
  ['11.8.4 UTC time', der.utcTime(), new Date('1992-07-22T13:21:00Z'), '170d3932303732323133323130305a'],
  ['integer 0', der.integer(), 0n, '020100'],
  ['integer 128', der.integer(), 128n, '02020080'],
  ['integer -128', der.integer(), -128n, '020180'],
  ['integer -129', der.smallInteger(), -129, '0202ff7f'],
  ['integer 2^64', der.integer(), 1n << 64n, '0209010000000000000000'],
  ['integer -2^63', der.integer(), -(1n << 63n), '02088000000000000000'],
  ['boolean', der.boolean(), false, '010100'],
  ['named bits without trailing zeros', der.namedBits({ sign: 0, agree: 4, only: 8 }), new Set(['agree']), '03020308'],
  ['no named bits', der.namedBits({ sign: 0 }), new Set(), '030100'],
  ['tag 30', der.implicit(30, der.nullValue()), null, '9e00'],
  ['tag 31', der.implicit(31, der.nullValue()), null, '9f1f00'],
  ['tag 127', der.implicit(127, der.nullValue()), null, '9f7f00'],
  ['tag 999, SET’s Error', der.explicit(999, der.nullValue()), null, 'bf8767020500'],
  ['UTF-8', der.utf8String(), 'é', '0c02c3a9'],
  ['enumerated', der.enumerated({ approved: 0, declined: 2 }), 'declined', '0a0102'],
  ['octets of 128', der.octetString(), new Uint8Array(128), `048180${'00'.repeat(128)}`],
  ['octets of 256', der.octetString(), new Uint8Array(256), `04820100${'00'.repeat(256)}`],
  ['set of, sorted', der.setOf(der.smallInteger()), [1, 2, 128], '310a02010102010202020080'],
];

describe('X.690', () => {
  it.each(examples)('%s', (_name, type, value, hex) => {
    expect(toHex(der.encodeDer(type, value))).toBe(hex);
    expect(der.decodeDer(type, fromHex(hex))).toEqual(value);
  });

  it('orders a set by its octets, whatever order it is given in', () => {
    const type = der.setOf(der.octetString());
    const [a, b, c] = [new Uint8Array([9]), new Uint8Array([1, 1]), new Uint8Array([1, 2])];
    expect(toHex(der.encodeDer(type, [c, b, a]))).toBe('310b 040109 04020101 04020102'.replaceAll(' ', ''));
  });

  it('reads object identifiers of 1, 2 and 3 octets an arc alike, again from memory', () => {
    for (const oid of ['0.0', '0.39', '1.39.5', '2.0', '2.47', '2.48', '2.16383.128.16384', '1.2.840.113549.1.1.11']) {
      const octets = der.encodeDer(der.objectIdentifier(), oid);
      expect(der.decodeDer(der.objectIdentifier(), octets)).toBe(oid);
      expect(der.decodeDer(der.objectIdentifier(), octets)).toBe(oid);
    }
  });
});

describe('what is not DER', () => {
  const withDefault = der.sequence({ critical: der.withDefault(der.boolean(), false), id: der.objectIdentifier() });
  const date = der.withDefault(der.utcTime(), new Date('2026-01-01T00:00:00Z'));
  const bits = der.namedBits({ sign: 0, agree: 4 });
  const refusals: readonly [name: string, type: der.DerType<unknown>, hex: string, code: string][] = [
    ['nothing', der.nullValue(), '', 'DER_TRUNCATED'],
    ['half a header', der.nullValue(), '05', 'DER_TRUNCATED'],
    ['content cut short', der.octetString(), '0403 0102', 'DER_TRUNCATED'],
    ['bytes behind', der.nullValue(), '0500 00', 'DER_TRAILING'],
    ['another type', der.nullValue(), '0400', 'DER_TAG'],
    ['an indefinite length', der.sequenceOf(der.nullValue()), '3080 0500 0000', 'DER_LENGTH'],
    ['a length of 1 in the long form', der.octetString(), '048101 00', 'DER_LENGTH'],
    ['a length with a leading zero', der.octetString(), `04820080${'00'.repeat(128)}`, 'DER_LENGTH'],
    ['a length of five octets', der.octetString(), '04850100000000', 'DER_LENGTH'],
    ['a small tag in the long form', der.any(), '9f1e00', 'DER_TAG'],
    ['a tag with a leading zero', der.any(), '9f800100', 'DER_TAG'],
    ['a tag of four octets', der.any(), '9f81808001 00', 'DER_TAG'],
    ['a tag cut short', der.any(), '9f81', 'DER_TRUNCATED'],
    ['an octet string in pieces', der.octetString(), '2403 040100', 'DER_TAG'],
    ['a boolean of 01', der.boolean(), '010101', 'DER_VALUE'],
    ['a boolean of two octets', der.boolean(), '0102ffff', 'DER_VALUE'],
    ['an empty integer', der.integer(), '0200', 'DER_VALUE'],
    ['a padded positive integer', der.integer(), '0202007f', 'DER_VALUE'],
    ['a padded negative integer', der.integer(), '0202ff80', 'DER_VALUE'],
    ['an integer beyond the safe ones as a number', der.smallInteger(), '020720000000000000', 'DER_VALUE'],
    ['an integer out of bounds', der.smallInteger({ min: 0, max: 4 }), '020105', 'DER_VALUE'],
    ['an unknown number of an enumeration', der.enumerated({ a: 0 }), '0a0101', 'DER_VALUE'],
    ['a null with content', der.nullValue(), '050100', 'DER_VALUE'],
    ['a bit string without its first octet', der.bitString(), '0300', 'DER_VALUE'],
    ['eight unused bits', der.bitString(), '03020800', 'DER_VALUE'],
    ['unused bits of nothing', der.bitString(), '030101', 'DER_VALUE'],
    ['unused bits that are set', der.bitString(), '03020101', 'DER_VALUE'],
    ['named bits with trailing zeros', bits, '03020680', 'DER_VALUE'],
    ['a bit without a name', bits, '03020640', 'DER_VALUE'],
    ['an object identifier that ends inside an arc', der.objectIdentifier(), '060188', 'DER_VALUE'],
    ['an arc with a leading zero', der.objectIdentifier(), '0603 2a8001', 'DER_VALUE'],
    ['an empty object identifier', der.objectIdentifier(), '0600', 'DER_VALUE'],
    ['UTF-8 cut short', der.utf8String(), '0c01c3', 'DER_VALUE'],
    ['UTF-8 that is overlong', der.utf8String(), '0c02c080', 'DER_VALUE'],
    ['an underscore in a printable string', der.printableString(), '13015f', 'DER_VALUE'],
    ['a letter in a numeric string', der.numericString(), '120141', 'DER_VALUE'],
    ['a control character in a visible string', der.visibleString(), '1a0107', 'DER_VALUE'],
    ['an octet above 7f in an IA5 string', der.ia5String(), '160180', 'DER_VALUE'],
    ['a string too long', der.utf8String({ max: 1 }), '0c026161', 'DER_VALUE'],
    ['a time without seconds', der.utcTime(), '170b 393230373232313332315a', 'DER_VALUE'],
    ['a time with a fraction', der.generalizedTime(), '1811 31393932303732323133323130302e305a', 'DER_VALUE'],
    ['a time with an offset', der.utcTime(), '1711 3932303732323133323130302b30303030', 'DER_VALUE'],
    ['the 29th of February 2025', der.utcTime(), '170d 3235303232393030303030305a', 'DER_VALUE'],
    ['hour 24', der.utcTime(), '170d 3235303232383234303030305a', 'DER_VALUE'],
    ['a general time before 2050 in a certificate', der.time(), '180f31393932303732323133323130305a', 'DER_VALUE'],
    ['a default that is spelled out', withDefault, '3008 010100 06032a0304', 'DER_DEFAULT'],
    [
      'a default date that is spelled out',
      der.sequence({ date }),
      '300f 170d3236303130313030303030305a',
      'DER_DEFAULT',
    ],
    ['a missing field', withDefault, '3000', 'DER_MISSING'],
    ['a field in the wrong place', withDefault, '3008 06032a0304 0101ff', 'DER_UNEXPECTED'],
    ['a field nobody knows', person, '300c 1605536d697468 0101ff 0500', 'DER_UNEXPECTED'],
    ['two elements under an explicit tag', der.explicit(0, der.nullValue()), 'a004 0500 0500', 'DER_UNEXPECTED'],
    ['nothing under an explicit tag', der.explicit(0, der.nullValue()), 'a000', 'DER_TRUNCATED'],
    ['a set in the wrong order', der.setOf(der.smallInteger()), '3106 020102 020101', 'DER_ORDER'],
    ['too few elements', der.sequenceOf(der.nullValue(), { min: 1 }), '3000', 'DER_VALUE'],
    ['too many elements', der.sequenceOf(der.nullValue(), { max: 1 }), '3004 0500 0500', 'DER_TOO_MANY'],
    ['an element of another type', der.sequenceOf(der.nullValue()), '3002 0400', 'DER_TAG'],
    ['an alternative nobody knows', der.choice({ a: der.nullValue() }), '0400', 'DER_TAG'],
    ['a malformed element inside an open one', der.any(), '3003 0402 00', 'DER_TRUNCATED'],
    ['an element that reaches out of its sequence', person, '3009 1605536d697468 0101ff', 'DER_TRUNCATED'],
  ];
  it.each(refusals)('refuses %s', (_name, type, hex, code) => {
    expect(refusal(type, hex)).toBe(code);
  });
});

describe('limits', () => {
  const nested: der.DerType<unknown> = der.lazy(() => der.sequence({ inner: der.optional(nested) }));

  it('refuses an encoding that is too long, too deep or of too many elements, and takes one just below', () => {
    const octets = der.encodeDer(der.octetString(), new Uint8Array(10));
    expect(codeOf(() => der.decodeDer(der.octetString(), octets, { maxBytes: 11 }))).toBe('DER_TOO_LARGE');
    expect(codeOf(() => der.decodeDer(der.octetString(), octets, { maxBytes: 12 }))).toBe('accepted');
    const three = bytesOf('3004 3002 3000');
    for (const type of [nested, der.any()]) {
      expect(codeOf(() => der.decodeDer(type, three, { maxDepth: 2 }))).toBe('DER_TOO_DEEP');
      expect(codeOf(() => der.decodeDer(type, three, { maxDepth: 3 }))).toBe('accepted');
      expect(codeOf(() => der.decodeDer(type, three, { maxElements: 2 }))).toBe('DER_TOO_MANY');
      expect(codeOf(() => der.decodeDer(type, three, { maxElements: 3 }))).toBe('accepted');
    }
  });

  it('refuses to encode a value that contains itself', () => {
    const endless: { inner?: unknown } = {};
    endless.inner = endless;
    expect(codeOf(() => der.encodeDer(nested, endless))).toBe('DER_TOO_DEEP');
    expect(codeOf(() => der.encodeDer(nested, { inner: {} }))).toBe('accepted');
  });
});

describe('a schema', () => {
  const ambiguous: readonly [string, () => unknown][] = [
    [
      'an optional field before another of its tag',
      () => der.sequence({ a: der.optional(der.nullValue()), b: der.nullValue() }),
    ],
    ['a choice of two alternatives of one tag', () => der.choice({ a: der.integer(), b: der.smallInteger() })],
    ['a choice of an open type', () => der.choice({ a: der.any() })],
    ['a tag above 16383', () => der.implicit(16_384, der.nullValue())],
    ['a field named by a number', () => der.sequence({ 1: der.nullValue() })],
    ['two names for one number', () => der.enumerated({ a: 1, b: 1 })],
  ];
  it.each(ambiguous)('refuses %s', (_name, make) => {
    expect(codeOf(make)).toBe('DER_SCHEMA');
  });

  it('tells optional fields apart up to the next that must be there', () => {
    const type = der.sequence({
      a: der.optional(der.implicit(0, der.nullValue())),
      b: der.nullValue(),
      c: der.optional(der.implicit(0, der.nullValue())),
    });
    expect(der.decodeDer(type, bytesOf('3004 0500 8000'))).toEqual({ b: null, c: null });
    expect(der.decodeDer(type, bytesOf('3004 8000 0500'))).toEqual({ a: null, b: null });
  });

  it('fills in defaults, and drops values equal to them', () => {
    const type = der.sequence({
      number: der.withDefault(der.smallInteger(), 5),
      list: der.withDefault(der.sequenceOf(der.nullValue()), [null]),
    });
    expect(toHex(der.encodeDer(type, { number: 5, list: [null] }))).toBe('3000');
    expect(der.decodeDer(type, bytesOf('3000'))).toEqual({ number: 5, list: [null] });
    expect(der.decodeDer(type, der.encodeDer(type, { number: 6, list: [] }))).toEqual({ number: 6, list: [] });
  });

  it('keeps the exact octets of a captured part and writes them again', () => {
    const type = der.sequence({ signed: der.captured(person), signature: der.octetString() });
    const whole = bytesOf('300f 300a1605536d6974680101ff 0401 00');
    const decoded = der.decodeDer(type, whole);
    expect(toHex(decoded.signed.der)).toBe('300a1605536d6974680101ff');
    expect(decoded.signed.value).toEqual({ name: 'Smith', ok: true });
    expect(der.encodeDer(type, decoded)).toEqual(whole);
  });

  it('maps values, under any tag, and turns a refusal of the mapping into its own', () => {
    const even = der.mapped(der.smallInteger(), {
      decode(value) {
        if (value % 2 !== 0) throw new RangeError('odd');
        return value / 2;
      },
      encode: (half) => half * 2,
    });
    expect(toHex(der.encodeDer(der.implicit(0, even), 3))).toBe('800106');
    expect(der.decodeDer(der.implicit(0, even), bytesOf('800106'))).toBe(3);
    expect(refusal(even, '020103')).toBe('DER_VALUE');
  });

  it('says which field was wrong, and where', () => {
    const error = (() => {
      try {
        return der.decodeDer(person, bytesOf('300a 1605536d697468 010101'));
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toMatchObject({ code: 'DER_VALUE', detail: { field: 'ok' } });
  });
});

describe('a value that does not fit', () => {
  const misfits: readonly [string, der.DerType<unknown>, unknown][] = [
    ['a missing field', person, { name: 'Smith' }],
    ['a number for a bigint', der.integer(), 5],
    ['a fraction', der.smallInteger(), 0.5],
    ['an unsafe number', der.smallInteger(), 2 ** 53],
    ['a number out of bounds', der.smallInteger({ max: 3 }), 4],
    ['text for bytes', der.octetString(), 'text'],
    ['bytes out of bounds', der.octetString({ max: 1 }), new Uint8Array(2)],
    ['a foreign character', der.printableString(), 'a_b'],
    ['half a surrogate pair', der.utf8String(), 'a\ud800'],
    ['an unknown name', der.enumerated({ a: 0 }), 'b'],
    ['an unknown alternative', der.choice({ a: der.nullValue() }), { type: 'b', value: null }],
    ['an object identifier with one arc', der.objectIdentifier(), '1'],
    ['an object identifier with a second arc of 40', der.objectIdentifier(), '1.40'],
    ['an object identifier with a leading zero', der.objectIdentifier(), '1.2.03'],
    ['a year of two digits past 2049', der.utcTime(), new Date('2050-01-01T00:00:00Z')],
    ['no date', der.generalizedTime(), new Date(Number.NaN)],
    ['two elements for an open type', der.any(), bytesOf('0500 0500')],
    ['unused bits that are set', der.bitString(), { unused: 1, bytes: new Uint8Array([1]) }],
    ['too many elements', der.sequenceOf(der.nullValue(), { max: 1 }), [null, null]],
  ];
  it.each(misfits)('refuses %s, and works the next time', (_name, type, value) => {
    expect(codeOf(() => der.encodeDer(type, value))).toBe('DER_UNENCODABLE');
    expect(toHex(der.encodeDer(der.nullValue(), null))).toBe('0500');
  });

  it('encodes a value larger than the first buffer, and from within a mapping', () => {
    const large = new Uint8Array(100_000).fill(3);
    const wrapping = der.mapped(der.octetString(), {
      decode: (bytes) => der.decodeDer(der.octetString(), bytes),
      encode: (bytes: Uint8Array) => der.encodeDer(der.octetString(), bytes),
    });
    const type = der.sequence({ a: wrapping, b: wrapping });
    const value = { a: large, b: new Uint8Array([1]) };
    expect(der.decodeDer(type, der.encodeDer(type, value))).toEqual(value);
  });
});
