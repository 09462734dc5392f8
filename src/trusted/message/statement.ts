/**
 * Statements about a transaction outside any session: its outcome, the question for it, and that the outcome was heard. Signed by one agent
 * and sealed to the certificate of the other, so that the same bytes can be repeated for days and after any crash.
 */
import type { KeyObject } from 'node:crypto';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, utf8 } from '../../codec/hex.ts';
import { type ChoiceOf, choice, numbered, row } from '../../codec/row-shape.ts';
import { bytes, list, oneOf, optional } from '../../codec/shape.ts';
import { importCompactKey, signCompact, verifyCompact } from '../../crypto/compact-key.ts';
import { decryptCose, encryptCose } from '../../crypto/cose-encrypt.ts';
import type { Random } from '../../crypto/random.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { type AgentId, agentIdShape } from './agent-id.ts';
import { type AgentCertificate, agentCertificateShape } from './certificate.ts';
import { SESSION_ID_LENGTH } from './envelope.ts';

export const TRANSACTION_ID_LENGTH = 16;
export const maxDeeds = 64;
export const maxReceiptBytes = 1024;

const transaction = () => bytes({ min: TRANSACTION_ID_LENGTH, max: TRANSACTION_ID_LENGTH });
export const deedsShape = list(bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH }), { max: maxDeeds });

export const outcomes = ['committed', 'aborted', 'undecided'] as const;

const statements = {
  /** By the decider. */
  outcome: numbered(1, {
    ...{ transaction: transaction(), outcome: oneOf(...outcomes), deeds: deedsShape },
    /** Of the payment in it. */
    receipt: optional(bytes({ max: maxReceiptBytes })),
  }),
  /** By the voter, whose session in which it voted is lost. */
  ask: numbered(2, {
    transaction: transaction(),
    session: bytes({ min: SESSION_ID_LENGTH, max: SESSION_ID_LENGTH }),
  }),
  /** By the voter: the decider may forget. */
  heard: numbered(3, { transaction: transaction() }),
};
export type Statement = ChoiceOf<typeof statements>;
const statementShape = choice(statements);

const toSignShape = row({ to: agentIdShape(), statement: statementShape });
const signedShape = row({
  to: agentIdShape(),
  statement: statementShape,
  by: agentCertificateShape(),
  signature: bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH }),
});

const LABEL = utf8('Handsel trusted statement 1');
const CONTENT_TYPE = 'application/handsel-trusted-statement+cbor';
const maxBytes = 65_536;

const textOf = (to: AgentId, statement: Statement) =>
  concatBytes(LABEL, encodeCbor(toSignShape.encode({ to, statement })));

export function sealStatement(options: {
  readonly statement: Statement;
  readonly by: { readonly certificate: AgentCertificate; readonly privateKey: KeyObject };
  readonly to: AgentCertificate;
  readonly random: Random;
}): Uint8Array {
  const { statement, by, to, random } = options;
  const signature = signCompact(by.privateKey, textOf(to.agentId, statement));
  const signed = { to: to.agentId, statement, by: by.certificate, signature };
  return encryptCose({
    plaintext: encodeCbor(signedShape.encode(signed)),
    recipient: importCompactKey(to.publicKey),
    contentType: CONTENT_TYPE,
    random,
  });
}

export interface ReceivedStatement {
  readonly statement: Statement;
  /** Its signature holds under this certificate; whether the certificate counts is another question. */
  readonly by: AgentCertificate;
}

/** @throws CryptographicError for whatever is wrong with it, and when it is for somebody else */
export function openStatement(
  sealed: Uint8Array,
  receiver: { readonly agentId: AgentId; readonly privateKey: KeyObject },
): ReceivedStatement {
  try {
    const { privateKey, agentId } = receiver;
    const plaintext = decryptCose({ bytes: sealed, privateKey, contentType: CONTENT_TYPE, maxBytes });
    const { to, statement, by, signature } = signedShape.decode(decodeCbor(plaintext), 'statement');
    if (to !== agentId) throw new Error('a statement for another agent');
    if (!verifyCompact(by.publicKey, textOf(to, statement), signature)) throw new Error('a statement by another agent');
    return { statement, by };
  } catch (cause) {
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}
