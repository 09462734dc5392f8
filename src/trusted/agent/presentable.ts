/** Whether a ticket that an agent holds may be shown, presented or given away now (US 5,671,280, figure 23, steps 770 to 776). */
import { TrustedError } from '../message/trusted-error.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { inactivity } from '../ticket/status.ts';
import type { HeldTicket } from './agent-state.ts';
import type { Turn } from './turn.ts';

/** @throws TrustedError `TICKET_UNKNOWN`, `TICKET_UNDER_WAY` or `TICKET_INACTIVE` */
export function requirePresentable(turn: Turn, ticketId: string): HeldTicket {
  const { state, env } = turn;
  const held = state.tickets.get(ticketId);
  if (held === undefined) throw new TrustedError('TICKET_UNKNOWN', `no ticket ${ticketId}`);
  if (state.underWay.has(ticketId)) throw new TrustedError('TICKET_UNDER_WAY', `ticket ${ticketId} is under way`);
  const { components } = decodeTicket(held.bytes).body;
  const why = inactivity(components, held.status, Math.floor(env.nowMs / 1000));
  if (why !== undefined) throw new TrustedError('TICKET_INACTIVE', `ticket ${ticketId}: ${why}`);
  return held;
}

/** @throws TrustedError `TICKET_INACTIVE` while a code of the ticket may be shown somewhere */
export function requireNotShown({ state, env }: Turn, ticketId: string): void {
  const shown = state.door.shown.get(ticketId);
  if (shown === undefined || shown.untilS * 1000 <= env.nowMs) return;
  if (shown.paper) throw onPaper(ticketId);
  const leftS = Math.ceil(shown.untilS - env.nowMs / 1000);
  throw new TrustedError('TICKET_INACTIVE', `ticket ${ticketId}: a code of it counts for ${leftS} s more`);
}

export const onPaper = (ticketId: string) =>
  new TrustedError('TICKET_INACTIVE', `ticket ${ticketId} is out on paper: who has the paper has its use`);
