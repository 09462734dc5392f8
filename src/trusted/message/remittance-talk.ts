/**
 * What is said over a session to pay somebody whose identity is known, without any merchandise (US 5,671,280, figure 29): credentials one way or
 * both ways, a remittance advice or just the amount, and the payment, or the promise that a bank will make it.
 */
import { type ChoiceOf, choice, numbered, row } from '../../codec/row-shape.ts';
import { bytes, optional, type Shaped, text, whole } from '../../codec/shape.ts';
import { amountShape } from './amount-shape.ts';
import { agentCertificateShape } from './certificate.ts';
import { shownShape } from './credential-talk.ts';
import { paymentAnswers, paymentRequests } from './payment-talk.ts';
import { deedsShape, TRANSACTION_ID_LENGTH } from './statement.ts';
import { credentialAnswers, credentialRequests } from './ticket-talk.ts';

const transaction = () => bytes({ min: TRANSACTION_ID_LENGTH, max: TRANSACTION_ID_LENGTH });

/** A paper that is not signed yet: its deed comes with the vote, or with the commit. */
const draftShape = row({ signer: agentCertificateShape(), body: bytes({ min: 1, max: 65_536 }) });
export type PaperDraft = Shaped<typeof draftShape>;

const requests = {
  ...credentialRequests,
  ...paymentRequests,
  /** Steps 1014 to 1016. */
  'credential-wanted': numbered(30, {}),
  /** Step 1022. */
  credential: numbered(31, { shown: shownShape }),
  /** Steps 1028 to 1030. */
  advise: numbered(32, {
    ...{ transaction: transaction(), amount: amountShape(), advice: optional(draftShape) },
    /** A bank is going to pay it. */
    later: whole({ max: 1 }),
    /** What is paid is a top-up of this ticket. */
    raise: optional(
      row({
        ticket: bytes({ min: 1, max: 65_536 }),
        mark: optional(bytes({ min: 1, max: 1024 })),
        units: whole({ min: 1, max: 0xffff_ffff }),
      }),
    ),
  }),
  /** The payer's vote where a bank pays later: with the deed of its remittance advice. */
  promise: numbered(33, { transaction: transaction(), deeds: deedsShape }),
  done: numbered(34, { transaction: transaction() }),
  leave: numbered(35, {}),
};
export type RemittanceRequest = ChoiceOf<typeof requests>;
export const remittanceRequestShape = choice(requests);

const answers = {
  ...credentialAnswers,
  ...paymentAnswers,
  refused: numbered(4, { reason: text({ max: 100 }) }),
  /** Steps 1018 to 1022: the payee wants to see who pays. */
  'show-yours': numbered(30, {}),
  /** Steps 1024 to 1026, and after a credential that is good. */
  'go-on': numbered(31, {}),
  /** Steps 1038 to 1040: with the receipt that the payment makes the payer's. */
  confirmed: numbered(32, {
    ...{ transaction: transaction(), receipt: optional(draftShape) },
    /** The mark that raises the ticket, not signed yet. */
    raised: optional(bytes({ min: 1, max: 1024 })),
  }),
  promised: numbered(33, { transaction: transaction(), deeds: deedsShape }),
  over: numbered(34, {}),
};
export type RemittanceAnswer = ChoiceOf<typeof answers>;
export const remittanceAnswerShape = choice(answers);
