/**
 * What is said between two agents to pay, in a purchase or in whatever else costs something (a credential) or gives back (a dispute). A
 * conversation takes these rows up into its own requests and answers: their numbers, 20 to 29, are free in all of them.
 *
 * By card (US 5,671,280, figure 21) the payee decides: `pay-by-card` is the payer's vote, `paid` brings the deeds. By money modules (figure
 * 16) the payer decides: `vote` asks for the payee's vote, whose deeds stay inside the payer's agent until its module has paid.
 */
import { type ChoiceOf, choice, numbered } from '../../codec/row-shape.ts';
import { bytes, oneOf, optional, text } from '../../codec/shape.ts';
import { amountShape } from './amount-shape.ts';
import { maxOrderBytes } from './payment-order.ts';
import { maxRoutedBytes } from './payment-port.ts';
import { deedsShape, maxReceiptBytes, TRANSACTION_ID_LENGTH } from './statement.ts';

export const CONTRIBUTION_LENGTH = 32;

const transaction = () => bytes({ min: TRANSACTION_ID_LENGTH, max: TRANSACTION_ID_LENGTH });
const contribution = () => bytes({ min: CONTRIBUTION_LENGTH, max: CONTRIBUTION_LENGTH });
const reason = () => text({ max: 100 });

export const paymentRequests = {
  /** Steps 694 to 700: the signed order and the card credential with its newest mark. */
  'pay-by-card': numbered(20, {
    transaction: transaction(),
    order: bytes({ min: 1, max: maxOrderBytes }),
    credential: bytes({ min: 1, max: 65_536 }),
    mark: optional(bytes({ min: 1, max: 1024 })),
    /** Of what the payer gives besides the money: its remittance advice. */
    deeds: optional(deedsShape),
  }),
  /** Steps 520 to 534: the payer's part of the key that its module and the agents share, R(1). */
  'pay-by-module': numbered(21, {
    transaction: transaction(),
    contribution: contribution(),
    amount: amountShape(),
    /** Whose module names the amount; the other one's agent verifies it (claims 2 and 3). */
    initiator: oneOf('payer', 'payee'),
  }),
  /** Figures 17 and 20: one money module to the other. */
  routed: numbered(22, { bytes: bytes({ max: maxRoutedBytes }) }),
  vote: numbered(23, { transaction: transaction() }),
  /** The payer gives up, or its module has. */
  'not-paying': numbered(24, { transaction: transaction(), reason: reason() }),
  /** The payer has committed; with what its module has to say yet. */
  committed: numbered(25, {
    ...{ transaction: transaction(), routed: optional(bytes({ max: maxRoutedBytes })) },
    /** As in `pay-by-card`. */
    deeds: optional(deedsShape),
  }),
  /** The payer has heard that it was paid: the payee may forget. */
  heard: numbered(26, { transaction: transaction() }),
};
export type PaymentRequest = ChoiceOf<typeof paymentRequests>;
export const paymentRequestShape = choice(paymentRequests);

export const paymentAnswers = {
  /** Step 716: authorised, and committed. */
  paid: numbered(20, {
    transaction: transaction(),
    deeds: deedsShape,
    receipt: bytes({ max: maxReceiptBytes }),
  }),
  'not-paid': numbered(21, { transaction: transaction(), reason: reason() }),
  /** The payee's part of the key, R(2). */
  'pay-by-module': numbered(22, { contribution: contribution() }),
  routed: numbered(23, { bytes: bytes({ max: maxRoutedBytes }) }),
  /** The payee's vote, with its deeds. */
  ready: numbered(24, { transaction: transaction(), deeds: deedsShape }),
  settled: numbered(25, { transaction: transaction() }),
};
export type PaymentAnswer = ChoiceOf<typeof paymentAnswers>;
export const paymentAnswerShape = choice(paymentAnswers);
