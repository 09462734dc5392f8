/**
 * What a transaction moves for one of its two agents. A transaction is a list of legs and does not care which: tickets given and taken,
 * marks, and a payment by a port of the device (a money module, a network that authorises cards).
 */
import { decodeCbor } from '../../codec/cbor.ts';
import type { Amount } from '../../money/amount.ts';
import type { AgentId } from '../message/agent-id.ts';
import { decodeAgentCertificate, encodeAgentCertificate } from '../message/certificate.ts';
import type { ListedStanding } from '../message/standing-list.ts';
import { decodeTicket, encodeTicket } from '../ticket/compact-ticket.ts';
import { type UnsignedTicket, withDeed } from '../ticket/sign-ticket.ts';
import { bodyShape, encodeBody, maxTicketBytes, type Ticket, ticketIdOf } from '../ticket/ticket.ts';

export type Leg =
  /** Ours becomes theirs. */
  | ({ readonly type: 'give' } & Moved)
  /** Theirs becomes ours. */
  | ({ readonly type: 'take' } & Moved)
  /** A ticket of ours gets a new mark. */
  | { readonly type: 'mark'; readonly ticketId: string; readonly mark: Uint8Array }
  /** A ticket of theirs gets a mark of ours. */
  | {
      readonly type: 'book';
      readonly ticketId: string;
      /** Compact form. */
      readonly ticket: Uint8Array;
      readonly mark: Uint8Array;
      readonly units: number;
    }
  /** What is left of a ticket that we issued is raised. The mark is not signed: its signature is the deed. */
  | {
      readonly type: 'raise';
      readonly ticketId: string;
      /** Compact form. */
      readonly ticket: Uint8Array;
      readonly mark: Uint8Array;
      readonly units: number;
    }
  /** The same of a ticket of ours. */
  | { readonly type: 'raised'; readonly ticketId: string; readonly mark: Uint8Array }
  /** A dispute ends with it. */
  | { readonly type: 'dispute'; readonly number: string; readonly end: 'refunded' | 'replaced' }
  /** Money for what the other legs move. What this agent's own port does in it, if it has one, is its dealing (`dealing.ts`). */
  | PaymentLeg
  /** Done by the port once the transaction commits, undone if it aborts; it was made ready before. */
  | { readonly type: 'port'; readonly port: string; readonly reference: string }
  /** A credential of ours is given up: a newer one comes in its place. */
  | { readonly type: 'retire'; readonly ticketId: string }
  /** A credential that we issued stands differently from now on. */
  | { readonly type: 'list'; readonly ticketId: string; readonly standing: ListedStanding }
  /** A credential that the other side showed: it stays in the log. */
  | { readonly type: 'seen'; readonly image: TicketImage };

/** What a holder wants more of. */
export interface TopUp {
  readonly ticketId: string;
  readonly units: number;
}

export interface PaymentLeg {
  readonly type: 'payment';
  readonly side: 'payer' | 'payee';
  readonly way: 'card' | 'module';
  readonly amount: Amount;
  /** By card: what the payer signed (`../message/payment-order.ts`). In a refund the payer is whoever paid before, and gets it back. */
  readonly order?: Uint8Array;
  /** In a refund, the transaction in which it was paid. */
  readonly refundOf?: string;
}

interface Moved {
  readonly ticketId: string;
  readonly ticket: StoredUnsigned;
  readonly mark?: Uint8Array;
  /** Of an attestation. */
  readonly disclosures?: Uint8Array;
}

export interface TicketImage {
  readonly ticketId: string;
  readonly ticket: Uint8Array;
  readonly mark: Uint8Array | undefined;
}

/** A ticket without its deed, as plain data. */
export type StoredUnsigned =
  | { readonly type: 'issue'; readonly body: Uint8Array; readonly receiver: AgentId; readonly signer: Uint8Array }
  | {
      readonly type: 'transfer';
      readonly held: Uint8Array;
      readonly receiver: AgentId;
      readonly atS: number;
      readonly signer: Uint8Array;
    };

export function storeUnsigned(unsigned: UnsignedTicket): StoredUnsigned {
  const signer = encodeAgentCertificate(unsigned.signer);
  const { receiver } = unsigned;
  if (unsigned.type === 'issue') return { type: 'issue', body: encodeBody(unsigned.body), receiver, signer };
  return { type: 'transfer', held: encodeTicket(unsigned.ticket), receiver, atS: unsigned.atS, signer };
}

/** @throws HandselError when the parts are not what they should be */
export function readUnsigned(stored: StoredUnsigned): UnsignedTicket {
  const signer = decodeAgentCertificate(stored.signer);
  const { receiver } = stored;
  if (stored.type === 'transfer') {
    return { type: 'transfer', ticket: decodeTicket(stored.held), receiver, atS: stored.atS, signer };
  }
  const body = bodyShape.decode(decodeCbor(stored.body, { maxBytes: maxTicketBytes, maxDepth: 8 }), 'ticket');
  return { type: 'issue', body, receiver, signer };
}

/** The tickets that an agent issued in a transaction, with its deeds for all that it gave. */
export function issuedIn(legs: readonly Leg[], deeds: readonly Uint8Array[]): readonly Ticket[] {
  const made = legs.filter((leg) => leg.type === 'give' || leg.type === 'raise');
  return made.flatMap((leg, at) => {
    const unsigned = leg.type === 'give' && leg.ticket.type === 'issue' ? readUnsigned(leg.ticket) : undefined;
    const issued = unsigned && withDeed(unsigned, deeds[at]!);
    return issued === undefined ? [] : [issued];
  });
}

export function ticketIdOfUnsigned(unsigned: UnsignedTicket): string {
  if (unsigned.type === 'transfer') return ticketIdOf(unsigned.ticket);
  const { body, receiver, signer } = unsigned;
  return ticketIdOf({ body, receiver, issuerCertificate: signer });
}
