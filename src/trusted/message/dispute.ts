/**
 * What is signed in a dispute over merchandise (US 5,671,280, figures 30 to 32): the customer's claim, from its agent's Tran Log, and the
 * merchant's answer. With both in hand either side can go before a trusted server, and anybody can see what was said.
 */
import { row } from '../../codec/row-shape.ts';
import { bytes, digest, oneOf, optional, type Shaped, text, timeMs, whole } from '../../codec/shape.ts';
import { agentIdShape } from './agent-id.ts';
import { amountShape } from './amount-shape.ts';
import type { DocumentType } from './signed-document.ts';
import { TRANSACTION_ID_LENGTH } from './statement.ts';

export const DISPUTE_NUMBER_LENGTH = 16;
const CERTIFICATE_BYTES = 1024;
const maxTicketBytes = 65_536;

export const disputeNumber = () => bytes({ min: DISPUTE_NUMBER_LENGTH, max: DISPUTE_NUMBER_LENGTH });
const transaction = () => bytes({ min: TRANSACTION_ID_LENGTH, max: TRANSACTION_ID_LENGTH });
export const disputeText = () => text({ max: 2000 });

export const complaints = [
  /** It does not do what it should: for people to see. */
  'defective',
  /** It is something else than was said: for people to see. */
  'not-as-described',
  /** Its day was over when it was sold. */
  'expired',
  /** It was paid for in two transactions. */
  'paid-twice',
  /** The key does not open the object. */
  'does-not-open',
  /** Paid, and no ticket came. */
  'not-delivered',
  /** The merchant agreed to a refund, or was told to, and does not follow. */
  'not-followed',
] as const;
export type About = (typeof complaints)[number];

/** A payment as Tran Log has it. */
export const paymentEvidenceShape = row({
  transaction: transaction(),
  way: oneOf('card', 'module'),
  amount: amountShape(),
  /** By card: what the payer's agent signed. */
  order: optional(bytes({ max: 1024 })),
  /** What the payee's port said of it. */
  receipt: optional(bytes({ max: 1024 })),
});
export type PaymentEvidence = Shaped<typeof paymentEvidenceShape>;

/** A larger object is fetched by whoever has to look at it. */
export const maxShownFile = 393_216;

/** Of an electronic object, as the customer's host side has it. */
export const shownObjectShape = row({
  /** SHA-256 and length of the whole encrypted file. */
  digest: digest(),
  length: whole({ min: 1 }),
  /** The file itself, where it is small enough to go along. */
  file: optional(bytes({ max: maxShownFile })),
});
export type ShownObject = Shaped<typeof shownObjectShape>;

const claimShape = row({
  number: disputeNumber(),
  /** Whose agent is complained to: the issuer of the ticket, or the payee. */
  merchant: agentIdShape(),
  about: oneOf(...complaints),
  statement: disputeText(),
  /** As it is held, with its newest mark; absent when none came. */
  ticket: optional(bytes({ min: 1, max: maxTicketBytes })),
  mark: optional(bytes({ min: 1, max: 1024 })),
  payment: optional(paymentEvidenceShape),
  /** For `paid-twice`. */
  second: optional(paymentEvidenceShape),
  /** Merchandise that is an electronic object. */
  object: optional(shownObjectShape),
  atMs: timeMs(),
});
export type Claim = Shaped<typeof claimShape>;
/** Signed by the customer's agent. */
export const claimType: DocumentType<Claim> = {
  ...{ name: 'claim', shape: claimShape },
  maxBytes: maxTicketBytes + maxShownFile + 16_384 + CERTIFICATE_BYTES,
};

/** `granted`: the customer chooses among what is offered. The others end it; after them a trusted server may be asked. */
export const answerOutcomes = [
  'denied',
  'ticket-invalid',
  'object-invalid',
  'granted',
  'unavailable',
  'settled',
] as const;
export type AnswerOutcome = (typeof answerOutcomes)[number];

const answerShape = row({
  number: disputeNumber(),
  /** SHA-256 of the claim. */
  claim: digest(),
  outcome: oneOf(...answerOutcomes),
  reason: disputeText(),
  /** For `granted` and `unavailable`: what would be paid back. */
  refund: optional(amountShape()),
  /** For `granted`: new merchandise can be had. */
  replacement: optional(oneOf('yes')),
  atMs: timeMs(),
});
export type Answer = Shaped<typeof answerShape>;
/** Signed by the merchant's agent. */
export const answerType: DocumentType<Answer> = {
  ...{ name: 'answer', shape: answerShape },
  maxBytes: 10_240 + CERTIFICATE_BYTES,
};
