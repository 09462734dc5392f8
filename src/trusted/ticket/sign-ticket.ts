/** Making tickets and signing them over: what is to be signed is laid out first, and the signature, the deed, is made at the commit. */
import type { KeyObject } from 'node:crypto';
import { signCompact, verifyCompact } from '../../crypto/compact-key.ts';
import type { AgentId } from '../message/agent-id.ts';
import type { AgentCertificate } from '../message/certificate.ts';
import {
  encodeBody,
  issuedDigest,
  issueText,
  signerFactsOf,
  type Ticket,
  type TicketBody,
  transferredDigest,
  transferText,
} from './ticket.ts';

/** A ticket that its issuer has not signed, or a ticket that its holder has not signed over: worth nothing without its deed. */
export type UnsignedTicket =
  | {
      readonly type: 'issue';
      readonly body: TicketBody;
      readonly receiver: AgentId;
      readonly signer: AgentCertificate;
    }
  | {
      readonly type: 'transfer';
      readonly ticket: Ticket;
      readonly receiver: AgentId;
      readonly atS: number;
      readonly signer: AgentCertificate;
    };

/** The hash of all that stands before the next transfer. */
function digestOf({ body, receiver, issuerSignature, issuerCertificate, transfers }: Ticket): Uint8Array {
  const issued = issueText({ body: encodeBody(body), receiver, issuer: signerFactsOf(issuerCertificate) });
  let digest = issuedDigest(issued, issuerSignature);
  for (const { senderCertificate, signature, ...entry } of transfers) {
    const data = transferText({ ...entry, before: digest, sender: signerFactsOf(senderCertificate) });
    digest = transferredDigest(data, signature);
  }
  return digest;
}

function textOf(unsigned: UnsignedTicket): Uint8Array {
  const { receiver } = unsigned;
  const signer = signerFactsOf(unsigned.signer);
  if (unsigned.type === 'issue') return issueText({ body: encodeBody(unsigned.body), receiver, issuer: signer });
  return transferText({ before: digestOf(unsigned.ticket), sender: signer, receiver, atS: unsigned.atS });
}

/** The 64 bytes that make the ticket the receiver's. */
export function signDeed(unsigned: UnsignedTicket, privateKey: KeyObject): Uint8Array {
  return signCompact(privateKey, textOf(unsigned));
}

/** The ticket with its deed, or undefined when that is no signature of the signer over it. */
export function withDeed(unsigned: UnsignedTicket, signature: Uint8Array): Ticket | undefined {
  const { signer, receiver } = unsigned;
  if (!verifyCompact(signer.publicKey, textOf(unsigned), signature)) return undefined;
  if (unsigned.type === 'issue') {
    const { body } = unsigned;
    return { body, receiver, issuerSignature: signature, issuerCertificate: signer, transfers: [] };
  }
  const { ticket, atS } = unsigned;
  return { ...ticket, transfers: [...ticket.transfers, { senderCertificate: signer, receiver, atS, signature }] };
}
