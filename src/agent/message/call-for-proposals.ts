/** A customer agent's call to all suitable merchant agents, and what they propose: lots with the issues open to negotiation. */

import {
  bytes,
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
import { productShape, wantedShape } from './wanted.ts';

const callShape = record({
  /** Random; names the call and, with merchant and lot, every negotiation that follows from it. */
  id: identity,
  wanted: wantedShape,
  quantity: whole({ min: 1, max: 10_000 }),
  currency: text({ min: 3, max: 3 }),
  rounds: whole({ min: 1, max: 100 }),
  merchantsAllowed: list(identity, { max: 256 }),
  merchantsBarred: list(identity, { max: 256 }),
  /** Proposals are taken until then. */
  untilMs: timeMs(),
  /** Offers are taken until then. */
  deadlineMs: timeMs(),
  /** Base URL for completions when the caller is not hosted where the merchant agent is. */
  replyTo: optional(url),
});

export type CallForProposals = Shaped<typeof callShape>;
export const callType: MessageType<CallForProposals> = { name: 'call', shape: callShape, maxBytes: 65_536 };

/** One of the goods of a lot, as they will be delivered. */
export const itemShape = record({
  sku: text({ min: 1, max: 64 }),
  name: text({ min: 1, max: 200 }),
  quantity: whole({ min: 1, max: 10_000 }),
  sha256: digest(),
  sizeBytes: whole(),
  mediaType: text({ min: 1, max: 100 }),
});

export type Item = Shaped<typeof itemShape>;

const lotShape = record({
  id: text({ min: 1, max: 64 }),
  product: productShape,
  items: list(itemShape, { min: 1, max: 16 }),
  currency: text({ min: 3, max: 3 }),
  /** The asking price for the whole lot with the first value of every issue; offers name a price of at most this plus surcharges. */
  listMinor: minorUnits(),
  /** The most the price of any variant of the lot can be. */
  highestMinor: minorUnits(),
  /** Open issues other than `price`, with their possible values. */
  issues: dictionary(list(text({ min: 1, max: 200 }), { min: 1, max: 16 }), { max: 8 }),
});

export type Lot = Shaped<typeof lotShape>;

const proposalShape = record({
  call: identity,
  /** Which merchant agent answers, on its platform. */
  agent: identity,
  merchant: record({ id: identity, name: text({ min: 1, max: 200 }), url }),
  brands: list(text({ min: 1, max: 40 }), { max: 16 }),
  lots: list(lotShape, { min: 1, max: 32 }),
});

export type Proposal = Shaped<typeof proposalShape>;
export const proposalType: MessageType<Proposal> = { name: 'proposal', shape: proposalShape, maxBytes: 262_144 };

/** The answer to a call from outside: every proposal there is, signed. */
export const proposalsType: MessageType<readonly Uint8Array[]> = {
  name: 'proposals',
  shape: list(bytes({ min: 1, max: 262_144 }), { max: 256 }),
  maxBytes: 8_388_608,
};
