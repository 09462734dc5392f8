/** K2 in the trustee's keeping, before anything is sold: what makes delivery fair against a merchant that falls silent. */
import type { KeyObject } from 'node:crypto';
import { bytes, digest, record, type Shaped, timeMs } from '../../codec/shape.ts';
import { decryptCose, encryptCose } from '../../crypto/cose-encrypt.ts';
import type { Random } from '../../crypto/random.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { CHAIN_BYTES, packageDigest, partyName, productName } from './identity.ts';
import { manifestType } from './manifest.ts';

/** A 32-byte key in COSE_Encrypt to one recipient. */
export const sealedKey = bytes({ min: 64, max: 512 });
const SEALED_KEY_BYTES = 512;
const SEALED_KEY = 'application/handsel-delivery-key';

/**
 * Seals K1 or K2 to somebody, for one purpose.
 * @param binding digest of what it is the key of or for: a package, an order; sealed for one it does not open as for another
 */
export function sealKey(
  key: Uint8Array,
  {
    recipient,
    binding,
    random,
  }: { readonly recipient: KeyObject; readonly binding: Uint8Array; readonly random: Random },
): Uint8Array {
  return encryptCose({ plaintext: key, recipient, contentType: SEALED_KEY, externalData: binding, random });
}

/** @throws CryptographicError when it was not sealed to this key for this purpose */
export function unsealKey(
  sealed: Uint8Array,
  { privateKey, binding }: { readonly privateKey: KeyObject; readonly binding: Uint8Array },
): Uint8Array {
  return decryptCose({
    ...{ bytes: sealed, privateKey, contentType: SEALED_KEY, externalData: binding, maxBytes: SEALED_KEY_BYTES },
  });
}

/** Merchant → trustee: K2 of a package. Signed by the merchant. */
const lodgingShape = record({
  manifest: bytes({ min: 1, max: manifestType.maxBytes }),
  trustee: partyName,
  /** K2, sealed to the trustee for the package's digest. */
  key: sealedKey,
  /** Until then at least it is to be kept. */
  keepUntilMs: timeMs(),
  atMs: timeMs(),
});
export type Lodging = Shaped<typeof lodgingShape>;
export const lodgingType: MessageType<Lodging> = {
  name: 'delivery-lodging',
  shape: lodgingShape,
  maxBytes: manifestType.maxBytes + 2048 + CHAIN_BYTES,
};

/** The answer, which merchants show to customers: K2 as the manifest commits to it is in my keeping. Signed by the trustee. */
const custodyReceiptShape = record({
  trustee: partyName,
  package: packageDigest,
  merchant: partyName,
  product: productName,
  commitment: digest(),
  /** Until then the trustee releases K2 for every acceptance with evidence of payment. */
  keptUntilMs: timeMs(),
  atMs: timeMs(),
});
export type CustodyReceipt = Shaped<typeof custodyReceiptShape>;
export const custodyReceiptType: MessageType<CustodyReceipt> = {
  name: 'delivery-custody-receipt',
  shape: custodyReceiptShape,
  maxBytes: 1024 + CHAIN_BYTES,
};
