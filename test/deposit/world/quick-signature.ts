/**
 * Stands in for `src/crypto/signature.ts` in most seeds, where the arithmetic of elliptic curves would be half of all the work: an ideal
 * signature. One verifies exactly when it was made with the private key of that public key over those bytes, because nobody in the world
 * makes signatures but by calling this. Everything around it, keys and their encodings among them, is the real thing.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { sha256 } from '../../../src/crypto/digest.ts';
import * as real from '../../../src/crypto/signature.ts';

export type { KeyPair, SignatureFormat } from '../../../src/crypto/signature.ts';
export const { generateP256, isP256 } = real;

export function signP256(privateKey: KeyObject, data: Uint8Array, format: real.SignatureFormat): Uint8Array {
  if (format === 'der') return real.signP256(privateKey, data, format);
  return ideal(secretOf(privateKey), data);
}

export function verifyP256(
  publicKey: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
  format: real.SignatureFormat,
): boolean {
  if (format === 'der') return real.verifyP256(publicKey, data, signature, format);
  return real.isP256(publicKey) && Buffer.compare(ideal(secretOf(publicKey), data), signature) === 0;
}

const secrets = new WeakMap<KeyObject, Uint8Array>();

/** The public point stands for the key: nothing here can sign with it but through a private key. */
function secretOf(key: KeyObject): Uint8Array {
  let secret = secrets.get(key);
  if (secret === undefined) {
    const publicKey = key.type === 'private' ? createPublicKey(key) : key;
    secret = new Uint8Array(publicKey.export({ format: 'raw-public' }));
    secrets.set(key, secret);
  }
  return secret;
}

const HASH_LENGTH = 32;
/** Reused: most messages are small. */
const scratch = new Uint8Array(32_768);

/** As long as a real one. */
function ideal(secret: Uint8Array, data: Uint8Array): Uint8Array {
  const signature = new Uint8Array(2 * HASH_LENGTH);
  scratch.set(secret);
  scratch.set(data, secret.length);
  signature.set(sha256(scratch.subarray(0, secret.length + data.length)), HASH_LENGTH);
  return signature;
}
