/** What a customer is shown of a product before it orders, and everything that can be checked about it without the package. */
import { equalBytes } from '../../codec/hex.ts';
import { bytes, list, record, type Shaped } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { type CustodyReceipt, custodyReceiptType } from './custody.ts';
import { DeliveryError } from './delivery-error.ts';
import { type Description, descriptionType } from './description.ts';
import { MAX_URLS, url } from './identity.ts';
import { type Manifest, manifestType } from './manifest.ts';
import { atItsTime, type Identify, readSigned, type Signed } from './signed-by.ts';

/** Everything in it is signed by itself; where to fetch the package is only a hint. */
const offerShape = record({
  description: bytes({ min: 1, max: descriptionType.maxBytes }),
  manifest: bytes({ min: 1, max: manifestType.maxBytes }),
  /** The trustee's receipt for K2. */
  custody: bytes({ min: 1, max: custodyReceiptType.maxBytes }),
  urls: list(url, { min: 1, max: MAX_URLS }),
});
export type Offer = Shaped<typeof offerShape>;
export const offerType: MessageType<Offer> = {
  name: 'delivery-offer',
  shape: offerShape,
  maxBytes: descriptionType.maxBytes + manifestType.maxBytes + custodyReceiptType.maxBytes + 4096,
};

export interface Goods {
  readonly description: Signed<Description>;
  /** Its digest names the package. */
  readonly manifest: Signed<Manifest>;
}

export interface CheckedOffer extends Goods {
  readonly custody: Signed<CustodyReceipt>;
  readonly urls: readonly string[];
}

/**
 * "The signatures of the product and product description will be checked and that they concern the same product."
 * @throws DeliveryError `OFFER_UNFIT`; CryptographicError, MessageError, CborError
 */
export function readGoods(
  documents: { readonly description: Uint8Array; readonly manifest: Uint8Array },
  identify: Identify,
): Goods {
  const description = readSigned(descriptionType, documents.description, atItsTime(identify));
  const manifest = readSigned(manifestType, documents.manifest, atItsTime(identify));
  if (description.signer.name !== manifest.signer.name) throw unfit('description and package are of two merchants');
  for (const { value, signer } of [description, manifest]) {
    if (value.merchant !== signer.name) throw unfit('a document names another merchant than signed it');
  }
  return { description, manifest };
}

/** Where the merchant's own two signed documents contradict each other: empty when they agree. */
export function contradictions({
  description,
  manifest,
}: Goods): readonly ('product' | 'description' | 'length' | 'media-type')[] {
  const [said, made] = [description.value, manifest.value];
  return [
    ...(said.product === made.product ? [] : ['product' as const]),
    ...(equalBytes(description.digest, made.description) ? [] : ['description' as const]),
    ...(said.length === made.length ? [] : ['length' as const]),
    ...(said.mediaType === made.mediaType ? [] : ['media-type' as const]),
  ];
}

/**
 * @throws DeliveryError `OFFER_UNFIT` saying what does not belong together; CryptographicError, MessageError, CborError
 */
export function readOffer(
  offer: Offer,
  identify: { readonly merchant: Identify; readonly trustee: Identify },
): CheckedOffer {
  const goods = readGoods(offer, identify.merchant);
  const [contradiction] = contradictions(goods);
  if (contradiction !== undefined) throw unfit(`description and package differ in ${contradiction}`);
  const custody = readSigned(custodyReceiptType, offer.custody, atItsTime(identify.trustee));
  requireCustodyOf(goods.manifest, custody);
  return { ...goods, custody, urls: offer.urls };
}

/** @throws DeliveryError `OFFER_UNFIT` unless the receipt is its signer's, for K2 of exactly this package */
export function requireCustodyOf(manifest: Signed<Manifest>, { value: receipt, signer }: Signed<CustodyReceipt>): void {
  if (receipt.trustee !== signer.name) throw unfit('the receipt names another trustee than signed it');
  if (!equalBytes(receipt.package, manifest.digest)) throw unfit('the receipt is for another package');
  const { merchant, product, commitment } = manifest.value;
  if (receipt.merchant !== merchant || receipt.product !== product || !equalBytes(receipt.commitment, commitment)) {
    throw unfit('the receipt is for another key');
  }
}

const unfit = (message: string) => new DeliveryError('OFFER_UNFIT', message);
