/**
 * P-256 keys that are told by 32 bytes: the x coordinate of a point whose y is even, as BIP 340 does for another curve. Such a key pair is
 * made by negating the scalar where y comes out odd. Signatures are raw (`r || s`, 64 bytes).
 */
import { createECDH, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { concatBytes, fromHex, toHex } from '../codec/hex.ts';
import { CryptographicError } from '../handsel-error.ts';
import { drawScalar, isScalar, P256_ORDER, scalarValue } from './p256-scalar.ts';
import type { Random } from './random.ts';
import { signP256, verifyP256 } from './signature.ts';

export const COMPACT_KEY_LENGTH = 32;

export interface CompactKeyPair {
  /** 32 bytes: secret, and enough to make the pair again. */
  readonly scalar: Uint8Array;
  /** 32 bytes: the public key. */
  readonly x: Uint8Array;
  readonly privateKey: KeyObject;
}

/** PrivateKeyInfo of P-256 up to the scalar, and from there to the point (RFC 5208, RFC 5915). */
const PKCS8_PREFIX = fromHex('308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420');
const PKCS8_MIDDLE = fromHex('a144034200');
/** SubjectPublicKeyInfo of P-256 up to the compressed point with an even y (RFC 5480 section 2.2). */
const SPKI_PREFIX = fromHex('3039301306072a8648ce3d020106082a8648ce3d03010703220002');
const EVEN = 2;

/** A new pair, all of whose randomness is drawn from `random`. */
export function makeCompactKey(random: Random): CompactKeyPair {
  return pairOf(drawScalar(random));
}

/** A party signs with the same scalar again and again; making the pair costs as much as a signature. */
const known = new WeakMap<Uint8Array, CompactKeyPair>();

/** The pair of a scalar that `makeCompactKey` gave, which must not be changed afterwards. @throws CryptographicError when it is none */
export function compactKeyOf(scalar: Uint8Array): CompactKeyPair {
  const pair = known.get(scalar);
  if (pair !== undefined) return pair;
  if (!isScalar(scalar)) throw new CryptographicError(new Error('not a scalar of P-256'));
  const made = pairOf(scalar);
  known.set(scalar, made);
  return made;
}

function pairOf(drawn: Uint8Array): CompactKeyPair {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(drawn);
  let point = ecdh.getPublicKey();
  let scalar = drawn;
  if ((point[64]! & 1) === 1) {
    scalar = fromHex((P256_ORDER - scalarValue(drawn)).toString(16).padStart(64, '0'));
    ecdh.setPrivateKey(scalar);
    point = ecdh.getPublicKey();
  }
  const der = concatBytes(PKCS8_PREFIX, scalar, PKCS8_MIDDLE, point);
  // As text, for the reason given in `agreement.ts`.
  const privateKey = createPrivateKey(
    `-----BEGIN PRIVATE KEY-----\n${Buffer.from(der.buffer).toString('base64')}\n-----END PRIVATE KEY-----\n`,
  );
  return { scalar, x: new Uint8Array(point.subarray(1, 1 + COMPACT_KEY_LENGTH)), privateKey };
}

/** @throws CryptographicError when no point of the curve has this x */
export function importCompactKey(x: Uint8Array): KeyObject {
  try {
    if (x.length !== COMPACT_KEY_LENGTH) throw new Error(`a compact key of ${x.length} bytes`);
    const base64 = Buffer.concat([SPKI_PREFIX, x]).toString('base64');
    return createPublicKey(`-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`);
  } catch (cause) {
    throw new CryptographicError(cause);
  }
}

/** The compressed point of a compact key: 33 bytes. */
export function compressedPoint(x: Uint8Array): Uint8Array {
  return concatBytes(new Uint8Array([EVEN]), x);
}

export function signCompact(privateKey: KeyObject, data: Uint8Array): Uint8Array {
  return signP256(privateKey, data, 'raw');
}

/** False for a wrong signature, a malformed one and a key that is none alike. */
export function verifyCompact(x: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verifyP256(rememberedKey(x), data, signature, 'raw');
  } catch {
    return false;
  }
}

/** Keys that signatures were checked with, the oldest first: reading one costs half a check, and the same parties sign again and again. */
const remembered = new Map<string, KeyObject>();
const MAX_REMEMBERED = 4096;

function rememberedKey(x: Uint8Array): KeyObject {
  const name = toHex(x);
  const known = remembered.get(name);
  if (known !== undefined) return known;
  const key = importCompactKey(x);
  if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!);
  remembered.set(name, key);
  return key;
}
