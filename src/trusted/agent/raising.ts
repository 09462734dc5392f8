/**
 * A top-up: its issuer raises what is left of a ticket, in the transaction in which that is paid for. The new mark is laid out before, and its signature is a
 * deed like that of a ticket: it exists from the commit on, so nothing is raised that was not paid, nor paid that was not raised.
 */
import { fromHex } from '../../codec/hex.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import type { unitsOf } from '../ticket/components.ts';
import { faultOfMark, readMark, signMark, type TicketStatus, unsignedMark, writeMark } from '../ticket/status.ts';
import type { AgentState, HeldTicket } from './agent-state.ts';
import { statusToGoOnFrom } from './book-status.ts';
import { voidedBy } from './door-state.ts';
import type { Leg, TopUp } from './leg.ts';
import { requireNotShown } from './presentable.ts';
import { readShownTicket, requireMarkBy, type ShownTicketRead } from './shown-ticket.ts';
import type { Talk } from './talk.ts';
import { keyOfCertificate, ownKey, peerOf, type Turn } from './turn.ts';

export interface ToRaise {
  readonly ticket: Uint8Array;
  readonly mark?: Uint8Array;
  readonly units: number;
}

const mostUnits = 0xffff_ffff;
const invalid = (why: string) => new TrustedError('TICKET_INVALID', `a top-up: ${why}`);

/** By its holder. @throws TrustedError `TICKET_UNKNOWN`, `TICKET_UNDER_WAY`, `TICKET_INACTIVE` or `TICKET_INVALID` */
export function showToRaise(turn: Turn, { ticketId, units }: TopUp): ToRaise {
  const { bytes, mark } = requireRaisable(turn, ticketId, units);
  return { ticket: bytes, ...(mark && { mark }), units };
}

function requireRaisable(turn: Turn, ticketId: string, units: number): HeldTicket {
  const held = turn.state.tickets.get(ticketId);
  if (held === undefined) throw new TrustedError('TICKET_UNKNOWN', `no ticket ${ticketId}`);
  if (turn.state.underWay.has(ticketId)) throw new TrustedError('TICKET_UNDER_WAY', `ticket ${ticketId} is under way`);
  requireNotShown(turn, ticketId);
  requireCounted(decodeTicket(held.bytes).body.components, held.status, units);
  return held;
}

/** One admission stays one: only what is used up step by step can have more of it. */
function requireCounted(components: Parameters<typeof unitsOf>[0], status: TicketStatus, units: number): number {
  const { standing, remaining } = status;
  if (components.type !== 'communications' || remaining === undefined) throw invalid('nothing of it is used up');
  if (standing !== 'good' && standing !== 'used')
    throw new TrustedError('TICKET_INACTIVE', `the ticket is ${standing}`);
  if (units < 1 || remaining + units > mostUnits) throw invalid('so much is not to be had');
  return remaining + units;
}

/** By the holder: the mark as it is going to be, without its signature. @throws TrustedError `TICKET_INVALID` and as `showToRaise` */
export function readRaised(turn: Turn, talk: Talk, { ticketId, units }: TopUp, bytes: Uint8Array): Leg {
  const held = requireRaisable(turn, ticketId, units);
  const ticket = decodeTicket(held.bytes);
  const mark = readMark(bytes);
  requireMarkBy(mark, peerOf(turn, talk));
  const { status: before } = held;
  const fault = faultOfMark(mark, { ticket, ticketId, before });
  const expected = mark.number === before.number + 1 && mark.remaining === (before.remaining ?? 0) + units;
  if (fault !== undefined || !expected || mark.standing !== 'good' || mark.inUseUntilS !== 0) {
    throw invalid(fault ?? 'another one than was asked for');
  }
  return { type: 'raised', ticketId, mark: bytes };
}

export interface Raising {
  readonly shown: ShownTicketRead;
  readonly leg: Extract<Leg, { type: 'raise' }>;
}

/** By the issuer. @throws TrustedError `TICKET_INVALID`, `TICKET_INACTIVE` or `TICKET_UNDER_WAY` */
export function raiseFor(turn: Turn, talk: Talk, { ticket: bytes, mark, units }: ToRaise): Raising {
  const { state, env } = turn;
  const shown = readShownTicket(turn, peerOf(turn, talk), {
    ticket: bytes,
    taintAllowed: false,
    ...(mark && { mark }),
  });
  const { ticketId, ticket, status } = shown;
  const { certificate } = ownKey(turn);
  if (ticket.issuerCertificate.agentId !== certificate.agentId) throw invalid('only its issuer can do that');
  if (voidedBy(state.door, ticketId, certificate.agentId))
    throw new TrustedError('TICKET_INACTIVE', 'the ticket was taken back');
  if ((state.books.get(ticketId)?.status.number ?? 0) > status.number) throw invalid('not its newest mark');
  if (isBeingRaised(state, ticketId) || isBeingMarked(state, ticketId)) {
    throw new TrustedError('TICKET_UNDER_WAY', `ticket ${ticketId} is being topped up, or used`);
  }
  // What was taken here counts, whatever others have marked since.
  const before = statusToGoOnFrom(state.books, { ...shown, byIssuer: false });
  const remaining = requireCounted(ticket.body.components, before, units);
  const claims = {
    ...{ ticketId: fromHex(ticketId), number: status.number + 1, standing: 'good' as const, remaining },
    ...{ inUseUntilS: 0, atS: Math.floor(env.nowMs / 1000) },
  };
  const unsigned = writeMark(unsignedMark(claims, certificate));
  return { shown, leg: { type: 'raise', ticketId, ticket: bytes, mark: unsigned, units } };
}

/** The new mark is laid out: until it is made, or not, nothing may be taken off the ticket here, since the mark would give it back. */
export function isBeingRaised({ talks, transactions }: AgentState, ticketId: string): boolean {
  const legs = [...transactions.values()].flatMap((one) => one.legs);
  const wanted = [...talks.values()].flatMap((talk) => (talk.type === 'collecting' && talk.raise ? [talk.raise] : []));
  return [...legs, ...wanted].some((leg) => leg.type === 'raise' && leg.ticketId === ticketId);
}

function isBeingMarked({ talks, transactions }: AgentState, ticketId: string): boolean {
  const presented = [...talks.values()].some((talk) => talk.type === 'accepting' && talk.ticketId === ticketId);
  const legs = [...transactions.values()].flatMap((one) => one.legs);
  return presented || legs.some((leg) => leg.type === 'book' && leg.ticketId === ticketId);
}

/** The deed, at the commit. */
export function signRaise(turn: Turn, { mark }: Extract<Leg, { type: 'raise' }>): Uint8Array {
  const { signature: _, acceptor: certificate, ...claims } = readMark(mark);
  return signMark(claims, { certificate, privateKey: keyOfCertificate(turn, certificate) }).signature;
}
