/**
 * ECDSA over P-256 with SHA-256 (FIPS 186-5). The signature is DER (`SEQUENCE { r, s }`, 8 to 72 bytes) inside X.509 and CMS
 * (RFC 5480), and raw (`r || s`, 64 bytes) inside COSE (RFC 9053 section 2.1).
 */
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { plainBytes } from '../codec/hex.ts';
import { derSignature, RAW_SIGNATURE_LENGTH, rawSignature } from './raw-signature.ts';

export type SignatureFormat = 'der' | 'raw';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function generateP256(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** Node asks OpenSSL each time; a key never becomes another. */
const knownP256 = new WeakSet<KeyObject>();

export function isP256(key: KeyObject): boolean {
  if (knownP256.has(key)) return true;
  const is = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (is) knownP256.add(key);
  return is;
}

export function signP256(privateKey: KeyObject, data: Uint8Array, format: SignatureFormat): Uint8Array {
  const der = plainBytes(sign('sha256', data, privateKey));
  return format === 'der' ? der : rawSignature(der);
}

/** False for a wrong signature, a malformed one and a key of another kind alike. */
export function verifyP256(
  publicKey: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
  format: SignatureFormat,
): boolean {
  if (!isP256(publicKey) || (format === 'raw' && signature.length !== RAW_SIGNATURE_LENGTH)) return false;
  try {
    return verify('sha256', data, publicKey, format === 'der' ? signature : derSignature(signature));
  } catch {
    return false;
  }
}
