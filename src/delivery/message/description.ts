/**
 * The signed product description (US 09/718,411, figure 4): what the merchant says the product is. Tied to the package by the product's
 * name and by its digest in the manifest; "most likely acceptable as legal evidence in case of a dispute".
 */
import { digest, record, type Shaped, text, timeMs, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { CHAIN_BYTES, mediaType, partyName, productName } from './identity.ts';

const descriptionShape = record({
  product: productName,
  merchant: partyName,
  name: text({ min: 1, max: 200, line: true }),
  /** In words, for people. */
  text: text({ max: 20_000 }),
  /** Of the content: media type, length in bytes, SHA-256. */
  mediaType,
  length: whole(),
  content: digest(),
  atMs: timeMs(),
});

export type Description = Shaped<typeof descriptionShape>;
export const descriptionType: MessageType<Description> = {
  name: 'delivery-description',
  shape: descriptionShape,
  maxBytes: 64_000 + CHAIN_BYTES,
};
