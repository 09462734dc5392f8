/**
 * ECDSA signatures of P-256 in both forms: raw (`r || s`, 64 bytes: RFC 9053 section 2.1) and DER (RFC 3279 section 2.2.3). Node makes either,
 * but asked for the raw one it finds out by an exception that its options are no key, which costs as much as the signature.
 */
import { concatBytes } from '../codec/hex.ts';

export const RAW_SIGNATURE_LENGTH = 64;
const HALF = RAW_SIGNATURE_LENGTH / 2;

/** `SEQUENCE { r, s }` of a raw signature. */
export function derSignature(raw: Uint8Array): Uint8Array {
  const r = derInteger(raw.subarray(0, HALF));
  const s = derInteger(raw.subarray(HALF));
  return concatBytes(new Uint8Array([0x30, r.length + s.length]), r, s);
}

function derInteger(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const pad = (bytes[start]! & 0x80) === 0 ? [] : [0];
  const length = bytes.length - start + pad.length;
  return concatBytes(new Uint8Array([2, length, ...pad]), bytes.subarray(start));
}

/** Of a signature that was made here, and so is `SEQUENCE { r, s }` with short lengths. */
export function rawSignature(der: Uint8Array): Uint8Array {
  const raw = new Uint8Array(RAW_SIGNATURE_LENGTH);
  const lengthOfR = der[3]!;
  const atS = 4 + lengthOfR + 2;
  place(raw, HALF, der.subarray(4, 4 + lengthOfR));
  place(raw, RAW_SIGNATURE_LENGTH, der.subarray(atS, atS + der[4 + lengthOfR + 1]!));
  return raw;
}

/** Ends the integer at `end`; a first zero, which only says that it is positive, falls away. */
function place(raw: Uint8Array, end: number, integer: Uint8Array): void {
  const digits = integer.length > HALF ? integer.subarray(integer.length - HALF) : integer;
  raw.set(digits, end - digits.length);
}
