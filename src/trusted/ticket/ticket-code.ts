/**
 * A ticket as a code that a door reads without any session: the ticket in its compact form, the newest mark on it, and a proof of its holder.
 * The proof is signed by the agent whose the ticket is, for a short while and, where the holder knows it, for one door. So a photograph of
 * a screen is worth nothing a minute later. A code on paper cannot be renewed: its proof says that it is one, and holds for longer.
 */
import type { KeyObject } from 'node:crypto';
import { fromBase45, toBase45 } from '../../codec/base45.ts';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, utf8 } from '../../codec/hex.ts';
import { MessageError } from '../../codec/message-error.ts';
import { row } from '../../codec/row-shape.ts';
import { bytes, optional, type Shaped, whole } from '../../codec/shape.ts';
import { signCompact, verifyCompact } from '../../crypto/compact-key.ts';
import { sha256 } from '../../crypto/digest.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import { type AgentId, agentIdShape } from '../message/agent-id.ts';
import { agentCertificateShape, encodeAgentCertificate } from '../message/certificate.ts';
import { fixed } from '../message/fixed-bytes.ts';

/** Seconds that a code on a screen counts at most, and one on paper. */
export const longestLiveS = 300;
export const longestPaperS = 400 * 86_400;

/** All that one symbol holds of letters of its alphanumeric mode, with the least correction (ISO/IEC 18004, table 7: version 40-L). */
export const maxCodeLetters = 4296;
const PREFIX = 'HT1:';
export const maxCodeBytes = Math.floor(((maxCodeLetters - PREFIX.length) / 3) * 2);

const seconds = () => whole({ max: 0xffff_ffff });
const fields = {
  ticket: bytes({ min: 1, max: maxCodeBytes }),
  mark: optional(bytes({ max: 1024 })),
  holder: agentCertificateShape(),
  /** Unix seconds, by the holder's clock: from when to when the code counts. */
  fromS: seconds(),
  untilS: seconds(),
  /** 1 for a code that is to be printed. */
  paper: whole({ max: 1 }),
  /** The one door that it is for; absent for any. */
  door: optional(agentIdShape()),
};
const codeShape = row({ ...fields, signature: bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH }) });
export type TicketCode = Shaped<typeof codeShape>;
type Claims = Omit<TicketCode, 'signature'>;

const LABEL = utf8('Handsel ticket code 1');

function proofText({ ticket, mark, holder, fromS, untilS, paper, door }: Claims): Uint8Array {
  return concatBytes(
    LABEL,
    sha256(ticket),
    sha256(mark ?? new Uint8Array()),
    encodeAgentCertificate(holder),
    ...[fixed(4, fromS), fixed(4, untilS), fixed(1, paper), fixed(6, door ?? 0)],
  );
}

export function signCode(claims: Claims, privateKey: KeyObject): TicketCode {
  return { ...claims, signature: signCompact(privateKey, proofText(claims)) };
}

/** Whether the agent that the code names signed it; whether that agent's certificate counts is another question. */
export function isCodeSigned(code: TicketCode): boolean {
  return verifyCompact(code.holder.publicKey, proofText(code), code.signature);
}

export function writeCode(code: TicketCode): Uint8Array {
  return encodeCbor(codeShape.encode(code));
}

/** @throws CborError or MessageError */
export function readCode(bytes: Uint8Array): TicketCode {
  return codeShape.decode(decodeCbor(bytes, { maxBytes: maxCodeBytes }), 'code');
}

/** As it stands in a symbol. */
export const lettersOfCode = (code: Uint8Array): string => `${PREFIX}${toBase45(code)}`;

/** @throws MessageError for letters that are no code of a ticket */
export function codeOfLetters(letters: string): Uint8Array {
  const trimmed = letters.replace(/[\r\n]+$/, '');
  if (!trimmed.startsWith(PREFIX) || trimmed.length > maxCodeLetters) {
    throw new MessageError('MESSAGE_INVALID', 'this is no code of a ticket');
  }
  return fromBase45(trimmed.slice(PREFIX.length));
}

/** What names a ticket and admits nobody: for passes and papers of which the device itself is to be shown. */
const REFERENCE = 'HTREF1:';

export const referenceTo = (ticketId: string): string => `${REFERENCE}${ticketId.toUpperCase()}`;

/** The ticket's name, when the letters are a reference. */
export function referredTo(letters: string): string | undefined {
  return /^HTREF1:([0-9A-F]{32})\s*$/.exec(letters)?.[1]?.toLowerCase();
}

export function isForDoor({ door }: TicketCode, own: AgentId): boolean {
  return door === undefined || door === own;
}
