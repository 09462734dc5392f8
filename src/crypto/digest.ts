/** SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104). */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { concatBytes } from '../codec/hex.ts';

const LENGTH = 32;
/** Where short parts are put one after the other: an allocation of their own would cost as much as the hashing. */
const scratch = Buffer.alloc(16_384);

/** SHA-256 over the parts one after the other: 32 bytes. The parts are not delimited: hash an encoding, not raw fields. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return hashed(parts[0]!);
  let length = 0;
  for (const part of parts) length += part.length;
  if (length > scratch.length) return hashed(concatBytes(...parts));
  let at = 0;
  for (const part of parts) {
    scratch.set(part, at);
    at += part.length;
  }
  const digest = hashed(scratch.subarray(0, length));
  scratch.fill(0, 0, length); // the parts may be secrets
  return digest;
}

/** HMAC-SHA-256 over the parts one after the other: 32 bytes. */
export function hmacSha256(key: Uint8Array | KeyObject, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac('sha256', key instanceof Uint8Array ? createSecretKey(key) : key);
  for (const part of parts) mac.update(part);
  return bytesOf(mac.digest('binary'));
}

function hashed(bytes: Uint8Array): Uint8Array {
  return bytesOf(hash('sha256', bytes, 'binary'));
}

/** A buffer from OpenSSL is memory outside V8's heap, which costs as much as the hashing; a short text and a small array do not. */
function bytesOf(binary: string): Uint8Array {
  const bytes = new Uint8Array(LENGTH);
  for (let i = 0; i < LENGTH; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
