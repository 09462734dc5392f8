/**
 * A signature tells its signer's key: SEC 1 version 2, section 4.1.6, for compact P-256 keys. So a structure that holds a signature over a
 * text need not hold the 32 bytes of the key as well. This is a way of WRITING keys, not of checking anything: whoever uses a recovered
 * key verifies the signature and the key's certificate like any other. Nothing here is secret, and nothing runs in constant time.
 */
import { createECDH, ECDH } from 'node:crypto';
import { fromHex, toHex } from '../codec/hex.ts';
import { CryptographicError } from '../handsel-error.ts';
import { compressedPoint } from './compact-key.ts';
import { sha256 } from './digest.ts';
import { P256_ORDER } from './p256-scalar.ts';
import { RAW_SIGNATURE_LENGTH } from './raw-signature.ts';

const FIELD = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const CURVE = 'prime256v1';

/** Of the two keys that fit a signature: which. */
export type RecoveryBit = 0 | 1;

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

/** The bit to keep beside the signature instead of the key. @throws CryptographicError when this key did not sign this text */
export function recoveryBitOf(options: {
  readonly x: Uint8Array;
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}): RecoveryBit {
  const wanted = toHex(options.x);
  // What costs is the same for both bits.
  const parts = partsOf(options);
  for (const bit of [0, 1] as const) if (hexOf(keyOf(parts, bit).x) === wanted) return bit;
  throw new CryptographicError(new Error('the key does not follow from its signature'));
}

/** The compact key (32 bytes). @throws CryptographicError when no compact key could have made the signature */
export function recoverKey(options: {
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
  readonly bit: RecoveryBit;
}): Uint8Array {
  const { x, y } = keyOf(partsOf(options), options.bit);
  if ((y & 1n) === 1n) throw new CryptographicError(new Error('the key of the signature is not compact'));
  return fromHex(hexOf(x));
}

interface Parts {
  /** − e G / r */
  readonly base: Point;
  /** The x coordinate of s R / r, 32 bytes. */
  readonly other: Uint8Array;
}

/** Q = (s R − e G) / r, where R is known up to its sign only, and so s R / r is too: the bit chooses. */
function keyOf({ base, other }: Parts, bit: RecoveryBit): Point {
  try {
    return add(base, pointWith(other, bit));
  } catch (cause) {
    throw new CryptographicError(cause);
  }
}

function partsOf({ data, signature }: { data: Uint8Array; signature: Uint8Array }): Parts {
  try {
    if (signature.length !== RAW_SIGNATURE_LENGTH) throw new Error(`a signature of ${signature.length} bytes`);
    const rx = signature.subarray(0, 32);
    const r = numberOf(rx);
    const s = numberOf(signature.subarray(32));
    if (r === 0n || r >= P256_ORDER || s === 0n || s >= P256_ORDER) throw new Error('a signature out of range');
    const inverse = invert(r, P256_ORDER);
    const e = numberOf(sha256(data)) % P256_ORDER;
    const base = multiplyBase(positive(-e * inverse, P256_ORDER));
    return { base, other: multiply(compressedPoint(rx), positive(s * inverse, P256_ORDER)) };
  } catch (cause) {
    throw new CryptographicError(cause);
  }
}

function multiplyBase(scalar: bigint): Point {
  const ecdh = createECDH(CURVE);
  ecdh.setPrivateKey(fromHex(hexOf(scalar)));
  return pointOf(ecdh.getPublicKey());
}

/** The x coordinate of the product: all that agreement gives. */
function multiply(point: Uint8Array, scalar: bigint): Uint8Array {
  const ecdh = createECDH(CURVE);
  ecdh.setPrivateKey(fromHex(hexOf(scalar)));
  return new Uint8Array(ecdh.computeSecret(point));
}

function pointWith(x: Uint8Array, oddness: RecoveryBit): Point {
  const compressed = compressedPoint(x);
  compressed[0]! += oddness;
  const hex = ECDH.convertKey(toHex(compressed), CURVE, 'hex', 'hex', 'uncompressed');
  return pointOf(fromHex(String(hex)));
}

const pointOf = (bytes: Uint8Array): Point => ({ x: numberOf(bytes.subarray(1, 33)), y: numberOf(bytes.subarray(33)) });

/** Of points that are neither equal nor opposite: others come up with the chance of guessing a key. */
function add(a: Point, b: Point): Point {
  if (a.x === b.x) throw new Error('points that cannot be added');
  const slope = positive((b.y - a.y) * invert(b.x - a.x, FIELD), FIELD);
  const x = positive(slope * slope - a.x - b.x, FIELD);
  return { x, y: positive(slope * (a.x - x) - a.y, FIELD) };
}

/** By the extended algorithm of Euclid. */
function invert(value: bigint, modulus: bigint): bigint {
  let [low, high] = [positive(value, modulus), modulus];
  let [factor, other] = [1n, 0n];
  while (low > 1n) {
    const quotient = high / low;
    [low, high] = [high - quotient * low, low];
    [factor, other] = [other - quotient * factor, factor];
  }
  return positive(factor, modulus);
}

function positive(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

const numberOf = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`);
const hexOf = (value: bigint) => value.toString(16).padStart(64, '0');
