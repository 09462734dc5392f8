/**
 * Open Merchandise (US 5,671,280, figure 22): the host side gets the key that opens what was bought. Only of a ticket that this agent holds for
 * good: what is provisional stands in no list of tickets.
 */
import { TrustedError } from '../message/trusted-error.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import type { HeldTicket } from './agent-state.ts';
import { tellHost } from './to-host.ts';
import type { Turn } from './turn.ts';

/** The command. @throws TrustedError `TICKET_UNKNOWN`, `TICKET_UNDER_WAY`; `TICKET_INVALID` for one that opens nothing */
export function openMerchandise(turn: Turn, ticketId: string): void {
  const held = turn.state.tickets.get(ticketId);
  if (held === undefined) throw new TrustedError('TICKET_UNKNOWN', `no ticket ${ticketId}`);
  if (turn.state.underWay.has(ticketId)) throw new TrustedError('TICKET_UNDER_WAY', `ticket ${ticketId} is under way`);
  if (!tellKeys(turn, held)) throw new TrustedError('TICKET_INVALID', 'a ticket that opens nothing: it is presented');
}

/** Steps 736 to 748. False for the other kinds of tickets, which have to be presented. */
export function tellKeys(turn: Turn, { id, bytes }: Pick<HeldTicket, 'id' | 'bytes'>): boolean {
  const { components } = decodeTicket(bytes).body;
  if (components.type === 'decryption') {
    tellHost(turn, { type: 'opened', ticketId: id, object: components.objectId, keys: [components.decryptionKey] });
    return true;
  }
  if (components.type !== 'communications' || components.decryptionKeys.length === 0) return false;
  tellHost(turn, { type: 'opened', ticketId: id, object: components.channel, keys: components.decryptionKeys });
  return true;
}
