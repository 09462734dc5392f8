/** AES-256-GCM (SP 800-38D): authenticated encryption with a fresh 96-bit nonce and a 128-bit tag. */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { concatBytes } from '../codec/hex.ts';
import { CryptographicError } from '../handsel-error.ts';
import type { Random } from './random.ts';

export const SEALING_KEY_LENGTH = 32;
export const NONCE_LENGTH = 12;
export const TAG_LENGTH = 16;

/** Encrypts under a nonce the caller guarantees never to use again with this key; gives ciphertext || tag. */
export function encryptGcm(options: {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly associatedData: Uint8Array;
}): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(options.key), options.nonce, {
    authTagLength: TAG_LENGTH,
  });
  cipher.setAAD(options.associatedData);
  return concatBytes(cipher.update(options.plaintext), cipher.final(), cipher.getAuthTag());
}

/** @throws CryptographicError when anything of key, nonce, ciphertext, tag or associated data is not what was sealed. */
export function decryptGcm(options: {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly associatedData: Uint8Array;
}): Uint8Array {
  const { ciphertext } = options;
  try {
    if (options.nonce.length !== NONCE_LENGTH || ciphertext.length < TAG_LENGTH)
      throw new Error('sealed text too short');
    const decipher = createDecipheriv('aes-256-gcm', createSecretKey(options.key), options.nonce, {
      authTagLength: TAG_LENGTH,
    });
    decipher.setAAD(options.associatedData);
    decipher.setAuthTag(ciphertext.subarray(ciphertext.length - TAG_LENGTH));
    return concatBytes(decipher.update(ciphertext.subarray(0, ciphertext.length - TAG_LENGTH)), decipher.final());
  } catch (cause) {
    throw new CryptographicError(cause);
  }
}

/** Seals under a random nonce, which goes first: nonce || ciphertext || tag. */
export function seal(options: {
  readonly key: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly associatedData: Uint8Array;
  readonly random: Random;
}): Uint8Array {
  const nonce = options.random(NONCE_LENGTH);
  return concatBytes(nonce, encryptGcm({ ...options, nonce }));
}

/** The inverse of `seal`. @throws CryptographicError */
export function open(options: {
  readonly key: Uint8Array;
  readonly sealed: Uint8Array;
  readonly associatedData: Uint8Array;
}): Uint8Array {
  return decryptGcm({
    key: options.key,
    nonce: options.sealed.subarray(0, NONCE_LENGTH),
    ciphertext: options.sealed.subarray(NONCE_LENGTH),
    associatedData: options.associatedData,
  });
}
