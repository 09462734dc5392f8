/** Credentials of its own that an agent shows: only those that count, and of an attestation only the fields that were named. */
import type { Shown } from '../message/credential-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { kindOf } from '../ticket/components.ts';
import { inactivity } from '../ticket/status.ts';
import type { HeldTicket } from './agent-state.ts';
import { shownOf } from './check-credential.ts';
import type { ChosenCredential } from './talk.ts';
import type { Turn } from './turn.ts';

/** A credential of ours that may be shown now. @throws TrustedError `TICKET_UNKNOWN`, `TICKET_UNDER_WAY` or `TICKET_INACTIVE` */
export function requireShowable({ state, env }: Turn, ticketId: string): HeldTicket {
  const held = state.tickets.get(ticketId);
  const components = held && decodeTicket(held.bytes).body.components;
  if (held === undefined || components === undefined || kindOf(components.type) !== 'credential') {
    throw new TrustedError('TICKET_UNKNOWN', `no credential ${ticketId}`);
  }
  if (state.underWay.has(ticketId)) throw new TrustedError('TICKET_UNDER_WAY', `credential ${ticketId} is under way`);
  const why = inactivity(components, held.status, Math.floor(env.nowMs / 1000));
  if (why !== undefined) throw new TrustedError('TICKET_INACTIVE', `credential ${ticketId}: ${why}`);
  return held;
}

export function showChosen(turn: Turn, { ticketId, fields }: ChosenCredential): Shown {
  return shownOf(requireShowable(turn, ticketId), fields);
}
