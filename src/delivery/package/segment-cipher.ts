/**
 * Segments of a package: AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015, section 7). The nonce is
 * prefix (7 bytes), number (4), and 1 for the last: segments cannot be reordered, repeated, dropped or cut off at the end, and each can
 * be opened by itself. K2 is made for one package and used for nothing else, so no nonce comes twice.
 */
import {
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  webcrypto,
} from 'node:crypto';
import { encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, plainBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { NONCE_LENGTH, TAG_LENGTH } from '../../crypto/sealing.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { type Manifest, NONCE_PREFIX_LENGTH } from '../message/manifest.ts';
import { countSegments } from './layout.ts';

/** What all segments of a package have in common. */
export interface SegmentKeys {
  readonly productKey: Uint8Array;
  readonly noncePrefix: Uint8Array;
  /** Authenticated with every segment: whose, of which product, and how long it all is. */
  readonly context: Uint8Array;
  readonly segments: number;
}

const ALGORITHM = 'aes-256-gcm';

export type Sealed = Pick<Manifest, 'merchant' | 'product' | 'length' | 'segmentLength' | 'noncePrefix'>;

export function segmentKeys(productKey: Uint8Array, sealed: Sealed): SegmentKeys {
  const { merchant, product, length, segmentLength, noncePrefix } = sealed;
  const context = sha256(encodeCbor(['Handsel segment', merchant, product, length, segmentLength]));
  return { productKey, noncePrefix, context, segments: countSegments(sealed) };
}

function nonceOf(number: number, { noncePrefix, segments }: SegmentKeys): Uint8Array {
  const nonce = new Uint8Array(NONCE_LENGTH);
  nonce.set(noncePrefix);
  new DataView(nonce.buffer).setUint32(NONCE_PREFIX_LENGTH, number);
  nonce[NONCE_LENGTH - 1] = number === segments - 1 ? 1 : 0;
  return nonce;
}

/** Ready-made key for many segments: turning bytes into a key costs more than encrypting a short one. */
export function keyObjectOf({ productKey }: SegmentKeys): KeyObject {
  return createSecretKey(productKey);
}

export function cipherFor(number: number, keys: SegmentKeys, key = keyObjectOf(keys)): CipherGCM {
  const cipher = createCipheriv(ALGORITHM, key, nonceOf(number, keys), { authTagLength: TAG_LENGTH });
  return cipher.setAAD(keys.context);
}

/** The encrypted segment with its tag. */
export function sealSegment(content: Uint8Array, number: number, keys: SegmentKeys): Uint8Array {
  const cipher = cipherFor(number, keys);
  return concatBytes(cipher.update(content), cipher.final(), cipher.getAuthTag());
}

/** @throws DeliveryError `KEY_UNFIT` when this key does not open it as the segment with this number */
export function openSegment(sealed: Uint8Array, number: number, keys: SegmentKeys): Uint8Array {
  const boundary = Math.max(0, sealed.length - TAG_LENGTH);
  try {
    const decipher = createDecipheriv(ALGORITHM, keyObjectOf(keys), nonceOf(number, keys), {
      authTagLength: TAG_LENGTH,
    });
    decipher.setAAD(keys.context).setAuthTag(sealed.subarray(boundary));
    const content = plainBytes(decipher.update(sealed.subarray(0, boundary)));
    decipher.final();
    return content;
  } catch (cause) {
    throw doesNotOpen(number, cause);
  }
}

export function doesNotOpen(number: number, cause?: unknown): DeliveryError {
  return new DeliveryError('KEY_UNFIT', `the key does not open segment ${number}`, {
    cause,
    detail: { segment: number },
  });
}

/** Undefined when this key does not open it as the segment with this number. */
export type OpenSegment = (sealed: Uint8Array, number: number) => Promise<Uint8Array | undefined>;

/** As `openSegment`, on the threads that Node keeps for such work: this one is free meanwhile. */
export async function segmentOpener(keys: SegmentKeys): Promise<OpenSegment> {
  const { subtle } = webcrypto;
  const key = await subtle.importKey('raw', keys.productKey, 'AES-GCM', false, ['decrypt']);
  return async (sealed, number) => {
    const parameters = { name: 'AES-GCM', iv: nonceOf(number, keys), additionalData: keys.context };
    try {
      return new Uint8Array(await subtle.decrypt(parameters, key, sealed));
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'OperationError') return undefined;
      throw cause;
    }
  };
}
