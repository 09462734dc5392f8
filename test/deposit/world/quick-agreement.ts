/** Stands in for `src/crypto/agreement.ts` in most seeds: the same results, each worked out once. */
import type { KeyObject } from 'node:crypto';
import * as real from '../../../src/crypto/agreement.ts';

export const { exportPoint, deriveKey } = real;

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
