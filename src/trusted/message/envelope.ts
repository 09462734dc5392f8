/** What travels between devices and servers, as the host sides that carry it see it: numbers of sessions and sealed bytes. */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { toHex } from '../../codec/hex.ts';
import { type ChoiceOf, choice, numbered } from '../../codec/row-shape.ts';
import { bytes, digest, whole } from '../../codec/shape.ts';
import { sha256 } from '../../crypto/digest.ts';
import { POINT_LENGTH } from '../../crypto/ephemeral-key.ts';
import { agentIdShape } from './agent-id.ts';
import { listUpdateShape, listVersionsShape } from './list-change.ts';
import { reportShape } from './report.ts';
import { standingUpdateShape } from './standing-list.ts';

export const SESSION_ID_LENGTH = 16;
export const SUITE = 1;
/** A ticket with its pictures, or a page of list changes. */
export const maxMessageBytes = 1 << 20;

const point = () => bytes({ min: POINT_LENGTH, max: POINT_LENGTH });
const session = () => bytes({ min: SESSION_ID_LENGTH, max: SESSION_ID_LENGTH });
const sealed = () => bytes({ min: 16, max: maxMessageBytes });
/** A signed document, most of them sealed. */
const document = () => bytes({ min: 1, max: maxMessageBytes });
const number = () => whole({ max: 0xffff_ffff });

const messages = {
  /** An ephemeral key (its point), for a session that the caller names. */
  hello: numbered(1, { session: session(), suite: whole({ min: SUITE, max: SUITE }), point: point() }),
  proof: numbered(2, { session: session(), sealed: sealed() }),
  frame: numbered(3, { session: session(), number: number(), sealed: sealed() }),
  /** Is the transaction still running? (US 5,671,280, "Abort And Commit") */
  query: numbered(4, { session: session(), number: number(), sealed: sealed() }),
  /** Signed and sealed to the receiver's certificate: the outcome of a transaction, or the question for it. */
  statement: numbered(5, { sealed: bytes({ min: 1, max: 65_536 }) }),
  /** The lists are signed: whoever asks may have what is newer. */
  lists: numbered(6, { versions: listVersionsShape }),
  /** Of a trusted server to its primary one: an agent that is not to be trusted. */
  report: numbered(7, { report: reportShape }),
  /** Of a customer's agent to a trusted server; answered, however late, with the ruling. */
  complaint: numbered(40, { sealed: document() }),
  /** Of a trusted server to a merchant's agent; answered, however late, with its statement. */
  hearing: numbered(41, { sealed: document() }),
  /** Of a trusted server to either agent: the bundle. */
  ruling: numbered(42, { sealed: document() }),
  /** Of a trusted server to its primary one: a dispute that a merchant lost, and that is final. */
  lost: numbered(43, { ruling: document() }),
  /** Of either agent to the trusted server that ruled. */
  appeal: numbered(44, { sealed: document() }),
  /** Of a customer's agent: has the ruling changed? Answered with what only that agent can open. */
  'ask-ruling': numbered(45, { case: digest() }),
  /** How the credentials of an authority stand: its list is signed, so whoever asks may have what is newer. */
  standings: numbered(30, { issuer: agentIdShape(), version: whole({ max: 0xffff_ffff }) }),
};
export type TrustedMessage = ChoiceOf<typeof messages>;
const messageShape = choice(messages);

const answers = {
  /** Said without protection, so nothing may rest on it but giving up. */
  lost: numbered(1, {}),
  greeting: numbered(2, { point: point(), sealed: sealed() }),
  frame: numbered(3, { number: number(), sealed: sealed() }),
  heard: numbered(4, {}),
  lists: numbered(5, { update: listUpdateShape }),
  /** What a statement is answered with. */
  statement: numbered(6, { sealed: bytes({ min: 1, max: 65_536 }) }),
  ruled: numbered(40, { sealed: document() }),
  stated: numbered(41, { sealed: document() }),
  standings: numbered(30, { update: standingUpdateShape }),
};
export type TrustedAnswer = ChoiceOf<typeof answers>;
const answerShape = choice(answers);

/** What is answered out of secrets that only memory holds, or only tells how things stand: after a restart its answer would be of no use. */
export const isFleeting = ({ type }: TrustedMessage): boolean => type === 'hello' || type === 'query';

/** A message is named by its bytes: an outbox repeats the same ones, and nobody can spoil another's name. */
export function messageIdentityOf(body: Uint8Array): { readonly messageId: string; readonly digest: Uint8Array } {
  const digest = sha256(body);
  return { messageId: toHex(digest), digest };
}

const limits = { maxBytes: maxMessageBytes + 1024, maxDepth: 12 };

export function encodeTrustedMessage(message: TrustedMessage): Uint8Array {
  return encodeCbor(messageShape.encode(message));
}

/** @throws CborError or MessageError */
export function decodeTrustedMessage(bytes: Uint8Array): TrustedMessage {
  return messageShape.decode(decodeCbor(bytes, limits), 'message');
}

export function encodeTrustedAnswer(answer: TrustedAnswer): Uint8Array {
  return encodeCbor(answerShape.encode(answer));
}

/** @throws CborError or MessageError */
export function decodeTrustedAnswer(bytes: Uint8Array): TrustedAnswer {
  return answerShape.decode(decodeCbor(bytes, limits), 'answer');
}
