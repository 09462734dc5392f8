/** Tickets as lines for the terminal. */
import type { CertificateView, SectionsView, TicketView } from '../party/device/ticket-view.ts';

export function ticketLines(tickets: readonly TicketView[]): readonly string[] {
  if (tickets.length === 0) return ['no tickets'];
  return tickets.map(({ id, kind, title, issuer, standing, remaining, inUseUntil }) => {
    const left = remaining === undefined || standing !== 'good' ? '' : `  ${remaining} left`;
    const use = inUseUntil === undefined ? '' : `  in use until ${inUseUntil}`;
    return `${id.slice(0, 8)}  ${kind.padEnd(15)}  ${standing.padEnd(9)}  ${title}, of ${issuer}${left}${use}`;
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

/** The sections around the components. */
export function sectionLines({ serial, receiver, issuerSignature, ...sections }: SectionsView): readonly string[] {
  const { issuerCertificate, transferHistory, senderSignatures } = sections;
  return [
    `issued as number ${serial} to device ${receiver.number}, certified until ${receiver.certificateExpires}`,
    `issuer signature    ${issuerSignature.slice(0, 32)}…`,
    `issuer certificate  ${certificateWords(issuerCertificate)}`,
    ...transferHistory.flatMap(({ receiver: to, senderCertificate, at }, index) => [
      `transfer ${index + 1}  ${at}  to device ${to}, by ${certificateWords(senderCertificate)}`,
      `  sender signature  ${senderSignatures[index]!.slice(0, 32)}…`,
    ]),
  ];
}

const certificateWords = ({ number, kind, expires, server }: CertificateView) =>
  `${kind} ${number}, certified by trusted server ${server} until ${expires}`;

/** `purchasedOnDay` as `purchased on`. */
function inWords(field: string): string {
  return field.replace(/Day$/, '').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function wordsOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(wordsOf).join('; ');
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).map(([name, inner]) => `${inWords(name)} ${wordsOf(inner)}`);
    return entries.join(', ');
  }
  return String(value);
}
