/** SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) to and from Node's keys: P-256, or RSA of 2048 to 8192 bits. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { sha256 } from '../crypto/digest.ts';
import { PkiError } from './pki-error.ts';

const MAX_BYTES = 2048;

/** @throws PkiError `PKI_PUBLIC_KEY_INVALID` on malformed bytes, a point off the curve, or a kind of key not allowed. */
export function readPublicKey(spki: Uint8Array): KeyObject {
  if (spki.length > MAX_BYTES) throw new PkiError('PKI_PUBLIC_KEY_INVALID', 'public key is too long');
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new PkiError('PKI_PUBLIC_KEY_INVALID', 'public key cannot be read', { cause });
  }
  requireAllowed(key);
  return key;
}

/** @throws PkiError `PKI_PUBLIC_KEY_INVALID` unless the key is of a kind allowed here. */
export function writePublicKey(key: KeyObject): Uint8Array {
  requireAllowed(key);
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }));
}

/** SHA-256 of the SubjectPublicKeyInfo: the name of a key wherever one is needed. */
export function publicKeyHash(key: KeyObject): Uint8Array {
  return sha256(writePublicKey(key));
}

function requireAllowed(key: KeyObject): void {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const ec = key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1';
  const rsa = key.asymmetricKeyType === 'rsa' && modulusLength >= 2048 && modulusLength <= 8192;
  if (key.type !== 'public' || !(ec || rsa)) {
    throw new PkiError('PKI_PUBLIC_KEY_INVALID', 'public key must be P-256, or RSA of 2048 to 8192 bits');
  }
}
