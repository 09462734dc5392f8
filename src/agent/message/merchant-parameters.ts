/**
 * The merchant's agent parameters (EP 1 006 469, claim 3): what its agent on the market presents and how far it may go, signed by
 * the merchant. The floor prices in here are for the agent and its platform only.
 */

import {
  dictionary,
  digest,
  list,
  minorUnits,
  optional,
  record,
  type Shaped,
  text,
  timeMs,
  whole,
} from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { identity, url } from './mandate.ts';
import { productShape } from './wanted.ts';

/** A value of a negotiable issue and what it adds to list and floor price alike. */
const choiceShape = record({ value: text({ min: 1, max: 200 }), surchargeMinor: minorUnits() });

const goodShape = record({
  product: productShape,
  /** Asked for one piece, before any negotiation. */
  listMinor: minorUnits(),
  /** Never sold below this for one piece. Secret. */
  floorMinor: minorUnits(),
  /** Pieces left; absent = as many as wanted. */
  stock: optional(whole({ max: 1_000_000_000 })),
  /** Negotiable issues other than the price, e.g. `licence` and `delivery`. */
  choices: dictionary(list(choiceShape, { min: 1, max: 16 }), { max: 8 }),
  /** Digest of the goods themselves, so that what is delivered can be checked against the agreement. */
  sha256: digest(),
  sizeBytes: whole(),
  mediaType: text({ min: 1, max: 100 }),
});

/** Several goods sold as one lot at a price of their own. */
const bundleShape = record({
  product: productShape,
  skus: list(text({ min: 1, max: 64 }), { min: 2, max: 16 }),
  listMinor: minorUnits(),
  floorMinor: minorUnits(),
});

const merchantParametersShape = record({
  merchant: record({ id: identity, name: text({ min: 1, max: 200 }), url }),
  market: url,
  /** Parameters with a higher number replace those with a lower one. */
  version: whole({ min: 1 }),
  /** ISO 4217; all prices are in it. */
  currency: text({ min: 3, max: 3 }),
  goods: list(goodShape, { min: 1, max: 2000 }),
  bundles: list(bundleShape, { max: 200 }),
  /** How the agent concedes: the name of a negotiation strategy. */
  concession: text({ min: 1, max: 40 }),
  /** Card brands taken, e.g. for a wallet to choose by. */
  brands: list(text({ min: 1, max: 40 }), { max: 16 }),
  /** How long stock stays reserved for an agreement that is not paid. */
  holdMs: whole({ min: 1000, max: 86_400_000 }),
  issuedAtMs: timeMs(),
  expiresAtMs: timeMs(),
});

export type MerchantParameters = Shaped<typeof merchantParametersShape>;
export type Good = Shaped<typeof goodShape>;
export type Bundle = Shaped<typeof bundleShape>;

export const merchantParametersType: MessageType<MerchantParameters> = {
  name: 'merchant-parameters',
  shape: merchantParametersShape,
  maxBytes: 4_194_304,
};
