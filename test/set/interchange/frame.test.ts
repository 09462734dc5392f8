import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../src/codec/hex.ts';
import { createFrameReader, encodeFrame } from '../../../src/set/interchange/frame.ts';
import { InterchangeError } from '../../../src/set/interchange/interchange-error.ts';

test('messages come out as they went in, however the stream is cut', () => {
  const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 });
  fc.assert(
    fc.property(messages, fc.integer({ min: 1, max: 9 }), (sent, step) => {
      const stream = concatBytes(...sent.map(encodeFrame));
      const reader = createFrameReader(40);
      const received: Uint8Array[] = [];
      for (let i = 0; i < stream.length; i += step) received.push(...reader.push(stream.subarray(i, i + step)));
      expect(received).toEqual(sent);
      expect(reader.midway).toBe(false);
    }),
  );
});

test('a length beyond the bound is refused before the message is there', () => {
  expect(() => createFrameReader(100).push(new Uint8Array([0, 101]))).toThrow(InterchangeError);
});

test('an empty frame is refused', () => {
  expect(() => createFrameReader(100).push(new Uint8Array([0, 0]))).toThrow(InterchangeError);
  expect(() => encodeFrame(new Uint8Array())).toThrow(InterchangeError);
});

test('arbitrary streams only ever fail with our error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        createFrameReader(50).push(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(InterchangeError);
      }
    }),
  );
});
