/** A ticket that another agent shows, offers or presents, with the newest mark it has: read, validated, and how it stands. */
import { HandselError } from '../../handsel-error.ts';
import type { Claims } from '../credential/claim.ts';
import { openDisclosures } from '../credential/disclosure.ts';
import { encodeAgentCertificate } from '../message/certificate.ts';
import type { Shown } from '../message/credential-talk.ts';
import { dayOf } from '../message/day.ts';
import type { AgentPeer } from '../message/party.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import {
  faultOfMark,
  firstStatus,
  isMarkGenuine,
  type Mark,
  readMark,
  statusOf,
  type TicketStatus,
} from '../ticket/status.ts';
import { type Ticket, ticketIdOf } from '../ticket/ticket.ts';
import { validateTicket } from '../ticket/validate-ticket.ts';
import { standingOf } from './known-standings.ts';
import type { Turn } from './turn.ts';

export interface ShownTicketRead {
  readonly ticketId: string;
  readonly ticket: Ticket;
  readonly status: TicketStatus;
  /** Whether the newest mark is the issuer's own, who may give back what was taken. */
  readonly byIssuer: boolean;
  /** Fields of an attestation, those that are shown. */
  readonly claims?: Claims;
  /** Of the list of the issuer's that says how it stands, Unix seconds; absent when this agent has none. */
  readonly listedAtS?: number;
}

/** @throws TrustedError `TICKET_INVALID`, also for a mark that is none */
export function readShownTicket(
  { state, env }: Turn,
  holder: AgentPeer,
  shown: Shown & { readonly taintAllowed: boolean; readonly fallenAllowed?: boolean },
): ShownTicketRead {
  const { lists } = state;
  const ticket = decodeOrRefuse(shown.ticket);
  const { taintAllowed, fallenAllowed = false } = shown;
  validateTicket(ticket, { lists, nowMs: env.nowMs, holder: holder.agentId, taintAllowed, fallenAllowed });
  const ticketId = ticketIdOf(ticket);
  const { components } = ticket.body;
  const before = firstStatus(components);
  const claims = shown.disclosures === undefined ? {} : { claims: openDisclosures(components, shown.disclosures) };
  const read = (status: TicketStatus, byIssuer: boolean) => ({
    ...{ ticketId, ticket, byIssuer, ...claims },
    ...standingOf(state, ticket, status),
  });
  if (shown.mark === undefined) return read(before, false);
  try {
    const mark = readMark(shown.mark);
    // Marks outlive certificates, as tickets do.
    validateAgentCertificate(mark.acceptor, { lists, onDay: Math.min(dayOf(mark.atS * 1000), dayOf(env.nowMs)) });
    requireTrustedAgent(mark.acceptor, lists);
    requireMark(mark, { ticket, ticketId, before });
    return read(statusOf(mark), mark.acceptor.agentId === ticket.issuerCertificate.agentId);
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    throw new TrustedError('TICKET_INVALID', 'the mark on the ticket does not count', { cause });
  }
}

function decodeOrRefuse(bytes: Uint8Array): Ticket {
  try {
    return decodeTicket(bytes);
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    throw new TrustedError('TICKET_INVALID', 'this is no ticket', { cause });
  }
}

/** Whether a mark is genuine and may follow on a status. @throws TrustedError `TICKET_INVALID` */
export function requireMark(
  mark: Mark,
  after: { readonly ticket: Ticket; readonly ticketId: string; readonly before: TicketStatus },
): void {
  const fault = isMarkGenuine(mark) ? faultOfMark(mark, after) : 'nobody signed it';
  if (fault !== undefined) throw new TrustedError('TICKET_INVALID', `a mark that does not count: ${fault}`);
}

/** Whether a mark was made by the agent in the session. @throws TrustedError `TICKET_INVALID` */
export function requireMarkBy({ acceptor }: Mark, peer: AgentPeer): void {
  const [own, theirs] = [encodeAgentCertificate(acceptor), encodeAgentCertificate(peer.certificate)];
  if (Buffer.compare(own, theirs) !== 0) throw new TrustedError('TICKET_INVALID', 'a mark made by another agent');
}
