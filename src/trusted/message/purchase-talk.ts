/** What is said over a session to buy (US 5,671,280, figures 12, 14 and 15): the customer's agent asks, the merchant's agent answers. */
import { type ChoiceOf, choice, numbered, row } from '../../codec/row-shape.ts';
import { bytes, digest, optional, type Shaped, text, whole } from '../../codec/shape.ts';
import { amountShape } from './amount-shape.ts';
import { agentCertificateShape } from './certificate.ts';
import { paymentAnswers, paymentRequests } from './payment-talk.ts';
import { selectionShape } from './selection.ts';
import { credentialAnswers, credentialRequests } from './ticket-talk.ts';

const ticket = () => bytes({ min: 1, max: 65_536 });
const mark = () => bytes({ min: 1, max: 1024 });

/** An encrypted electronic object, as it can be fetched from anywhere: what was signed is what has this digest. */
export const objectRow = row({
  digest: digest(),
  /** Bytes of the whole file. */
  length: whole({ min: 1 }),
});
export type ObjectReference = Shaped<typeof objectRow>;

const buyRequests = {
  ...credentialRequests,
  /** What the customer's host side selected, and for how much: the merchant's agent compares. */
  order: numbered(2, { selection: selectionShape, price: amountShape() }),
  /** The customer's credential, when it was wanted. */
  credential: numbered(3, { ticket: ticket(), mark: optional(mark()) }),
  ...paymentRequests,
};
export type BuyRequest = ChoiceOf<typeof buyRequests>;
export const buyRequestShape = choice(buyRequests);

const buyAnswers = {
  ...credentialAnswers,
  refused: numbered(4, { reason: text({ max: 100 }) }),
  'credential-wanted': numbered(5, {}),
  /**
   * Figure 15: Identifier and Components of a ticket that is not signed yet, with the certificate under which it is going to be. Held
   * provisionally: nothing of it leaves the customer's agent before the commit, above all no decryption key.
   */
  delivered: numbered(6, { signer: agentCertificateShape(), body: ticket(), object: optional(objectRow) }),
  ...paymentAnswers,
};
export type BuyAnswer = ChoiceOf<typeof buyAnswers>;
export const buyAnswerShape = choice(buyAnswers);
