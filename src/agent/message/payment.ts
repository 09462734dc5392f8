/**
 * Step I of a payment (EP 1 006 469, claim 8): the customer agent asks the merchant agent to pay by card, the merchant agent tells the
 * merchant server, and in parallel the customer agent starts the wallet at its station.
 */

import { bytes, list, oneOf, optional, record, type Shaped, text, timeMs } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { identity, url } from './mandate.ts';

const MAX_AGREEMENT = 262_144;

/** Customer agent → merchant agent. */
const payByCardShape = record({
  agreement: bytes({ min: 1, max: MAX_AGREEMENT }),
  method: oneOf('card'),
  atMs: timeMs(),
});

export type PayByCard = Shaped<typeof payByCardShape>;
export const payByCardType: MessageType<PayByCard> = { name: 'pay-by-card', shape: payByCardShape, maxBytes: 300_000 };

/** Merchant agent → merchant server: expect a SET purchase for this agreement. Repeated until acknowledged. */
const paymentRequestShape = record({
  agent: identity,
  agreement: bytes({ min: 1, max: MAX_AGREEMENT }),
  method: oneOf('card'),
  /** The customer agent's signed request. */
  payByCard: bytes({ min: 1, max: 300_000 }),
  /** Until then stock is reserved; an order not paid by then lapses. */
  expiresAtMs: timeMs(),
});

export type PaymentRequest = Shaped<typeof paymentRequestShape>;
export const paymentRequestType: MessageType<PaymentRequest> = {
  name: 'payment-request',
  shape: paymentRequestShape,
  maxBytes: 700_000,
};

/**
 * Station → platform of its agent: what the agent agreed is not paid, because the person did not approve it. Signed by the
 * station. Why is told in a word only: the platform is the market's.
 */
const paymentRefusalShape = record({
  agent: identity,
  orderId: bytes({ min: 20, max: 20 }),
  why: oneOf('rejected', 'expired', 'recalled'),
  atMs: timeMs(),
});

export type PaymentRefusal = Shaped<typeof paymentRefusalShape>;
export const paymentRefusalType: MessageType<PaymentRefusal> = {
  name: 'payment-refusal',
  shape: paymentRefusalShape,
  maxBytes: 65_536,
};

/** Merchant server → merchant agent → customer agent: how the payment ended (step III). Signed by the merchant. */
const completionShape = record({
  orderId: bytes({ min: 20, max: 20 }),
  merchant: identity,
  outcome: oneOf('paid', 'failed'),
  /** Of the authorisation, when paid. */
  approvalCode: optional(text({ max: 40 })),
  /** Where the goods are fetched, when paid. */
  goodsUrl: optional(url),
  reason: optional(text({ max: 200 })),
  atMs: timeMs(),
});

export type Completion = Shaped<typeof completionShape>;
export const completionType: MessageType<Completion> = { name: 'completion', shape: completionShape, maxBytes: 65_536 };

/** Merchant agent → customer agent on another platform: the merchant's completion, passed on. Signed by the merchant agent. */
const passedCompletionShape = record({
  negotiation: identity,
  completion: bytes({ min: 1, max: 65_536 }),
});

export type PassedCompletion = Shaped<typeof passedCompletionShape>;
export const passedCompletionType: MessageType<PassedCompletion> = {
  name: 'passed-completion',
  shape: passedCompletionShape,
  maxBytes: 80_000,
};

/** Customer agent → station: notice of the completed payment, with what the agent compared. Signed by the customer agent. */
const completionNoticeShape = record({
  mandate: identity,
  itemId: text({ min: 1, max: 64 }),
  agreement: bytes({ min: 1, max: MAX_AGREEMENT }),
  completion: bytes({ min: 1, max: 65_536 }),
  /** The offers it beat: the best each other merchant came to. */
  others: list(record({ merchant: text({ max: 200 }), product: text({ max: 200 }), price: text({ max: 40 }) }), {
    max: 64,
  }),
});

export type CompletionNotice = Shaped<typeof completionNoticeShape>;
export const completionNoticeType: MessageType<CompletionNotice> = {
  name: 'completion-notice',
  shape: completionNoticeShape,
  maxBytes: 500_000,
};
