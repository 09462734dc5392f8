/** What the counter has done by its own party, and by whoever can say whether it is paid. Messages within one party are not signed. */
import { bytes, digest, list, minorUnits, oneOf, record, type Shaped, text, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';

const paymentName = text({ min: 1, max: 48 });
const MAX_ORDER = 512 * 1024;
export const MAX_PARTS = 16;

const fetchOfferShape = record({ payment: paymentName, part: whole({ max: MAX_PARTS - 1 }) });
/** Finds the offer of one part, and begins its purchase. Answered with anything; refused when it cannot be bought so. */
export const beginPartType: MessageType<Shaped<typeof fetchOfferShape>> = {
  name: 'counter-begin-part',
  shape: fetchOfferShape,
  maxBytes: 256,
};

/** What is paid for: all of it, or the payment is for something else. */
export const paidPart = record({ accept: digest(), minor: minorUnits() });
export type PaidPart = Shaped<typeof paidPart>;

const payShape = record({
  payment: paymentName,
  order: bytes({ max: MAX_ORDER }),
  parts: list(paidPart, { min: 1, max: MAX_PARTS }),
});
/** Pays. Answered when it is under way; how it ends is told by `charged` and `uncharged`. */
export const payType: MessageType<Shaped<typeof payShape>> = {
  name: 'counter-pay',
  shape: payShape,
  maxBytes: MAX_ORDER + 4096,
};

const questionShape = record({ payment: paymentName });
/** Asks the payment method for the transaction's name: empty while there is none, and nothing can have been paid. */
export const questionType: MessageType<Shaped<typeof questionShape>> = {
  name: 'counter-question',
  shape: questionShape,
  maxBytes: 128,
};
const placedShape = record({ transaction: text({ max: 64 }) });
export const placedType: MessageType<Shaped<typeof placedShape>> = {
  name: 'counter-placed',
  shape: placedShape,
  maxBytes: 128,
};

/** Answer of whoever attests: paid, with the evidence; or void, now and for ever. */
const attestedShape = record({ outcome: oneOf('paid', 'void'), evidence: bytes({ max: 65_536 }) });
export const attestedType: MessageType<Shaped<typeof attestedShape>> = {
  name: 'counter-attested',
  shape: attestedShape,
  maxBytes: 66_560,
};
const attestShape = record({
  payment: paymentName,
  attestor: text({ max: 500 }),
  transaction: text({ min: 1, max: 64 }),
  order: bytes({ max: MAX_ORDER }),
  parts: list(paidPart, { min: 1, max: MAX_PARTS }),
});
export type Attest = Shaped<typeof attestShape>;
/** Has it settled, one way or the other: never refused, asked until it is answered. */
export const attestType: MessageType<Attest> = {
  name: 'counter-attest',
  shape: attestShape,
  maxBytes: MAX_ORDER + 4096,
};

const toldShape = record({
  payment: paymentName,
  outcome: oneOf('paid', 'declined', 'failed'),
  transaction: text({ max: 64 }),
  reason: text({ max: 100 }),
});
export type Told = Shaped<typeof toldShape>;
/** To whoever asked for the sale: it is paid, or nothing is and will be. */
export const toldType: MessageType<Told> = { name: 'counter-told', shape: toldShape, maxBytes: 512 };
