/**
 * Stands in for `src/crypto/compact-key.ts` in most seeds, where elliptic curves would be most of the work: an ideal signature. It is the key's x
 * and a hash of that with the data, so that it verifies exactly when it was made with that key over those bytes, because nobody in the world
 * makes signatures but by calling this; and it tells its key, as a real one does to `recover-key.ts`.
 */
import type { KeyObject } from 'node:crypto';
import { equalBytes } from '../../../src/codec/hex.ts';
import * as real from '../../../src/crypto/compact-key.ts';
import { sha256 } from '../../../src/crypto/digest.ts';

export type { CompactKeyPair } from '../../../src/crypto/compact-key.ts';
export const { COMPACT_KEY_LENGTH, compressedPoint } = real;

const xOf = new WeakMap<KeyObject, Uint8Array>();
const pairs = new Map<string, real.CompactKeyPair>();
const points = new Map<string, KeyObject>();
const MOST_REMEMBERED = 4096;

const nameOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

function remembered(pair: real.CompactKeyPair): real.CompactKeyPair {
  xOf.set(pair.privateKey, pair.x);
  if (pairs.size >= MOST_REMEMBERED) pairs.clear();
  pairs.set(nameOf(pair.scalar), pair);
  return pair;
}

export function makeCompactKey(random: (length: number) => Uint8Array): real.CompactKeyPair {
  return remembered(real.makeCompactKey(random));
}

export function compactKeyOf(scalar: Uint8Array): real.CompactKeyPair {
  return pairs.get(nameOf(scalar)) ?? remembered(real.compactKeyOf(scalar));
}

export function importCompactKey(x: Uint8Array): KeyObject {
  const name = nameOf(x);
  let key = points.get(name);
  if (key === undefined) {
    key = real.importCompactKey(x);
    if (points.size >= MOST_REMEMBERED) points.clear();
    points.set(name, key);
  }
  return key;
}

export function signCompact(privateKey: KeyObject, data: Uint8Array): Uint8Array {
  const x = xOf.get(privateKey);
  if (x === undefined) throw new Error('a key that was not made here');
  const signature = new Uint8Array(64);
  signature.set(x);
  signature.set(sha256(x, data), 32);
  return signature;
}

export function verifyCompact(x: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || !equalBytes(signature.subarray(0, 32), x)) return false;
  return equalBytes(signature.subarray(32), sha256(x, data));
}
