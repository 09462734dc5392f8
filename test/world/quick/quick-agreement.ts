/**
 * Stands in for `src/crypto/agreement.ts` in most seeds: what two real keys agree on is worked out once; two ideal ones (`quick-compact-key.ts`)
 * agree on a hash of both, which nobody else works out, because nobody in the world does but by calling this with one of the private keys.
 */
import type { KeyObject } from 'node:crypto';
import { concatBytes } from '../../../src/codec/hex.ts';
import * as real from '../../../src/crypto/agreement.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { idealXOf } from './quick-compact-key.ts';

export const { exportPoint } = real;

const MOST_REMEMBERED = 4096;
const points = new Map<string, KeyObject>();

export function importPoint(point: Uint8Array): KeyObject {
  const name = Buffer.from(point.buffer, point.byteOffset, point.length).toString('latin1');
  let key = points.get(name);
  if (key === undefined) {
    key = real.importPoint(point);
    if (points.size >= MOST_REMEMBERED) points.clear();
    points.set(name, key);
  }
  return key;
}

const secrets = new WeakMap<KeyObject, WeakMap<KeyObject, Uint8Array>>();

export function agreeP256(privateKey: KeyObject, publicKey: KeyObject): Uint8Array {
  const [own, other] = [idealXOf(privateKey), idealXOf(publicKey)];
  if (own !== undefined && other !== undefined) {
    if (privateKey.type !== 'private') throw new Error('who agrees on a secret needs a private key');
    return Buffer.compare(own, other) < 0 ? sha256(own, other) : sha256(other, own);
  }
  let known = secrets.get(privateKey);
  if (known === undefined) {
    known = new WeakMap();
    secrets.set(privateKey, known);
  }
  let secret = known.get(publicKey);
  if (secret === undefined) {
    secret = real.agreeP256(privateKey, publicKey);
    known.set(publicKey, secret);
  }
  return secret.slice();
}

const BLOCK = 32;

/** As different as what it is derived from. */
export function deriveKey({ secret, salt, info, length }: Parameters<typeof real.deriveKey>[0]): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at * BLOCK < length; at++)
    blocks.push(sha256(new Uint8Array([at]), sha256(secret), sha256(salt), info));
  return blocks.length === 1 ? blocks[0]!.subarray(0, length) : concatBytes(...blocks).subarray(0, length);
}
