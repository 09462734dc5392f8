/**
 * Stands in for `src/crypto/sealing.ts` in most seeds: ideal sealing. What is sealed stands there in clear, which nobody in the world reads; the
 * tag is a hash of key, nonce, text and associated data, so that only what was sealed under that key opens under it.
 */
import { concatBytes, equalBytes } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import * as real from '../../../src/crypto/sealing.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';

export type { TaggedCiphertext } from '../../../src/crypto/sealing.ts';
export const { SEALING_KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH } = real;

type ToEncrypt = Parameters<typeof real.encryptGcmApart>[0];

const tagOf = ({ key, nonce, associatedData }: Omit<ToEncrypt, 'plaintext'>, text: Uint8Array) => {
  if (key.length !== SEALING_KEY_LENGTH) throw new Error(`a key of ${key.length} bytes`);
  const length = new Uint8Array([text.length >> 24, text.length >> 16, text.length >> 8, text.length]);
  return sha256(key, nonce, length, text, associatedData).subarray(0, TAG_LENGTH);
};

export function encryptGcm(options: ToEncrypt): Uint8Array {
  return concatBytes(options.plaintext, tagOf(options, options.plaintext));
}

export function encryptGcmApart(options: ToEncrypt): real.TaggedCiphertext {
  return { ciphertext: options.plaintext.slice(), tag: tagOf(options, options.plaintext) };
}

export function decryptGcm({ ciphertext, ...keys }: Parameters<typeof real.decryptGcm>[0]): Uint8Array {
  const boundary = Math.max(0, ciphertext.length - TAG_LENGTH);
  return decryptGcmApart({ ...keys, ciphertext: ciphertext.subarray(0, boundary), tag: ciphertext.subarray(boundary) });
}

export function decryptGcmApart(options: Parameters<typeof real.decryptGcmApart>[0]): Uint8Array {
  const { nonce, ciphertext, tag } = options;
  if (nonce.length !== NONCE_LENGTH || !equalBytes(tag, tagOf(options, ciphertext))) {
    throw new CryptographicError(new Error('not what was sealed'));
  }
  return ciphertext.slice();
}

export function seal(options: Parameters<typeof real.seal>[0]): Uint8Array {
  const nonce = options.random(NONCE_LENGTH);
  return concatBytes(nonce, encryptGcm({ ...options, nonce }));
}

export function open({ key, sealed, associatedData }: Parameters<typeof real.open>[0]): Uint8Array {
  const [nonce, ciphertext] = [sealed.subarray(0, NONCE_LENGTH), sealed.subarray(NONCE_LENGTH)];
  return decryptGcm({ key, nonce, ciphertext, associatedData });
}
