/**
 * Stands in for `src/crypto/compact-key.ts` in most seeds, where elliptic curves would be most of the work: ideal keys and signatures. A public
 * key is a hash of the secret; a signature is the public key and a hash of that with the data, so that it verifies exactly when it was made with
 * that key over those bytes, because nobody in the world makes signatures but by calling this; and it tells its key, as a real one does to
 * `recover-key.ts`. What `quick-agreement.ts` and `quick-cose-encrypt.ts` do with these keys is as ideal.
 */
import type { KeyObject } from 'node:crypto';
import { equalBytes, utf8 } from '../../../src/codec/hex.ts';
import * as real from '../../../src/crypto/compact-key.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import type { Random } from '../../../src/crypto/random.ts';
import { RAW_SIGNATURE_LENGTH } from '../../../src/crypto/raw-signature.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';

export type { CompactKeyPair } from '../../../src/crypto/compact-key.ts';
export const { COMPACT_KEY_LENGTH, compressedPoint } = real;

const PUBLIC_KEY = utf8('the public key of ');

/** What is in the place of a key of Node's, by its x. */
class IdealKey {
  readonly type: 'private' | 'public';
  readonly x: Uint8Array;
  constructor(type: 'private' | 'public', x: Uint8Array) {
    this.type = type;
    this.x = x;
  }
}

const keyOf = (type: 'private' | 'public', x: Uint8Array) => new IdealKey(type, x) as unknown as KeyObject;

/** Undefined for a key that is a real one. */
export function idealXOf(key: KeyObject): Uint8Array | undefined {
  return key instanceof IdealKey ? key.x : undefined;
}

export function makeCompactKey(random: Random): real.CompactKeyPair {
  return compactKeyOf(random(COMPACT_KEY_LENGTH));
}

const known = new WeakMap<Uint8Array, real.CompactKeyPair>();

export function compactKeyOf(scalar: Uint8Array): real.CompactKeyPair {
  let pair = known.get(scalar);
  if (pair === undefined) {
    const x = sha256(PUBLIC_KEY, scalar);
    pair = { scalar, x, privateKey: keyOf('private', x) };
    known.set(scalar, pair);
  }
  return pair;
}

export function importCompactKey(x: Uint8Array): KeyObject {
  if (x.length !== COMPACT_KEY_LENGTH) throw new CryptographicError(new Error(`a compact key of ${x.length} bytes`));
  return keyOf('public', x);
}

export function signCompact(privateKey: KeyObject, data: Uint8Array): Uint8Array {
  const x = idealXOf(privateKey);
  if (x === undefined || privateKey.type !== 'private') throw new Error('a key that was not made here');
  const signature = new Uint8Array(RAW_SIGNATURE_LENGTH);
  signature.set(x);
  signature.set(sha256(x, data), COMPACT_KEY_LENGTH);
  return signature;
}

export function verifyCompact(x: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== RAW_SIGNATURE_LENGTH || !equalBytes(signature.subarray(0, COMPACT_KEY_LENGTH), x))
    return false;
  return equalBytes(signature.subarray(COMPACT_KEY_LENGTH), sha256(x, data));
}
