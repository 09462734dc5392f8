/**
 * What an acceptor's own books add to the mark that a holder shows. A holder can have its ticket marked by any merchant's device, also by one that takes
 * nothing off it, and marks do not say on which earlier ones they rest: so a higher number does not undo what was taken here.
 */
import type { Standing, TicketStatus } from '../ticket/status.ts';
import type { AgentState } from './agent-state.ts';
import type { ShownTicketRead } from './shown-ticket.ts';

/** What only the issuer lifts. */
const bad: readonly Standing[] = ['used', 'suspended', 'revoked'];

/**
 * The status from which to go on: by the shown mark or by the books, whichever leaves less. Only a mark of the issuer raises what the books have, and only of
 * what can be topped up (`raising.ts`); a holder whose value was raised and then marked elsewhere has the issuer mark it again.
 */
export function statusToGoOnFrom(
  books: AgentState['books'],
  { ticketId, ticket, status, byIssuer }: Pick<ShownTicketRead, 'ticketId' | 'ticket' | 'status' | 'byIssuer'>,
): TicketStatus {
  const booked = books.get(ticketId)?.status;
  if (booked === undefined) return status;
  if (booked.number > status.number) return booked;
  const lifted = byIssuer && booked.standing !== 'revoked';
  if (lifted && ticket.body.components.type === 'communications') return status;
  return {
    ...status,
    standing:
      bad.includes(booked.standing) && !(lifted && booked.standing === 'suspended') ? booked.standing : status.standing,
    remaining: lower(status.remaining, booked.remaining),
  };
}

function lower(shown: number | undefined, booked: number | undefined): number | undefined {
  return shown === undefined || booked === undefined ? shown : Math.min(shown, booked);
}
