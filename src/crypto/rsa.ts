/** RSA where a card brand needs it (RFC 8017): PSS signatures and OAEP encryption, both with SHA-256. Keys of 2048 to 4096 bits. */
import { constants, type KeyObject, privateDecrypt, publicEncrypt, sign, verify } from 'node:crypto';
import { CryptographicError } from '../handsel-error.ts';

const SALT_LENGTH = 32;

export function isRsa(key: KeyObject): boolean {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return key.asymmetricKeyType === 'rsa' && bits >= 2048 && bits <= 4096;
}

const pss = (key: KeyObject) => ({ key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: SALT_LENGTH });
const oaep = (key: KeyObject) => ({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' });

export function signPss(privateKey: KeyObject, data: Uint8Array): Uint8Array {
  return new Uint8Array(sign('sha256', data, pss(privateKey)));
}

/** False for a wrong signature and for a key of another kind or size alike. */
export function verifyPss(publicKey: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  if (!isRsa(publicKey)) return false;
  try {
    return verify('sha256', data, pss(publicKey), signature);
  } catch {
    return false;
  }
}

/** RSA-2048 takes up to 190 bytes, RSA-3072 up to 318. @throws CryptographicError for unfit keys or lengths. */
export function encryptOaep(publicKey: KeyObject, plaintext: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(publicEncrypt(oaep(publicKey), plaintext));
  } catch (cause) {
    throw new CryptographicError(cause);
  }
}

/** @throws CryptographicError, the same for every cause. */
export function decryptOaep(privateKey: KeyObject, ciphertext: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(privateDecrypt(oaep(privateKey), ciphertext));
  } catch (cause) {
    throw new CryptographicError(cause);
  }
}
