/**
 * The mandate: the "agent parameters" by which a customer station steers its remote agent (EP 1 006 469, claim 1), signed with
 * the station's communication key. Nothing the agent does outside it will be paid by the station's wallet guard.
 */
import {
  bytes,
  dictionary,
  digest,
  list,
  minorUnits,
  oneOf,
  optional,
  record,
  type Shaped,
  text,
  timeMs,
  whole,
} from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { wantedShape } from './wanted.ts';

export const identity = text({ min: 1, max: 100 });
export const url = text({ min: 1, max: 500 });

const preferenceShape = record({
  /** `price`, another issue (`licence`, `delivery`, …) or an attribute of the product. */
  issue: text({ min: 1, max: 100 }),
  weight: whole({ max: 1000 }),
  /** Worth of each value, 0…100; values not named are worth 0. Not used for the price, which is better the lower. */
  worths: dictionary(whole({ max: 100 }), { max: 64 }),
});

const mandateShape = record({
  id: identity,
  /** SHA-256 thumbprint of the signed part of the agent's certificate: the mandate is for this agent only. */
  agentThumb: digest(),
  wanted: wantedShape,
  quantity: whole({ min: 1, max: 10_000 }),
  preferences: list(preferenceShape, { max: 32 }),
  /** ISO 4217. */
  currency: text({ min: 3, max: 3 }),
  /** The most one purchase may cost. Never shown to a merchant. */
  priceLimitMinor: minorUnits(),
  /** The most all purchases may cost together. */
  budgetMinor: minorUnits(),
  /** A budget shared with other mandates of the station. */
  purse: optional(record({ name: identity, limitMinor: minorUnits() })),
  /** Merchant identities; none = every merchant that is not barred. */
  merchantsAllowed: list(identity, { max: 256 }),
  merchantsBarred: list(identity, { max: 256 }),
  /** Who decides to pay: the agent's token alone, or the person when asked. */
  scenario: oneOf('unattended', 'ask-person'),
  /** How many purchases; 1 = single use. */
  count: whole({ min: 1, max: 10_000 }),
  strategy: text({ min: 1, max: 40 }),
  rounds: whole({ min: 1, max: 100 }),
  issuedAtMs: timeMs(),
  /** Proposals are collected until then. */
  proposalsByMs: timeMs(),
  /** Without an agreement by then the agent stops looking. */
  deadlineMs: timeMs(),
  /** After that nothing is paid any more. */
  expiresAtMs: timeMs(),
  /** Base URLs of the markets it looks on. */
  markets: list(url, { min: 1, max: 8 }),
  station: record({
    /** Base URL for payment starts and completions. */
    url,
    /** The station's communication certificate (DER): payment starts are encrypted to its key. */
    certificate: bytes({ min: 1, max: 16_384 }),
  }),
});

export type Mandate = Shaped<typeof mandateShape>;
export const mandateType: MessageType<Mandate> = { name: 'mandate', shape: mandateShape, maxBytes: 131_072 };
