/**
 * The compact form of a ticket, small enough for one QR symbol after many transfers: Identifier and Components as a CBOR row, all else in
 * fields of fixed width. Nothing stands twice: receiver i is sender i+1, each cert(TS) is written once, and the 32 bytes of every public key
 * are left out, since a signature in the ticket tells them (`told-key.ts`).
 *
 *   version 1 · length of body 2 · body · servers 1 · server 70 each · issuer 71 + 64 · transfers 1 · (sender 71 · time 4 · signature 64) each ·
 *   last receiver 6
 */
import { decodeCbor } from '../../codec/cbor.ts';
import { concatBytes } from '../../codec/hex.ts';
import { MessageError } from '../../codec/message-error.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import type { RecoveryBit } from '../../crypto/recover-key.ts';
import { agentIdOf, homeOf, serialOf } from '../message/agent-id.ts';
import {
  type AgentCertificate,
  agentClaimsText,
  agentKindOf,
  agentKinds,
  encodeServerCertificate,
  type ServerCertificate,
} from '../message/certificate.ts';
import { type FixedReader, fixed, readFixed } from '../message/fixed-bytes.ts';
import {
  bodyShape,
  encodeBody,
  holderOf,
  issuedDigest,
  issueText,
  maxTicketBytes,
  maxTransfers,
  type SignerFacts,
  signerFactsOf,
  type Ticket,
  transferredDigest,
  transferText,
} from './ticket.ts';
import { bitOfKey, keyOfBit } from './told-key.ts';

const VERSION = 1;
/** Four bits name one. */
const maxServers = 16;
const KIND_BITS = 0b11;
const KEY_BIT = 0b100;
const FOREIGN_BIT = 0b1000;

/** What of a server's certificate the ticket holds: the key follows from the first signature it made here. */
interface WrittenServer extends Omit<ServerCertificate, 'publicKey'> {
  readonly bit: RecoveryBit;
}

interface WrittenSigner extends SignerFacts {
  readonly place: number;
  readonly bit: RecoveryBit;
}

/** @throws CryptographicError when a key does not follow from the signatures: the ticket was not signed as it says */
export function encodeTicket(ticket: Ticket): Uint8Array {
  const servers: ServerCertificate[] = [];
  const serverParts: Uint8Array[] = [];
  /** The certificate under which the text was signed, beside that signature. */
  const signerPart = (certificate: AgentCertificate, data: Uint8Array, signature: Uint8Array): Uint8Array => {
    const { server, kind, agentId, expiresDay } = certificate;
    let place = servers.findIndex((known) => sameServer(known, server));
    if (place < 0) {
      place = servers.push(server) - 1;
      if (servers.length > maxServers) throw new MessageError('MESSAGE_INVALID', 'a ticket of more than 16 servers');
      serverParts.push(serverPart(certificate));
    }
    const foreign = homeOf(agentId) !== server.serverId;
    const bit = bitOfKey({ x: certificate.publicKey, data, signature });
    const flags = agentKinds.indexOf(kind) | (bit * KEY_BIT) | (foreign ? FOREIGN_BIT : 0) | (place << 4);
    return concatBytes(
      fixed(1, flags),
      foreign ? fixed(2, homeOf(agentId)) : new Uint8Array(),
      fixed(4, serialOf(agentId)),
      fixed(2, expiresDay),
      certificate.signature,
    );
  };

  const body = encodeBody(ticket.body);
  const issued = issueText({ body, receiver: ticket.receiver, issuer: signerFactsOf(ticket.issuerCertificate) });
  const parts = [signerPart(ticket.issuerCertificate, issued, ticket.issuerSignature), ticket.issuerSignature];
  parts.push(fixed(1, ticket.transfers.length));
  let before = issuedDigest(issued, ticket.issuerSignature);
  for (const { senderCertificate, receiver, atS, signature } of ticket.transfers) {
    const data = transferText({ before, sender: signerFactsOf(senderCertificate), receiver, atS });
    parts.push(signerPart(senderCertificate, data, signature), fixed(4, atS), signature);
    before = transferredDigest(data, signature);
  }
  const head = concatBytes(fixed(1, VERSION), fixed(2, body.length), body, fixed(1, servers.length));
  return concatBytes(head, ...serverParts, ...parts, fixed(6, holderOf(ticket)));
}

function sameServer(a: ServerCertificate, b: ServerCertificate): boolean {
  return a === b || Buffer.compare(encodeServerCertificate(a), encodeServerCertificate(b)) === 0;
}

function serverPart({ server, signature, ...claims }: AgentCertificate): Uint8Array {
  const data = agentClaimsText(claims, server.serverId);
  const bit = bitOfKey({ x: server.publicKey, data, signature });
  return concatBytes(
    fixed(1, bit),
    fixed(2, server.serverId),
    fixed(2, server.expiresDay),
    fixed(1, server.primaryId),
    server.signature,
  );
}

/**
 * Takes a ticket apart. It is NOT validated by that: `validate-ticket.ts` does.
 * @throws MessageError, CborError, MoneyError or CryptographicError (a signature from which no key follows)
 */
