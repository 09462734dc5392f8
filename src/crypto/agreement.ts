/**
 * Ephemeral key agreement over P-256 (SP 800-56A) with HKDF-SHA-256 (RFC 5869).
 * Whoever derives a key binds it through `info` to the transcript and to both identities.
 */
import { createPublicKey, createSecretKey, diffieHellman, hkdfSync, type KeyObject } from 'node:crypto';
import { fromHex, plainBytes } from '../codec/hex.ts';
import { CryptographicError } from '../handsel-error.ts';
import { POINT_LENGTH } from './ephemeral-key.ts';

/** SubjectPublicKeyInfo of a P-256 key up to the point itself (RFC 5480 section 2). */
const SPKI_PREFIX = fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200');

/** The raw shared secret: 32 bytes, never used as a key before a derivation. @throws CryptographicError for unfit keys. */
export function agreeP256(privateKey: KeyObject, publicKey: KeyObject): Uint8Array {
  try {
    return new Uint8Array(diffieHellman({ privateKey, publicKey }));
  } catch (cause) {
    throw new CryptographicError(cause);
  }
}

/** The uncompressed point of a P-256 public key: 65 bytes, 04 || x || y. */
export function exportPoint(publicKey: KeyObject): Uint8Array {
  return plainBytes(publicKey.export({ format: 'raw-public' }));
}

/** @throws CryptographicError when the bytes are not an uncompressed point of the curve. */
export function importPoint(point: Uint8Array): KeyObject {
  if (point.length !== POINT_LENGTH || point[0] !== 4) {
    throw new CryptographicError(new Error(`a P-256 point of ${point.length} bytes`));
  }
  try {
    // As text: Node takes options for a possible key first and finds out by an exception, which costs more than the base64.
    const base64 = Buffer.concat([SPKI_PREFIX, point]).toString('base64');
    return createPublicKey(`-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`);
  } catch (cause) {
    throw new CryptographicError(cause);
  }
}

/** HKDF-SHA-256: `length` bytes from the secret; `salt` may be empty, `info` names the use. */
export function deriveKey(options: {
  readonly secret: Uint8Array;
  readonly salt: Uint8Array;
  readonly info: Uint8Array;
  readonly length: number;
}): Uint8Array {
  // A key object, since Node finds out by an exception that bytes are none.
  const secret = createSecretKey(options.secret);
  return new Uint8Array(hkdfSync('sha256', secret, options.salt, options.info, options.length));
}
