/**
 * What the two sides of a negotiation say: offers, acceptances and endings, each signed and carrying the hash of the message
 * before it, so that the outcome and how it came about can be proved. The first offer follows the proposal.
 */

import { dictionary, digest, optional, record, type Shaped, text, textOrWhole, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { identity } from './mandate.ts';

const offerShape = record({
  negotiation: identity,
  round: whole({ max: 100 }),
  /** In the first offer only: which lot of which merchant agent's proposal the negotiation is about. */
  opens: optional(record({ call: identity, agent: identity, lot: text({ min: 1, max: 64 }) })),
  /** A value for every open issue of the lot: `price` in minor units for the whole lot, `licence`, `delivery`, … */
  values: dictionary(textOrWhole(), { max: 9 }),
  /** SHA-256 of the signed message before this one. */
  previous: digest(),
});

export type Offer = Shaped<typeof offerShape>;
export const offerType: MessageType<Offer> = { name: 'offer', shape: offerShape, maxBytes: 8192 };

/** One side's signature under the terms of an agreement: binding for it until the merchant's hold runs out. */
const acceptanceShape = record({
  negotiation: identity,
  /** SHA-256 of the agreement's terms (see `agreement.ts`). */
  terms: digest(),
  previous: digest(),
});

export type Acceptance = Shaped<typeof acceptanceShape>;
export const acceptanceType: MessageType<Acceptance> = { name: 'acceptance', shape: acceptanceShape, maxBytes: 4096 };

const endingShape = record({
  negotiation: identity,
  reason: text({ max: 100 }),
  previous: digest(),
});

export type Ending = Shaped<typeof endingShape>;
export const endingType: MessageType<Ending> = { name: 'ending', shape: endingShape, maxBytes: 4096 };
