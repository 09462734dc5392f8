/** How credentials stand, as an agent's state has it: the list of those that it issued, and the lists of others that it goes by. */
import { fromHex } from '../../codec/hex.ts';
import type { Env } from '../../journal/machine.ts';
import { dayOf } from '../message/day.ts';
import {
  foldStandings,
  type KnownStandings,
  type ListedStanding,
  newStandings,
  type StandingChange,
  type StandingUpdate,
} from '../message/standing-list.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import type { TicketStatus } from '../ticket/status.ts';
import { type Ticket, ticketIdOf } from '../ticket/ticket.ts';
import type { AgentState, HeldTicket } from './agent-state.ts';

/** Mutates the state: what `apply` does with changes to the agent's own list. */
export function listOwn({ standings: { own } }: AgentState, changes: readonly StandingChange[]): void {
  foldStandings(own.list, { changes, atS: 0 });
  own.changes.push(...changes);
}

/** Mutates the state. */
export function takeKnown({ standings }: AgentState, update: StandingUpdate): void {
  const known = standings.known.get(update.issuer) ?? newStandings(update.issuer);
  standings.known.set(update.issuer, known);
  foldStandings(known, update);
}

export function standingChange(
  { ticketId, standing }: { readonly ticketId: string; readonly standing: ListedStanding },
  { nowMs }: Pick<Env, 'nowMs'>,
): StandingChange {
  return { ticketId: fromHex(ticketId), standing, onDay: dayOf(nowMs) };
}

/** How a credential stands by the list of its issuer, and how old that list is (Unix seconds); a list can only take away. */
export function standingOf(
  { standings, identity }: AgentState,
  ticket: Ticket,
  status: TicketStatus,
): { readonly status: TicketStatus; readonly listedAtS?: number } {
  const issuer = ticket.issuerCertificate.agentId;
  const own = identity.type === 'certified' && identity.certificate.agentId === issuer;
  const known: KnownStandings | undefined = own ? standings.own.list : standings.known.get(issuer);
  if (known === undefined) return { status };
  const listed = known.listed.get(ticketIdOf(ticket)) ?? 'good';
  const listedAtS = own ? {} : { listedAtS: known.atS };
  if (listed === 'good') return { status, ...listedAtS };
  return { status: { ...status, standing: listed === 'replaced' ? 'revoked' : listed }, ...listedAtS };
}

/** A ticket of its own, as it stands by the list of whoever issued it, if that is known here. */
export function asListed(state: AgentState, held: HeldTicket): HeldTicket {
  if (state.standings.known.size === 0) return held;
  return { ...held, status: standingOf(state, decodeTicket(held.bytes), held.status).status };
}
