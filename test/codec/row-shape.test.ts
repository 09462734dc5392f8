/** Rows and choices: what is encoded comes back, and no value has two encodings. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCbor, encodeCbor } from '../../src/codec/cbor.ts';
import type { CborValue } from '../../src/codec/cbor-value.ts';
import { MessageError } from '../../src/codec/message-error.ts';
import { choice, numbered, row } from '../../src/codec/row-shape.ts';
import { bytes, list, optional, text, whole } from '../../src/codec/shape.ts';

const seat = row({ name: text({ max: 10 }), row: optional(whole()), key: optional(bytes({ max: 4 })) });
const thing = choice({
  seat: numbered(1, { at: seat }),
  nothing: numbered(2, {}),
  many: numbered(7, { of: list(seat, { max: 3 }) }),
});

describe('a row', () => {
  it('is an array without names, and comes back', () => {
    expect(seat.encode({ name: 'A', row: 3, key: new Uint8Array([1]) })).toEqual(['A', 3, new Uint8Array([1])]);
    expect(seat.decode(['A', null, new Uint8Array([1])], 'seat')).toEqual({ name: 'A', key: new Uint8Array([1]) });
  });

  it('leaves out what is absent at the end, and takes no other form of that', () => {
    expect(seat.encode({ name: 'A' })).toEqual(['A']);
    expect(seat.decode(['A'], 'seat')).toEqual({ name: 'A' });
    expect(() => seat.decode(['A', null], 'seat')).toThrow(MessageError);
    expect(() => seat.decode(['A', 1, new Uint8Array(), 0], 'seat')).toThrow(MessageError);
  });

  it('refuses missing fields, wrong ones and what is no array', () => {
    for (const value of [[], [1], ['A', 'B'], { name: 'A' }, null, 'A']) {
      expect(() => seat.decode(value as CborValue, 'seat')).toThrow(MessageError);
    }
  });
});

describe('a choice', () => {
  it('is told by its number', () => {
    expect(thing.encode({ type: 'seat', at: { name: 'A' } })).toEqual([1, ['A']]);
    expect(thing.decode([2], 'thing')).toEqual({ type: 'nothing' });
    expect(thing.decode([7, [['A'], ['B', 2]]], 'thing')).toEqual({
      type: 'many',
      of: [{ name: 'A' }, { name: 'B', row: 2 }],
    });
    for (const value of [[3], [], ['seat', ['A']], [2, 1], [1n, ['A']]]) {
      expect(() => thing.decode(value as CborValue, 'thing')).toThrow(MessageError);
    }
  });

  it('cannot give one number to two kinds', () => {
    expect(() => choice({ a: numbered(1, {}), b: numbered(1, {}) })).toThrow(TypeError);
  });

  it('fails in no other way than ours, and what it takes it writes the same again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(null), fc.integer(), fc.string(), fc.array(fc.array(fc.constant('A'))))),
        (value) => {
          try {
            const decoded = thing.decode(value as CborValue, 'thing');
            expect(decodeCbor(encodeCbor(thing.encode(decoded)))).toEqual(value);
          } catch (error) {
            expect(error).toBeInstanceOf(MessageError);
          }
        },
      ),
    );
  });
});
