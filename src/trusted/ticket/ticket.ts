/**
 * A ticket and its six sections (US 5,671,280, figure 2): Identifier, Components, Issuer Signature, Issuer Certificate, Transfer History and
 * Sender Signatures; and exactly which bytes each signature covers.
 */
import { encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, toHex, utf8 } from '../../codec/hex.ts';
import { row } from '../../codec/row-shape.ts';
import { type Shaped, text, whole } from '../../codec/shape.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { AgentId, ServerId } from '../message/agent-id.ts';
import { type AgentCertificate, type AgentKind, agentKinds } from '../message/certificate.ts';
import { dayShape } from '../message/day.ts';
import { fixed } from '../message/fixed-bytes.ts';
import { type Components, componentsShape } from './components.ts';

export const bodyShape = row({
  /** (22) Name of the merchant or authority, copied from its credential. */
  issuerName: text({ min: 1, max: 120, line: true }),
  /** (22) When that credential expires. */
  issuerExpiresDay: dayShape(),
  /** (24) When the certificate of the receiving agent expires. */
  receiverExpiresDay: dayShape(),
  /** Not in the figure: without it nobody could say whether the issuer's certificate was valid then. */
  issuedOnDay: dayShape(),
  /** Not in the figure: tells tickets of one issuer apart that are otherwise the same. */
  serial: whole({ max: 0xffff_ffff }),
  components: componentsShape,
});
export type TicketBody = Shaped<typeof bodyShape>;

/** Section 1, without what the body holds: (24) the receiving agent; (26) the type is that of the components. */
export interface IssuedTicket {
  readonly body: TicketBody;
  readonly receiver: AgentId;
  /** Section 3. */
  readonly issuerSignature: Uint8Array;
  /** Section 4. */
  readonly issuerCertificate: AgentCertificate;
}

/** One entry of section 5, and its signature of section 6. The sender is whom the certificate (32) names (30). */
export interface Transfer {
  readonly senderCertificate: AgentCertificate;
  /** (28) */
  readonly receiver: AgentId;
  /** (34) Unix seconds. */
  readonly atS: number;
  readonly signature: Uint8Array;
}

export interface Ticket extends IssuedTicket {
  readonly transfers: readonly Transfer[];
}

/** A chain longer than this is refused: each step adds some 140 bytes. */
export const maxTransfers = 30;
export const maxTicketBytes = 65_536;

const ISSUE_LABEL = utf8('Handsel ticket 1');
const TRANSFER_LABEL = utf8('Handsel ticket transfer 1');
const ID_LABEL = utf8('Handsel ticket id 1');
const ID_LENGTH = 16;

/** An agent's certificate without its key, which is to follow from a signature over a text that therefore cannot hold it; σTS binds it. */
export interface SignerFacts {
  readonly agentId: AgentId;
  readonly kind: AgentKind;
  readonly expiresDay: number;
  readonly serverId: ServerId;
  readonly serverSignature: Uint8Array;
}

export function signerFactsOf({ agentId, kind, expiresDay, signature, server }: AgentCertificate): SignerFacts {
  return { agentId, kind, expiresDay, serverId: server.serverId, serverSignature: signature };
}

function signerText({ agentId, kind, expiresDay, serverId, serverSignature }: SignerFacts): Uint8Array {
  return concatBytes(
    fixed(6, agentId),
    fixed(1, agentKinds.indexOf(kind)),
    fixed(2, expiresDay),
    fixed(2, serverId),
    serverSignature,
  );
}

export function encodeBody(body: TicketBody): Uint8Array {
  return encodeCbor(bodyShape.encode(body));
}

/** What the issuer signs: Identifier and Components (section 3), with the certificate under which it does. */
export function issueText(options: {
  readonly body: Uint8Array;
  readonly receiver: AgentId;
  readonly issuer: SignerFacts;
}): Uint8Array {
  return concatBytes(ISSUE_LABEL, signerText(options.issuer), fixed(6, options.receiver), options.body);
}

/** The hash of all that stands before the first transfer. */
export function issuedDigest(issueText: Uint8Array, issuerSignature: Uint8Array): Uint8Array {
  return sha256(issueText, issuerSignature);
}

/** What a sender signs: the five preceding sections, those before this entry by their hash. */
export function transferText(options: {
  readonly before: Uint8Array;
  readonly sender: SignerFacts;
  readonly receiver: AgentId;
  readonly atS: number;
}): Uint8Array {
  const { before, sender, receiver, atS } = options;
  return concatBytes(TRANSFER_LABEL, before, signerText(sender), fixed(6, receiver), fixed(4, atS));
}

/** The hash of all that stands before the next transfer. */
export function transferredDigest(transferText: Uint8Array, signature: Uint8Array): Uint8Array {
  return sha256(transferText, signature);
}

/** How a ticket is named for as long as it lives, in hexadecimal: transfers and marks do not change it. */
export function ticketIdOf({ body, receiver, issuerCertificate }: Omit<IssuedTicket, 'issuerSignature'>): string {
  return ticketIdOfBody({ body: encodeBody(body), receiver, issuer: issuerCertificate.agentId });
}

export function ticketIdOfBody(options: {
  readonly body: Uint8Array;
  readonly receiver: AgentId;
  readonly issuer: AgentId;
}): string {
  const { body, receiver, issuer } = options;
  return toHex(sha256(ID_LABEL, fixed(6, issuer), fixed(6, receiver), body).subarray(0, ID_LENGTH));
}

export function holderOf(ticket: Ticket): AgentId {
  return ticket.transfers.at(-1)?.receiver ?? ticket.receiver;
}

/** The ticket as the figure draws it: six sections with their fields. */
export interface TicketSections {
  readonly identifier: {
    readonly issuer: { readonly name: string; readonly credentialExpiresDay: number };
    readonly receiver: { readonly agentId: AgentId; readonly certificateExpiresDay: number };
    readonly type: Components['type'];
    readonly issuedOnDay: number;
    readonly serial: number;
  };
  readonly components: Components;
  readonly issuerSignature: Uint8Array;
  readonly issuerCertificate: AgentCertificate;
  readonly transferHistory: {
    readonly receiverIds: readonly AgentId[];
    readonly senderIds: readonly AgentId[];
    readonly senderCertificates: readonly AgentCertificate[];
    /** Unix seconds. */
    readonly dateTimes: readonly number[];
  };
  readonly senderSignatures: readonly Uint8Array[];
}

export function sectionsOf({ body, receiver, transfers, ...issued }: Ticket): TicketSections {
  const { issuerName, issuerExpiresDay, receiverExpiresDay, issuedOnDay, serial, components } = body;
  return {
    identifier: {
      issuer: { name: issuerName, credentialExpiresDay: issuerExpiresDay },
      receiver: { agentId: receiver, certificateExpiresDay: receiverExpiresDay },
      ...{ type: components.type, issuedOnDay, serial },
    },
    components,
    issuerSignature: issued.issuerSignature,
    issuerCertificate: issued.issuerCertificate,
    transferHistory: {
      receiverIds: transfers.map(({ receiver }) => receiver),
      senderIds: transfers.map(({ senderCertificate }) => senderCertificate.agentId),
      senderCertificates: transfers.map(({ senderCertificate }) => senderCertificate),
      dateTimes: transfers.map(({ atS }) => atS),
    },
    senderSignatures: transfers.map(({ signature }) => signature),
  };
}
