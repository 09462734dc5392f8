/** The signed order, "the evidence that the consumer really ordered the product" (US 09/718,411, claim 24), and the merchant's word on it. */
import { encodeCbor } from '../../codec/cbor.ts';
import { digest, list, record, type Shaped, text, timeMs } from '../../codec/shape.ts';
import { equalSecrets } from '../../crypto/constant-time.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import {
  CHAIN_BYTES,
  MAX_URLS,
  money,
  orderDigest,
  orderIdentity,
  packageDigest,
  partyName,
  productName,
  url,
} from './identity.ts';

export const ORDER_KEY_LENGTH = 32;

/** Customer → merchant. Signed by the customer. */
const orderShape = record({
  order: orderIdentity,
  merchant: partyName,
  product: productName,
  package: packageDigest,
  /** SHA-256 of the signed description the customer has read. */
  description: digest(),
  price: money,
  /** Where the merchant is paid, in the words of the payment method. */
  payee: text({ min: 1, max: 200 }),
  /** Who keeps K2 and passes K1. */
  trustee: partyName,
  /** `orderKeyDigest` of K1. */
  keyDigest: digest(),
  /** Not accepted by then, it is off. */
  deadlineMs: timeMs(),
  atMs: timeMs(),
});
export type Order = Shaped<typeof orderShape>;
export const orderType: MessageType<Order> = {
  name: 'delivery-order',
  shape: orderShape,
  maxBytes: 2048 + CHAIN_BYTES,
};

/** The answer: I sell this, for this, to whoever signed that. Signed by the merchant. */
const orderTakenShape = record({
  order: orderDigest,
  merchant: partyName,
  /** Where the package is to be had. */
  urls: list(url, { min: 1, max: MAX_URLS }),
  atMs: timeMs(),
});
export type OrderTaken = Shaped<typeof orderTakenShape>;
export const orderTakenType: MessageType<OrderTaken> = {
  name: 'delivery-order-taken',
  shape: orderTakenShape,
  maxBytes: 4096 + CHAIN_BYTES,
};

/** How an order names K1 without showing it. */
export function orderKeyDigest(orderKey: Uint8Array): Uint8Array {
  return sha256(encodeCbor(['Handsel order key', orderKey]));
}

/** Whether this is the K1 of the order. */
export function isOrderKey(orderKey: Uint8Array, { keyDigest }: Pick<Order, 'keyDigest'>): boolean {
  return orderKey.length === ORDER_KEY_LENGTH && equalSecrets(orderKeyDigest(orderKey), keyDigest);
}
