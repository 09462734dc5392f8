/** What is said over a session to give tickets (figure 25) and to present one (figures 23 and 24), and to check a credential before (14). */
import { type ChoiceOf, choice, numbered } from '../../codec/row-shape.ts';
import { bytes, list, optional, text, whole } from '../../codec/shape.ts';
import { agentCertificateShape } from './certificate.ts';
import { deedsShape, TRANSACTION_ID_LENGTH } from './statement.ts';

const maxTicketBytes = 65_536;
/** The fields of an attestation with their salts. */
export const maxDisclosuresBytes = 131_072;
const transaction = () => bytes({ min: TRANSACTION_ID_LENGTH, max: TRANSACTION_ID_LENGTH });
const ticket = () => bytes({ min: 1, max: maxTicketBytes });
const mark = () => bytes({ min: 1, max: 1024 });
const disclosures = () => bytes({ min: 1, max: maxDisclosuresBytes });

/** Tickets in one transaction. */
export const maxItems = 40;

const items = {
  /** A new one: Identifier and Components, not signed yet. */
  issue: numbered(1, { body: ticket() }),
  /** One that the caller holds, not signed over yet, with its newest mark. */
  transfer: numbered(2, {
    ...{ ticket: ticket(), atS: whole({ max: 0xffff_ffff }), mark: optional(mark()) },
    /** Of an attestation, all of them: an owner moves a credential to another device of his own. */
    disclosures: optional(disclosures()),
  }),
};
export type OfferedItem = ChoiceOf<typeof items>;

export const credentialRequests = {
  /** Steps 444 to 448. */
  'show-credential': numbered(1, {}),
};
export const credentialAnswers = {
  credential: numbered(1, { ticket: ticket(), mark: optional(mark()), disclosures: optional(disclosures()) }),
  'no-credential': numbered(2, {}),
};
const reason = () => text({ max: 100 });

const giveRequests = {
  ...credentialRequests,
  /** With the certificate under which the caller is going to sign: it may be newer than the one of the session. */
  offer: numbered(2, {
    transaction: transaction(),
    signer: agentCertificateShape(),
    items: list(choice(items), { min: 1, max: maxItems }),
  }),
  /** The signatures that make the tickets the callee's: they exist from this moment on. */
  commit: numbered(3, { transaction: transaction(), deeds: deedsShape }),
};
export type GiveRequest = ChoiceOf<typeof giveRequests>;
export const giveRequestShape = choice(giveRequests);

const giveAnswers = {
  ...credentialAnswers,
  /** The vote: from here on only the caller can abort. */
  ready: numbered(3, { transaction: transaction() }),
  refused: numbered(4, { reason: reason() }),
  done: numbered(5, { transaction: transaction() }),
};
export type GiveAnswer = ChoiceOf<typeof giveAnswers>;
export const giveAnswerShape = choice(giveAnswers);

const presentRequests = {
  ...credentialRequests,
  present: numbered(2, { ticket: ticket(), mark: optional(mark()), disclosures: optional(disclosures()) }),
  /** The mark is kept: the holder has committed. */
  marked: numbered(3, { transaction: transaction() }),
  /** The holder is still there. */
  waiting: numbered(4, {}),
};
export type PresentRequest = ChoiceOf<typeof presentRequests>;
export const presentRequestShape = choice(presentRequests);

const presentAnswers = {
  ...credentialAnswers,
  refused: numbered(4, { reason: reason() }),
  done: numbered(5, {}),
  /** The vote: a new mark, which counts once the holder has kept it. */
  mark: numbered(6, { transaction: transaction(), mark: mark() }),
  /** Nothing to mark yet. */
  wait: numbered(7, {}),
};
export type PresentAnswer = ChoiceOf<typeof presentAnswers>;
export const presentAnswerShape = choice(presentAnswers);
