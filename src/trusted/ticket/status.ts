/**
 * What of a ticket changes after it was issued: Status (fields 58, 84, 100), In Use (60, 70, 86, 102, 118) and Time Available (116). It is not
 * under the issuer's signature but told by numbered **marks**, each signed by the agent that accepted the ticket: the holder keeps the newest,
 * the acceptor keeps it in its books. A holder cannot make marks, so it cannot raise a value or lift a suspension; it can only hide the
 * newest mark, which an unopened agent never does, and which the books of whoever made that mark show.
 */
import type { KeyObject } from 'node:crypto';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, fromHex, utf8 } from '../../codec/hex.ts';
import { row } from '../../codec/row-shape.ts';
import { bytes, oneOf, optional, type Shaped, whole } from '../../codec/shape.ts';
import { signCompact, verifyCompact } from '../../crypto/compact-key.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import { type AgentCertificate, agentCertificateShape } from '../message/certificate.ts';
import { type Components, expiryOf, unitsOf } from './components.ts';
import type { Ticket } from './ticket.ts';

export const standings = ['good', 'used', 'suspended', 'revoked', 'on-order', 'invoiced', 'paid'] as const;
export type Standing = (typeof standings)[number];

const claimFields = {
  /** 16 bytes. */
  ticketId: bytes({ min: 16, max: 16 }),
  /** 1, 2, 3 … for each ticket. */
  number: whole({ min: 1, max: 0xffff_ffff }),
  standing: oneOf(...standings),
  /** Units left; absent for what is not used up. */
  remaining: optional(whole({ max: 0xffff_ffff })),
  /** Unix seconds until which the ticket is in use with whoever made the mark; 0 when it is not. */
  inUseUntilS: whole({ max: 0xffff_ffff }),
  atS: whole({ max: 0xffff_ffff }),
};
const claimsShape = row(claimFields);
export type MarkClaims = Shaped<typeof claimsShape>;

const markShape = row({
  ...claimFields,
  acceptor: agentCertificateShape(),
  signature: bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH }),
});
export type Mark = Shaped<typeof markShape>;

/** As it is kept and sent. */
export function writeMark(mark: Mark): Uint8Array {
  return encodeCbor(markShape.encode(mark));
}

/** @throws CborError or MessageError */
export function readMark(bytes: Uint8Array): Mark {
  return markShape.decode(decodeCbor(bytes, { maxBytes: 1024 }), 'mark');
}

export interface TicketStatus {
  readonly standing: Standing;
  readonly remaining: number | undefined;
  readonly inUseUntilS: number;
  /** 0 before the first mark. */
  readonly number: number;
}

/** No mark follows on one of this number: it takes a ticket back for good. */
export const lastMark = 0xffff_ffff;

const LABEL = utf8('Handsel ticket mark 1');

const markText = (claims: MarkClaims): Uint8Array => concatBytes(LABEL, encodeCbor(claimsShape.encode(claims)));

export function signMark(
  claims: MarkClaims,
  acceptor: { readonly certificate: AgentCertificate; readonly privateKey: KeyObject },
): Mark {
  return { ...claims, acceptor: acceptor.certificate, signature: signCompact(acceptor.privateKey, markText(claims)) };
}

/** As it is going to be, for whoever is to agree to it before it is signed: it counts nowhere. */
export function unsignedMark(claims: MarkClaims, acceptor: AgentCertificate): Mark {
  return { ...claims, acceptor, signature: new Uint8Array(RAW_SIGNATURE_LENGTH) };
}

/** True when the certificate's key signed it; whether the certificate counts is another question. */
export function isMarkGenuine(mark: Mark): boolean {
  return verifyCompact(mark.acceptor.publicKey, markText(mark), mark.signature);
}

/** As a ticket is when it was issued. */
export function firstStatus(components: Components): TicketStatus {
  const standing = components.type === 'purchase-order' ? 'on-order' : 'good';
  return { standing, remaining: unitsOf(components), inUseUntilS: 0, number: 0 };
}

export function statusOf({ standing, remaining, inUseUntilS, number }: Mark): TicketStatus {
  return { standing, remaining, inUseUntilS, number };
}

/**
 * What is wrong with a mark that is to follow on a status, or undefined. Only the issuer may give back what was taken: raise a value (a
 * top-up), lift a suspension, or revoke.
 */
export function faultOfMark(
  mark: Mark,
  options: { readonly ticket: Ticket; readonly ticketId: string; readonly before: TicketStatus },
) {
  const { ticket, ticketId, before } = options;
  const byIssuer = mark.acceptor.agentId === ticket.issuerCertificate.agentId;
  if (Buffer.compare(mark.ticketId, fromHex(ticketId)) !== 0) return 'it is about another ticket';
  if (mark.number <= before.number) return `its number ${mark.number} does not follow on ${before.number}`;
  if (mark.number === lastMark && !(byIssuer && mark.standing === 'revoked')) return 'no mark could follow on it';
  if (mark.acceptor.kind === 'customer') return 'a customer does not accept tickets';
  if ((mark.remaining === undefined) !== (before.remaining === undefined)) return 'it counts what is not counted';
  if (byIssuer || isVendorsWord(mark, ticket, before)) return undefined;
  if ((mark.remaining ?? 0) > (before.remaining ?? 0)) return 'only the issuer raises a value';
  const allowed = mark.standing === before.standing || (before.standing === 'good' && mark.standing === 'used');
  return allowed ? undefined : `only the issuer makes it ${mark.standing}`;
}

const course: readonly Standing[] = ['on-order', 'invoiced', 'paid'];

/** A purchase order goes on by the word of the vendor to whom it was given, forwards only. */
function isVendorsWord({ acceptor, standing }: Mark, { receiver, body }: Ticket, before: TicketStatus): boolean {
  const from = course.indexOf(before.standing);
  const forwards = from >= 0 && course.indexOf(standing) > from;
  return body.components.type === 'purchase-order' && acceptor.agentId === receiver && forwards;
}

/** Whether the ticket still has value on that day and at that second (figure 23, step 772): undefined, or why not. */
export function inactivity(components: Components, status: TicketStatus, nowS: number): string | undefined {
  const expiresDay = expiryOf(components);
  if (expiresDay !== undefined && Math.floor(nowS / 86_400) > expiresDay) return 'expired';
  if (status.standing === 'used' || status.standing === 'suspended' || status.standing === 'revoked') {
    return status.standing;
  }
  if (status.remaining === 0) return 'used';
  return status.inUseUntilS > nowS ? 'in use' : undefined;
}
