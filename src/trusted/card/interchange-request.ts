/**
 * What the card network of trusted agents asks the banks' interchange, without its format: whoever plugs this in writes ISO 8583 or whatever the
 * banks speak. `authorise` holds the amount, `capture` takes it, `reverse` undoes either; the last two are advices, repeated until they are taken.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { type ChoiceOf, choice, numbered, row } from '../../codec/row-shape.ts';
import { bytes, optional, type Shaped, text, timeMs, whole } from '../../codec/shape.ts';
import { amountShape } from '../message/amount-shape.ts';
import { TRANSACTION_ID_LENGTH } from '../message/statement.ts';

/** A message's number among those of this network, and when it was made: together never twice. */
const identity = { number: whole({ min: 1 }), atMs: timeMs() };
const identityRow = row(identity);
export type InterchangeIdentity = Shaped<typeof identityRow>;

const about = {
  ...identity,
  /** Of the agents' transaction in which it was first paid. */
  transaction: bytes({ min: TRANSACTION_ID_LENGTH, max: TRANSACTION_ID_LENGTH }),
  /** Secret. */
  cardNumber: text({ min: 8, max: 19 }),
  /** The last day on which the card is good. */
  expiresDay: whole({ max: 0xffff }),
  amount: amountShape(),
  /** The payee's agent, its number as text. */
  payee: text({ max: 40 }),
  /** What it is called in the credential that an authority gave it: whose account the money is for. */
  payeeName: optional(text({ max: 120 })),
};
const advice = { ...about, original: identityRow, approvalCode: text({ max: 16 }) };

const requests = {
  authorise: numbered(1, about),
  capture: numbered(2, advice),
  reverse: numbered(3, { ...advice, approvalCode: optional(text({ max: 16 })) }),
};
export type InterchangeRequest = ChoiceOf<typeof requests>;
const requestShape = choice(requests);

const answers = {
  approved: numbered(1, { approvalCode: text({ max: 16 }) }),
  declined: numbered(2, { reason: text({ max: 100 }) }),
  /** An advice was taken. */
  taken: numbered(3, {}),
};
export type InterchangeAnswer = ChoiceOf<typeof answers>;
const answerShape = choice(answers);

const maxBytes = 4096;

export const encodeInterchangeRequest = (request: InterchangeRequest) => encodeCbor(requestShape.encode(request));
/** @throws CborError or MessageError */
export const decodeInterchangeRequest = (bytes: Uint8Array) =>
  requestShape.decode(decodeCbor(bytes, { maxBytes }), 'interchange request');
export const encodeInterchangeAnswer = (answer: InterchangeAnswer) => encodeCbor(answerShape.encode(answer));
/** @throws CborError or MessageError */
export const decodeInterchangeAnswer = (bytes: Uint8Array) =>
  answerShape.decode(decodeCbor(bytes, { maxBytes }), 'interchange answer');
