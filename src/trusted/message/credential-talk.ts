/**
 * What is said over a session to acquire a credential (US 5,671,280, figure 26), to deliver it (27), to revalidate it (28), and to have it
 * written as an SD-JWT VC. The device of the person calls, so it needs no address; the authority answers.
 */
import { concatBytes, fromHex, utf8 } from '../../codec/hex.ts';
import { type ChoiceOf, choice, numbered, row } from '../../codec/row-shape.ts';
import { bytes, list, optional, type Shaped, text } from '../../codec/shape.ts';
import { COMPACT_KEY_LENGTH } from '../../crypto/compact-key.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import { amountShape } from './amount-shape.ts';
import { agentCertificateShape } from './certificate.ts';
import { paymentAnswers, paymentRequests } from './payment-talk.ts';
import { deedsShape, TRANSACTION_ID_LENGTH } from './statement.ts';
import { credentialAnswers, credentialRequests, maxDisclosuresBytes } from './ticket-talk.ts';

const maxTicketBytes = 65_536;
const transaction = () => bytes({ min: TRANSACTION_ID_LENGTH, max: TRANSACTION_ID_LENGTH });
const ticket = () => bytes({ min: 1, max: maxTicketBytes });
const disclosures = () => bytes({ min: 1, max: maxDisclosuresBytes });

export const shownShape = row({
  ticket: ticket(),
  mark: optional(bytes({ min: 1, max: 1024 })),
  disclosures: optional(disclosures()),
});
/** A credential as it is shown, with its newest mark and the fields that its holder chose. */
export type Shown = Shaped<typeof shownShape>;

/** What a credential is called where it is asked for: the authority's own word. */
export const wantedShape = () => text({ min: 1, max: 120 });
/** Handed over in person; at least 80 bits from the authority's server. */
export const visitCodeShape = () => bytes({ min: 10, max: 64 });
export const maxEvidence = 4;

const requests = {
  ...credentialRequests,
  /** Figure 26: the identity was shown in person, which the code says, or is shown now by credentials. */
  acquire: numbered(30, {
    wanted: wantedShape(),
    code: optional(visitCodeShape()),
    evidence: list(shownShape, { max: maxEvidence }),
  }),
  /** Steps 968 to 972. */
  revalidate: numbered(31, { shown: shownShape }),
  ...paymentRequests,
  /** The vote, after the owner has confirmed (step 930), where there is no price: otherwise paying is the vote (steps 948 to 954). */
  accept: numbered(32, { transaction: transaction() }),
  /** Step 926. */
  decline: numbered(33, { transaction: transaction() }),
  /** The credential is held, or is not one: the authority need not remember. */
  done: numbered(34, { transaction: transaction() }),
  /** Steps 992 to 998. */
  understood: numbered(35, {}),
  /** With the key that the copy is to be bound to, and a signature by it: `exportText`. */
  export: numbered(36, {
    shown: shownShape,
    publicKey: bytes({ min: COMPACT_KEY_LENGTH, max: COMPACT_KEY_LENGTH }),
    signature: bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH }),
  }),
};
const EXPORT_LABEL = utf8('Handsel credential export 1');

/** By the key that a copy is to be bound to, in this session and no other: whoever asks holds it. */
export function exportText(session: string, publicKey: Uint8Array): Uint8Array {
  return concatBytes(EXPORT_LABEL, fromHex(session), publicKey);
}
export type CredentialRequest = ChoiceOf<typeof requests>;
export const credentialRequestShape = choice(requests);

const answers = {
  ...credentialAnswers,
  ...paymentAnswers,
  refused: numbered(4, { reason: text({ max: 100 }) }),
  /** Steps 918 to 920: the credential without its signature, which exists from the commit on. */
  deliver: numbered(30, {
    transaction: transaction(),
    signer: agentCertificateShape(),
    body: ticket(),
    disclosures: optional(disclosures()),
    price: optional(amountShape()),
  }),
  issued: numbered(31, { transaction: transaction(), deeds: deedsShape }),
  /** Steps 988 to 990. */
  'revalidate-in-person': numbered(32, {}),
  over: numbered(33, {}),
  /** The SD-JWT with all its disclosures. */
  exported: numbered(34, { sdJwt: text({ min: 1, max: 262_144 }) }),
};
export type CredentialAnswer = ChoiceOf<typeof answers>;
export const credentialAnswerShape = choice(answers);
