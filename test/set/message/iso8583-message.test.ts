import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex, utf8 } from '../../../src/codec/hex.ts';
import { Iso8583Error } from '../../../src/set/message/iso8583-field.ts';
import { decodeIso8583, encodeIso8583 } from '../../../src/set/message/iso8583-message.ts';

const echo = {
  mti: '0800',
  fields: new Map<number, string | Uint8Array>([
    [7, '1121110123'],
    [11, '000001'],
    [70, '301'],
  ]),
};
const echoHex = `${toHex(utf8('0800'))}82200000000000000400000000000000${toHex(utf8('1121110123000001301'))}`;

describe('ISO 8583:1987 messages', () => {
  test('write the type, both bitmaps and the fields in order', () => {
    expect(toHex(encodeIso8583(echo))).toBe(echoHex);
    expect(decodeIso8583(fromHex(echoHex))).toEqual(echo);
  });

  test('carry variable and binary fields', () => {
    const message = {
      mti: '0100',
      fields: new Map<number, string | Uint8Array>([
        [2, '4111111111111111'],
        [52, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])],
        [60, ''],
      ]),
    };
    expect(decodeIso8583(encodeIso8583(message))).toEqual(message);
  });

  test.each([
    ['a message cut short anywhere', fromHex(echoHex).subarray(0, -1)],
    ['bytes after the last field', fromHex(`${echoHex}20`)],
    ['an edition other than 1987', utf8('1800\0\0\0\0\0\0\0\0')],
    ['a secondary bitmap that names no field', fromHex(`${toHex(utf8('0800'))}80000000000000000000000000000000`)],
    ['letters in a numeric field', fromHex(echoHex.replace(toHex(utf8('000001')), toHex(utf8('00000A'))))],
    ['a length that is not digits', fromHex(`${toHex(utf8('0100'))}4000000000000000${toHex(utf8(' 4111'))}`)],
    ['a field longer than its most', utf8(`0100\x40\0\0\0\0\0\0\x0020${'1'.repeat(20)}`)],
    ['more than the most bytes', new Uint8Array(9000)],
  ])('refuse %s', (_, bytes) => {
    expect(() => decodeIso8583(bytes)).toThrow(Iso8583Error);
  });

  test('refuse to write what would not be read', () => {
    const write = (field: number, value: string | Uint8Array) =>
      encodeIso8583({ mti: '0100', fields: new Map([[field, value]]) });
    expect(() => write(2, '41111111111111111111')).toThrow(Iso8583Error);
    expect(() => write(4, '12')).toThrow(Iso8583Error);
    expect(() => write(52, '12345678')).toThrow(Iso8583Error);
    expect(() => write(65, '1')).toThrow(Iso8583Error);
    expect(() => write(129, '1')).toThrow(Iso8583Error);
  });

  test('never put a value into an error text', () => {
    const pan = '4111111111111111X';
    expect(() => encodeIso8583({ mti: '0100', fields: new Map([[2, pan]]) })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('4111') }),
    );
  });

  test('arbitrary bytes are refused with our error, or are exactly what we would write', () => {
    const check = (bytes: Uint8Array) => {
      try {
        expect(toHex(encodeIso8583(decodeIso8583(bytes)))).toBe(toHex(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(Iso8583Error);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check));
    const bitmap = fc.uint8Array({ minLength: 8, maxLength: 16 });
    const nearly = fc.tuple(fc.constantFrom('0100', '0210', '0800'), bitmap, fc.stringMatching(/^[0-9]{0,120}$/));
    fc.assert(
      fc.property(nearly, ([mti, bits, text]) => check(new Uint8Array([...utf8(mti), ...bits, ...utf8(text)]))),
    );
  });
});
