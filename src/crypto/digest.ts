/** SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104). */
import { createHash, createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

/** SHA-256 over the parts one after the other: 32 bytes. The parts are not delimited: hash an encoding, not raw fields. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return new Uint8Array(hash('sha256', parts[0]!, 'buffer'));
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return new Uint8Array(digest.digest());
}

/** HMAC-SHA-256 over the parts one after the other: 32 bytes. */
export function hmacSha256(key: Uint8Array | KeyObject, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac('sha256', key instanceof Uint8Array ? createSecretKey(key) : key);
  for (const part of parts) mac.update(part);
  return new Uint8Array(mac.digest());
}
