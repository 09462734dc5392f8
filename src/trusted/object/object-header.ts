/**
 * The header of an encrypted electronic object (US 5,671,280, "Tickets", kind 1): what ties the object to its decryption ticket and describes it
 * to a buyer, who can look at it before paying. Sealed under a key that follows from the decryption key and opens nothing but the header.
 */
import type { KeyObject } from 'node:crypto';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, utf8 } from '../../codec/hex.ts';
import { row } from '../../codec/row-shape.ts';
import { optional, type Shaped, text, whole } from '../../codec/shape.ts';
import { deriveKey } from '../../crypto/agreement.ts';
import { signCompact, verifyCompact } from '../../crypto/compact-key.ts';
import { decryptGcm, encryptGcm, NONCE_LENGTH, SEALING_KEY_LENGTH } from '../../crypto/sealing.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';

export const objectHeaderShape = row({
  objectId: text({ min: 1, max: 120 }),
  title: optional(text({ max: 300 })),
  contentType: text({ min: 1, max: 120 }),
  /** Of the object itself, in bytes. */
  length: whole(),
});
export type ObjectHeader = Shaped<typeof objectHeaderShape>;

export const maxSealedHeader = 4096;
const HEADER = utf8('Handsel object header 1');
const SIGNED = utf8('Handsel electronic object 1');
/** Each key seals one header. */
const ONCE = new Uint8Array(NONCE_LENGTH);
const EMPTY = new Uint8Array();

const headerKey = (key: Uint8Array) =>
  deriveKey({ secret: key, salt: EMPTY, info: HEADER, length: SEALING_KEY_LENGTH });

export function sealHeader(header: ObjectHeader, key: Uint8Array): Uint8Array {
  const plaintext = encodeCbor(objectHeaderShape.encode(header));
  return encryptGcm({ key: headerKey(key), nonce: ONCE, plaintext, associatedData: HEADER });
}

/** @throws CryptographicError */
export function openHeader(sealed: Uint8Array, key: Uint8Array): ObjectHeader {
  try {
    const options = { key: headerKey(key), nonce: ONCE, ciphertext: sealed, associatedData: HEADER };
    return objectHeaderShape.decode(decodeCbor(decryptGcm(options), { maxBytes: maxSealedHeader }), 'header');
  } catch (cause) {
    if (cause instanceof CryptographicError || !(cause instanceof HandselError)) throw cause;
    throw new CryptographicError(cause);
  }
}

/** What field 44 of a decryption ticket is over: which encrypted file it is, by its digest, and whose object. */
export interface SignedObject {
  readonly objectId: string;
  readonly digest: Uint8Array;
  readonly length: number;
}

const textOf = ({ objectId, digest, length }: SignedObject) =>
  concatBytes(SIGNED, encodeCbor([objectId, digest, length]));

export function signObject(object: SignedObject, privateKey: KeyObject): Uint8Array {
  return signCompact(privateKey, textOf(object));
}

export function isObjectSigned(publicKey: Uint8Array, object: SignedObject, signature: Uint8Array): boolean {
  return verifyCompact(publicKey, textOf(object), signature);
}