export function decodeTicket(bytes: Uint8Array): Ticket {
  if (bytes.length > maxTicketBytes) throw new MessageError('MESSAGE_INVALID', `a ticket of ${bytes.length} bytes`);
  const reader = readFixed(bytes, 'ticket');
  if (reader.number(1) !== VERSION) throw new MessageError('MESSAGE_INVALID', 'a ticket of another version');
  const bodyBytes = reader.bytes(reader.number(2));
  const body = bodyShape.decode(decodeCbor(bodyBytes, { maxBytes: maxTicketBytes, maxDepth: 8 }), 'ticket');
  const serverCount = reader.number(1);
  if (serverCount === 0 || serverCount > maxServers) throw new MessageError('MESSAGE_INVALID', 'ticket: servers');
  const written = Array.from({ length: serverCount }, () => readServer(reader));
  const certificates = certificateReader(written);

  const issuer = readSigner(reader, written);
  const issuerSignature = reader.bytes(RAW_SIGNATURE_LENGTH);
  const count = reader.number(1);
  if (count > maxTransfers) throw new MessageError('MESSAGE_INVALID', `a ticket transferred ${count} times`);
  const senders = Array.from({ length: count }, () => ({
    sender: readSigner(reader, written),
    atS: reader.number(4),
    signature: reader.bytes(RAW_SIGNATURE_LENGTH),
  }));
  const last = reader.number(6);
  reader.end();

  const receiverAfter = (at: number) => senders[at]?.sender.agentId ?? last;
  const receiver = receiverAfter(0);
  const issued = issueText({ body: bodyBytes, receiver, issuer });
  const issuerCertificate = certificates(issuer, issued, issuerSignature);
  let before = issuedDigest(issued, issuerSignature);
  const transfers = senders.map(({ sender, atS, signature }, at) => {
    const data = transferText({ before, sender, receiver: receiverAfter(at + 1), atS });
    before = transferredDigest(data, signature);
    return {
      senderCertificate: certificates(sender, data, signature),
      receiver: receiverAfter(at + 1),
      atS,
      signature,
    };
  });
  if (certificates.unused()) throw new MessageError('MESSAGE_INVALID', 'ticket: a server that certified nobody in it');
  return { body, receiver, issuerSignature, issuerCertificate, transfers };
}

function readServer(reader: FixedReader): WrittenServer {
  const bit = reader.number(1);
  if (bit !== 0 && bit !== 1) throw new MessageError('MESSAGE_INVALID', 'ticket: flags of a server');
  return {
    bit,
    serverId: reader.number(2),
    expiresDay: reader.number(2),
    primaryId: reader.number(1),
    signature: reader.bytes(RAW_SIGNATURE_LENGTH),
  };
}

function readSigner(reader: FixedReader, servers: readonly WrittenServer[]): WrittenSigner {
  const flags = reader.number(1);
  const place = flags >> 4;
  const server = servers[place];
  if (server === undefined) throw new MessageError('MESSAGE_INVALID', `ticket: no server at place ${place}`);
  const foreign = (flags & FOREIGN_BIT) !== 0;
  const home = foreign ? reader.number(2) : server.serverId;
  // One ticket has one encoding.
  if (foreign && home === server.serverId) throw new MessageError('MESSAGE_INVALID', 'ticket: a home told twice');
  return {
    ...{ place, bit: (flags & KEY_BIT) === 0 ? 0 : 1, kind: agentKindOf(flags & KIND_BITS), serverId: server.serverId },
    agentId: agentIdOf(home, reader.number(4)),
    expiresDay: reader.number(2),
    serverSignature: reader.bytes(RAW_SIGNATURE_LENGTH),
  };
}

interface CertificateReader {
  /** The whole certificate of whoever signed the text, its key and its server's key recovered. */
  (signer: WrittenSigner, data: Uint8Array, signature: Uint8Array): AgentCertificate;
  unused(): boolean;
}

function certificateReader(written: readonly WrittenServer[]): CertificateReader {
  const servers: ServerCertificate[] = [];
  let met = 0;
  const read = (
    { place, bit, agentId, kind, expiresDay, ...facts }: WrittenSigner,
    data: Uint8Array,
    signature: Uint8Array,
  ) => {
    const claims = { agentId, kind, publicKey: keyOfBit({ data, signature, bit }), expiresDay };
    if (servers[place] === undefined) {
      // In the order in which they are met: one ticket has one encoding.
      if (place !== met++) throw new MessageError('MESSAGE_INVALID', 'ticket: servers out of order');
      const { bit: serverBit, ...server } = written[place]!;
      const text = agentClaimsText(claims, server.serverId);
      servers[place] = {
        ...server,
        publicKey: keyOfBit({ data: text, signature: facts.serverSignature, bit: serverBit }),
      };
    }
    return { ...claims, signature: facts.serverSignature, server: servers[place] };
  };
  return Object.assign(read, { unused: () => met !== written.length });
}
