/** What is said over a session to dispute merchandise (US 5,671,280, figures 30 to 32): the customer's agent asks, the merchant's answers. */
import { type ChoiceOf, choice, numbered } from '../../codec/row-shape.ts';
import { bytes, optional, text, timeMs } from '../../codec/shape.ts';
import { amountShape } from './amount-shape.ts';
import { agentCertificateShape } from './certificate.ts';
import { answerType, claimType, disputeNumber } from './dispute.ts';
import { paymentAnswers, paymentRequests } from './payment-talk.ts';
import { objectRow } from './purchase-talk.ts';
import { deedsShape, TRANSACTION_ID_LENGTH } from './statement.ts';
import { credentialAnswers, credentialRequests } from './ticket-talk.ts';

const transaction = () => bytes({ min: TRANSACTION_ID_LENGTH, max: TRANSACTION_ID_LENGTH });
const ticket = () => bytes({ min: 1, max: 65_536 });
const mark = () => bytes({ min: 1, max: 1024 });

const disputeRequests = {
  ...credentialRequests,
  /** Steps 1070 to 1074: the signed claim, also when it is pursued; with the final ruling if there is one. */
  dispute: numbered(40, {
    claim: bytes({ min: 1, max: claimType.maxBytes }),
    ruling: optional(bytes({ min: 1, max: 131_072 })),
  }),
  /** Steps 1156 to 1162: the customer's agent has committed the merchant's answer to its log. */
  acknowledged: numbered(41, { number: disputeNumber() }),
  /** Steps 1168 to 1170. */
  'money-back': numbered(42, { number: disputeNumber() }),
  /** Step 1104. */
  'new-merchandise': numbered(43, { number: disputeNumber() }),
  /** The customer's vote: what was delivered is right. */
  accepted: numbered(44, { transaction: transaction() }),
  /** It is not. */
  unwanted: numbered(45, { transaction: transaction() }),
  /** Steps 1172 to 1174: money module to money module, so from here on the merchant's agent is the payer and asks. */
  'by-module': numbered(46, { number: disputeNumber() }),
  ...paymentRequests,
};
export type DisputeRequest = ChoiceOf<typeof disputeRequests>;
export const disputeRequestShape = choice(disputeRequests);

const disputeAnswers = {
  ...credentialAnswers,
  /** The merchant has it before it: ask again. */
  noted: numbered(40, { untilMs: timeMs() }),
  /** Steps 1080 to 1098: the merchant's signed answer. */
  answered: numbered(41, { answer: bytes({ min: 1, max: answerType.maxBytes }) }),
  /** Step 1164: the merchant's agent has committed, too. */
  closed: numbered(42, {}),
  /** Steps 1176 to 1178: so much comes back; with it the mark that takes the ticket back, which counts when it was paid. */
  'to-pay-back': numbered(43, { amount: amountShape(), mark: optional(mark()) }),
  /** Steps 1106 to 1110: the new merchandise, provisionally, and the mark that takes the old one back. */
  delivered: numbered(44, {
    ...{ transaction: transaction(), signer: agentCertificateShape(), body: ticket(), mark: mark() },
    object: optional(objectRow),
  }),
  replaced: numbered(45, { transaction: transaction(), deeds: deedsShape }),
  refused: numbered(46, { reason: text({ max: 100 }) }),
  ...paymentAnswers,
};
export type DisputeAnswer = ChoiceOf<typeof disputeAnswers>;
export const disputeAnswerShape = choice(disputeAnswers);
