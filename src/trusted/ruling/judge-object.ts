/** What an encrypted electronic object shows in a dispute (US 5,671,280, figure 30, steps 1142 to 1152). */
import type { About, ShownObject } from '../message/dispute.ts';
import type { TicketReason } from '../message/ticket-ruling.ts';
import type { Ticket } from '../ticket/ticket.ts';

/** Undefined where only eyes can tell. */
export function judgeObject(_ticket: Ticket, _object: ShownObject, _about: About): TicketReason | undefined {
  return undefined;
}
