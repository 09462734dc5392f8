import { webcrypto } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { openSegment, sealSegment, segmentKeys } from '../../../src/delivery/package/segment-cipher.ts';

const sealed = { merchant: 'ada', product: 'song', length: 250, segmentLength: 100, noncePrefix: systemRandom(7) };
const keys = segmentKeys(systemRandom(32), sealed);
const content = systemRandom(100);
const unfit = expect.objectContaining({ code: 'KEY_UNFIT' });

/** The nonce as the STREAM construction has it, written down once more. */
function nonceOf(number: number, isLast: boolean): Uint8Array {
  return Uint8Array.from([...sealed.noncePrefix, 0, 0, 0, number, isLast ? 1 : 0]);
}

describe('segments', () => {
  test('are what WebCrypto makes of the same key, nonce and context, and opens', async () => {
    const key = await webcrypto.subtle.importKey('raw', keys.productKey, 'AES-GCM', false, ['encrypt', 'decrypt']);
    for (const number of [0, 1, 2]) {
      const ours = sealSegment(content, number, keys);
      const parameters = { name: 'AES-GCM', iv: nonceOf(number, number === 2), additionalData: keys.context };
      const theirs = new Uint8Array(await webcrypto.subtle.encrypt(parameters, key, content));
      expect(toHex(ours)).toBe(toHex(theirs));
      expect(new Uint8Array(await webcrypto.subtle.decrypt(parameters, key, ours))).toEqual(content);
      expect(openSegment(theirs, number, keys)).toEqual(content);
    }
  });

  test('open in their own place only: none can be moved, doubled, or passed for the last', () => {
    const first = sealSegment(content, 0, keys);
    expect(openSegment(first, 0, keys)).toEqual(content);
    expect(() => openSegment(first, 1, keys)).toThrow(unfit);
    expect(() => openSegment(first, 0, { ...keys, segments: 1 })).toThrow(unfit);
    const last = sealSegment(content, 2, keys);
    expect(() => openSegment(last, 2, { ...keys, segments: 4 })).toThrow(unfit);
  });

  test('open for their own product, length and key only, and not altered or cut', () => {
    const bytes = sealSegment(content, 0, keys);
    for (const change of [{ product: 'film' }, { merchant: 'bob' }, { length: 251 }, { segmentLength: 125 }]) {
      expect(() => openSegment(bytes, 0, segmentKeys(keys.productKey, { ...sealed, ...change }))).toThrow(unfit);
    }
    expect(() => openSegment(bytes, 0, { ...keys, productKey: systemRandom(32) })).toThrow(unfit);
    expect(() => openSegment(bytes.subarray(0, 50), 0, keys)).toThrow(unfit);
    expect(() => openSegment(new Uint8Array(), 0, keys)).toThrow(unfit);
    for (const at of [0, 50, 99, 100, 115]) {
      const altered = bytes.slice();
      altered[at]! ^= 1;
      expect(() => openSegment(altered, 0, keys), `byte ${at}`).toThrow(unfit);
    }
  });
});
