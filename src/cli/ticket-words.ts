/** Tickets as lines for the terminal. */
import type { TicketView } from '../party/ticket-view.ts';

export function ticketLines(tickets: readonly TicketView[]): readonly string[] {
  if (tickets.length === 0) return ['no tickets'];
  return tickets.map(({ id, kind, title, issuer, standing, remaining }) => {
    const left = remaining === undefined || standing !== 'good' ? '' : `  ${remaining} left`;
    return `${id.slice(0, 8)}  ${kind.padEnd(15)}  ${standing.padEnd(9)}  ${title}, of ${issuer}${left}`;
  });
}

/** All that the owner may see of one, by name. */
export function ticketFacts(ticket: TicketView): readonly (readonly [name: string, value: string])[] {
  const { id, type, issuer, issuerExpires, issued, transfers, standing, remaining, inUseUntil, fields } = ticket;
  return [
    ['ticket', id],
    ['type', type],
    ['issuer', `${issuer}, until ${issuerExpires}`],
    ['issued', issued],
    ...Object.entries(fields).map(([name, value]): [string, string] => [inWords(name), wordsOf(value)]),
    ['status', standing],
    ...(remaining === undefined ? [] : [['remaining', String(remaining)] as [string, string]]),
    ['in use', inUseUntil === undefined ? 'no' : `until ${inUseUntil}`],
    ['transferred', transfers === 1 ? 'once' : `${transfers} times`],
  ];
}

export function ticketDetail(ticket: TicketView): readonly string[] {
  const facts = ticketFacts(ticket);
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

/** `purchasedOnDay` as `purchased on`. */
function inWords(field: string): string {
  return field.replace(/Day$/, '').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function wordsOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(wordsOf).join('; ');
  if (value !== null && typeof value === 'object') return Object.values(value).map(wordsOf).join(', ');
  return String(value);
}
