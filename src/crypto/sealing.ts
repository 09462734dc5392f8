/** AES-256-GCM (SP 800-38D): authenticated encryption with a fresh 96-bit nonce and a 128-bit tag. */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { concatBytes, plainBytes } from '../codec/hex.ts';
import { CryptographicError } from '../handsel-error.ts';
import type { Random } from './random.ts';

export const SEALING_KEY_LENGTH = 32;
export const NONCE_LENGTH = 12;
export const TAG_LENGTH = 16;

interface ToEncrypt {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly associatedData: Uint8Array;
}

export interface TaggedCiphertext {
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
}

/** Encrypts under a nonce the caller guarantees never to use again with this key; gives ciphertext || tag. */
export function encryptGcm(options: ToEncrypt): Uint8Array {
  const { ciphertext, tag } = encryptGcmApart(options);
  return concatBytes(ciphertext, tag);
}

/** As `encryptGcm`, where the tag has a place of its own. */
export function encryptGcmApart(options: ToEncrypt): TaggedCiphertext {
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(options.key), options.nonce, {
    authTagLength: TAG_LENGTH,
  });
  cipher.setAAD(options.associatedData);
  const ciphertext = plainBytes(cipher.update(options.plaintext));
  cipher.final(); // makes the tag; GCM holds nothing back
  return { ciphertext, tag: plainBytes(cipher.getAuthTag()) };
}

interface ToDecrypt {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly associatedData: Uint8Array;
}

/** @throws CryptographicError when anything of key, nonce, ciphertext, tag or associated data is not what was sealed. */
export function decryptGcm({ ciphertext, ...keys }: ToDecrypt & { readonly ciphertext: Uint8Array }): Uint8Array {
  const boundary = Math.max(0, ciphertext.length - TAG_LENGTH);
  return decryptGcmApart({ ...keys, ciphertext: ciphertext.subarray(0, boundary), tag: ciphertext.subarray(boundary) });
}

/** As `decryptGcm`, where the tag has a place of its own. */
export function decryptGcmApart(options: ToDecrypt & TaggedCiphertext): Uint8Array {
  const { ciphertext, tag } = options;
  try {
    if (options.nonce.length !== NONCE_LENGTH || tag.length !== TAG_LENGTH) throw new Error('sealed text too short');
    const decipher = createDecipheriv('aes-256-gcm', createSecretKey(options.key), options.nonce, {
      authTagLength: TAG_LENGTH,
    });
    decipher.setAAD(options.associatedData);
    decipher.setAuthTag(tag);
    const plaintext = plainBytes(decipher.update(ciphertext));
    decipher.final(); // throws unless the tag is right; GCM holds nothing back
    return plaintext;
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
