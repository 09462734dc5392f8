/**
 * Stands in for `src/crypto/cose-encrypt.ts` where keys are ideal (`quick-compact-key.ts`): what is sealed to a key is that key and a hash of
 * everything, before the text in clear. It opens with the private key of that key, for the same use, unchanged.
 */
import { concatBytes, equalBytes, utf8 } from '../../../src/codec/hex.ts';
import type * as real from '../../../src/crypto/cose-encrypt.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';
import { idealXOf } from './quick-compact-key.ts';

const HASH_LENGTH = 32;
const EMPTY = new Uint8Array();

const tagOf = (x: Uint8Array, use: string, parts: { readonly text: Uint8Array; readonly external: Uint8Array }) =>
  sha256(x, sha256(utf8(use)), sha256(parts.external), parts.text);

export function encryptCose(options: Parameters<typeof real.encryptCose>[0]): Uint8Array {
  const { plaintext: text, contentType, externalData: external = EMPTY } = options;
  const x = idealXOf(options.recipient);
  if (x === undefined) throw new Error('a key that was not made here');
  // As random as the real one: nobody seals the same twice.
  const once = options.random(HASH_LENGTH);
  return concatBytes(x, once, tagOf(x, contentType, { text: concatBytes(once, text), external }), text);
}

export function decryptCose(options: Parameters<typeof real.decryptCose>[0]): Uint8Array {
  const { bytes, contentType, externalData: external = EMPTY, maxBytes } = options;
  const x = idealXOf(options.privateKey);
  const part = (at: number) => bytes.subarray(at * HASH_LENGTH, (at + 1) * HASH_LENGTH);
  const text = bytes.slice(3 * HASH_LENGTH);
  const whole = x !== undefined && bytes.length <= maxBytes && equalBytes(part(0), x);
  if (!whole || !equalBytes(part(2), tagOf(x, contentType, { text: concatBytes(part(1), text), external }))) {
    throw new CryptographicError(new Error('not what was sealed to this key'));
  }
  return text;
}
