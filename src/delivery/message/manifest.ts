/**
 * The manifest of a package: the merchant's signature over the encrypted product and the product's identity in one (US 09/718,411, claim
 * 24: "signing … the encrypted electronic product and the product identity").
 */
import { encodeCbor } from '../../codec/cbor.ts';
import { bytes, digest, record, type Shaped, timeMs, whole } from '../../codec/shape.ts';
import { equalSecrets } from '../../crypto/constant-time.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { CHAIN_BYTES, mediaType, partyName, productName } from './identity.ts';

export const PRODUCT_KEY_LENGTH = 32;
export const NONCE_PREFIX_LENGTH = 7;
export const SMALLEST_SEGMENT = 64;
/** So that one segment fits into a complaint. */
export const LARGEST_SEGMENT = 1024 * 1024;

const manifestShape = record({
  product: productName,
  merchant: partyName,
  /** SHA-256 of the signed description. */
  description: digest(),
  mediaType,
  /** Bytes of the content, and how many of them a segment holds; only the last holds fewer. */
  length: whole(),
  segmentLength: whole({ min: SMALLEST_SEGMENT, max: LARGEST_SEGMENT }),
  noncePrefix: bytes({ min: NONCE_PREFIX_LENGTH, max: NONCE_PREFIX_LENGTH }),
  /** Root of the Merkle tree (RFC 9162 section 2.1.1) over the SHA-256 of each encrypted segment. */
  root: digest(),
  /** To K2: `commitmentTo`. AES-GCM alone does not say under which key a text was made. */
  commitment: digest(),
  atMs: timeMs(),
});

export type Manifest = Shaped<typeof manifestShape>;
export const manifestType: MessageType<Manifest> = {
  name: 'delivery-manifest',
  shape: manifestShape,
  maxBytes: 4096 + CHAIN_BYTES,
};

/** Binds K2 (32 random bytes, so that nothing can be learnt from the digest) to one product of one merchant. */
export function commitmentTo(
  productKey: Uint8Array,
  { merchant, product }: { readonly merchant: string; readonly product: string },
): Uint8Array {
  return sha256(encodeCbor(['Handsel product key', merchant, product, productKey]));
}

/** Whether this is the K2 the merchant signed for. */
export function isKeyOf(productKey: Uint8Array, manifest: Manifest): boolean {
  return (
    productKey.length === PRODUCT_KEY_LENGTH && equalSecrets(commitmentTo(productKey, manifest), manifest.commitment)
  );
}
