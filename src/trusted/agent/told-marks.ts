/**
 * Marks that come by another way than a session: a holder hears what a door made of its code, a door hears what other doors let in and what
 * issuers took back. A mark is signed, so it does not matter who brings it; what it may change here is said below.
 */
import { fromHex, toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { formatAgentId } from '../message/agent-id.ts';
import { dayOf } from '../message/day.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import {
  firstStatus,
  isMarkGenuine,
  lastMark,
  type Mark,
  readMark,
  signMark,
  statusOf,
  type TicketStatus,
  writeMark,
} from '../ticket/status.ts';
import { holderOf } from '../ticket/ticket.ts';
import type { HostCommand } from './host-command.ts';
import { readShownTicket, requireMark } from './shown-ticket.ts';
import { shownStatus, tellHost } from './to-host.ts';
import { log, ownKey, type Turn } from './turn.ts';

type CommandOf<K extends HostCommand['type']> = Extract<HostCommand, { type: K }>;

/** Doors' clocks may be wrong by so much. */
const clockErrorS = 900;

/**
 * Only a mark of the issuer, or one made while a code of the ticket counted: otherwise anybody who may accept tickets could use up other
 * people's. @throws TrustedError `TICKET_UNKNOWN`, `TICKET_INVALID`; as `validateAgentCertificate`
 */
export function takeMark(turn: Turn, { matter, mark: bytes }: CommandOf<'take-mark'>): void {
  const { state, draft } = turn;
  const mark = readGenuineMark(turn, bytes);
  const ticketId = toHex(mark.ticketId);
  const held = state.tickets.get(ticketId);
  if (held === undefined) throw new TrustedError('TICKET_UNKNOWN', `no ticket ${ticketId}`);
  if (state.underWay.has(ticketId)) throw new TrustedError('TICKET_UNDER_WAY', `ticket ${ticketId} is under way`);
  const ticket = decodeTicket(held.bytes);
  requireMark(mark, { ticket, ticketId, before: held.status });
  const shown = state.door.shown.get(ticketId);
  const forCode =
    shown !== undefined && mark.atS >= shown.fromS - clockErrorS && mark.atS <= shown.untilS + clockErrorS;
  if (!forCode && mark.acceptor.agentId !== ticket.issuerCertificate.agentId) {
    throw new TrustedError('TICKET_INVALID', 'a mark for a code that was never shown');
  }
  const after = { ...held, mark: bytes, status: statusOf(mark) };
  draft.records.push({ type: 'remarked', ticket: after });
  log(turn, {
    ...{ kind: 'presented', peer: formatAgentId(mark.acceptor.agentId), transaction: undefined, note: 'by a code' },
    before: [{ ticketId, ticket: held.bytes, mark: held.mark }],
    after: [{ ticketId, ticket: after.bytes, mark: bytes }],
  });
  tellHost(turn, { type: 'marked', matter, ticketId, ...shownStatus(after.status) });
}

/** An entry that does not count is passed over: whoever brings entries need not be trusted, and must not keep the others from being heard. */
export function learn(turn: Turn, { entries }: CommandOf<'learn'>): void {
  // Entries of one command see what those before them have taught.
  const learnt = new Map<string, TicketStatus>();
  for (const { ticket, mark } of entries) {
    try {
      if (ticket === undefined) learnVoid(turn, mark);
      else learnAdmission(turn, ticket, mark, learnt);
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
    }
  }
}

/** Whether its maker is the issuer shows when the ticket comes. */
function learnVoid(turn: Turn, bytes: Uint8Array): void {
  const mark = readGenuineMark(turn, bytes);
  if (mark.standing !== 'revoked' && mark.standing !== 'suspended') {
    throw new TrustedError('TICKET_INVALID', 'a mark that takes nothing back');
  }
  const voided = { by: mark.acceptor.agentId, mark: bytes };
  turn.draft.records.push({ type: 'voided', ticketId: toHex(mark.ticketId), voided });
}

function learnAdmission(turn: Turn, bytes: Uint8Array, markBytes: Uint8Array, learnt: Map<string, TicketStatus>): void {
  const holder = holderOf(decodeTicket(bytes));
  const mark = readGenuineMark(turn, markBytes);
  const peer = { type: 'agent', agentId: holder, certificate: mark.acceptor } as const;
  const { ticket, ticketId } = readShownTicket(turn, peer, { ticket: bytes, taintAllowed: true });
  requireMark(mark, { ticket, ticketId, before: firstStatus(ticket.body.components) });
  const booked = learnt.get(ticketId) ?? turn.state.books.get(ticketId)?.status;
  const seen = { holder, transfers: ticket.transfers.length, atS: mark.atS };
  // Of two doors that did not know of each other, the one that left less counts; only the issuer leaves more.
  const byIssuer = mark.acceptor.agentId === ticket.issuerCertificate.agentId;
  const later = booked === undefined || booked.number < mark.number;
  const less = booked === undefined || (mark.remaining ?? 0) < (booked.remaining ?? 0);
  if (!less && !(byIssuer && later)) {
    turn.draft.records.push({ type: 'sighted', ticketId, seen });
    return;
  }
  learnt.set(ticketId, statusOf(mark));
  turn.draft.records.push({ type: 'learnt', ticketId, mark: markBytes, seen });
}

function readGenuineMark({ state, env }: Turn, bytes: Uint8Array): Mark {
  const mark = readMark(bytes);
  validateAgentCertificate(mark.acceptor, {
    lists: state.lists,
    onDay: Math.min(dayOf(mark.atS * 1000), dayOf(env.nowMs)),
  });
  requireTrustedAgent(mark.acceptor, state.lists);
  if (!isMarkGenuine(mark)) throw new TrustedError('TICKET_INVALID', 'nobody signed the mark');
  return mark;
}

/** By the issuer, of a ticket of its own: for a refund, say. It cannot be undone. @throws TrustedError `COMMAND_UNTIMELY` */
export function takeBack(turn: Turn, { matter, ticketId, counted }: CommandOf<'take-back'>): void {
  const { certificate } = ownKey(turn);
  if (certificate.kind === 'customer') throw new TrustedError('COMMAND_UNTIMELY', 'a customer takes no ticket back');
  const atS = Math.floor(turn.env.nowMs / 1000);
  const claims = { ticketId: fromHex(ticketId), number: lastMark, standing: 'revoked', inUseUntilS: 0, atS } as const;
  const mark = writeMark(signMark({ ...claims, ...(counted === 1 && { remaining: 0 }) }, ownKey(turn)));
  turn.draft.records.push({ type: 'voided', ticketId, voided: { by: certificate.agentId, mark } });
  tellHost(turn, { type: 'taken-back', matter, ticketId, mark });
}
