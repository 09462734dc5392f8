/** What follows from the end of a transaction besides the change itself: an entry in Tran Log, To Host, and the ports that take part in it. */
import { encodeCbor } from '../../codec/cbor.ts';
import { formatAgentId } from '../message/agent-id.ts';
import { encodeTicket } from '../ticket/compact-ticket.ts';
import { readMark, statusOf } from '../ticket/status.ts';
import { type Ticket, ticketIdOf } from '../ticket/ticket.ts';
import type { Changes, LogKind } from './agent-record.ts';
import type { HeldTicket, PaymentMade, Transaction } from './agent-state.ts';
import { endDealing } from './dealing.ts';
import { issuedIn, type Leg, type TicketImage } from './leg.ts';
import { tellKeys } from './open-merchandise.ts';
import { noteAdmission } from './scanning.ts';
import { type HostNotice, showHeld, shownStatus, tellHost } from './to-host.ts';
import { log, paidKey, type Turn } from './turn.ts';

export function tellCommitted(
  turn: Turn,
  transaction: Transaction,
  changes: Changes,
  receipt: Uint8Array | undefined,
): void {
  const payment = paymentOf(transaction, receipt);
  logTransaction(turn, transaction, changes, payment);
  for (const notice of noticesOf(transaction, changes)) tellHost(turn, notice);
  if (payment !== undefined) tellHost(turn, paidNotice(transaction, payment));
  // Figure 12, step 434.
  if (payment?.side === 'payer' && payment.refundOf === undefined) for (const held of changes.put) tellKeys(turn, held);
  endDealing(turn, transaction.id, 'commit');
  tellOtherPorts(turn, transaction, 'commit');
  for (const leg of transaction.legs) if (leg.type === 'book' && leg.units !== 0) noteAdmission(turn, leg);
}

/** Ports other than that of the payment: each did its part provisionally before the transaction could be decided (`port.ts`). */
export function tellOtherPorts(turn: Turn, { id, legs }: Transaction, what: 'commit' | 'abort'): void {
  for (const leg of legs) if (leg.type === 'port') tellOutcomeToPort(turn, leg, id, what);
}

/** One port; also where it was asked and no transaction was opened. */
export function tellOutcomeToPort(
  { draft }: Turn,
  { port, reference }: { readonly port: string; readonly reference: string },
  transaction: string,
  what: 'commit' | 'abort',
): void {
  draft.send.push({
    ...{ id: `e/${transaction}/${port}/${what}`, to: `port:${port}`, kind: `port-${what}` },
    body: encodeCbor([transaction, reference]),
  });
}

/** The payment that a transaction contains, if it does. */
export function paymentOf(
  { id, legs }: Pick<Transaction, 'id' | 'legs'>,
  receipt: Uint8Array | undefined,
): PaymentMade | undefined {
  const leg = legs.find(({ type }) => type === 'payment');
  if (leg?.type !== 'payment') return undefined;
  const { type: _, ...paid } = leg;
  return { ...paid, transaction: id, ...(receipt && { receipt }) };
}

function paidNotice({ matter }: Transaction, { transaction, side, way, amount, receipt }: PaymentMade): HostNotice {
  return { type: 'paid', matter, transaction, side, way, amount, ...(receipt && { receipt }) };
}

function noticesOf({ legs, matter, session }: Transaction, { put }: Changes): readonly HostNotice[] {
  const notices: HostNotice[] = [];
  const given = legs.filter(({ type }) => type === 'give').map((leg) => (leg.type === 'give' ? leg.ticketId : ''));
  if (given.length > 0) notices.push({ type: 'given', matter, ticketIds: given });
  const taken = put.filter(({ id }) => legs.some((leg) => leg.type === 'take' && leg.ticketId === id));
  if (taken.length > 0) {
    const tickets = taken.map(showHeld);
    notices.push({ type: 'received', matter, tickets });
  }
  for (const leg of legs) {
    if (leg.type !== 'mark' && leg.type !== 'raised' && leg.type !== 'book' && leg.type !== 'raise') continue;
    const { ticketId } = leg;
    const status = shownStatus(statusOf(readMark(leg.mark)));
    if (leg.type === 'mark' || leg.type === 'raised') notices.push({ type: 'marked', matter, ticketId, ...status });
    else {
      // What is given back is less than nothing taken.
      const units = leg.type === 'raise' ? -leg.units : leg.units;
      notices.push({ type: 'granted', matter, session, ticketId, units, ...status });
    }
  }
  return notices;
}

/** With the tickets as they were and as they are. */
function logTransaction(
  turn: Turn,
  { id, peer, session, legs, deeds }: Transaction,
  { put }: Changes,
  payment: PaymentMade | undefined,
): void {
  log(turn, {
    ...{ session, transaction: id, note: undefined, kind: logKindOf(legs) },
    peer: formatAgentId(peer.agentId),
    before: legs.flatMap((leg) => imagesBefore(turn, leg)),
    after: [...put.map(imageOf), ...issuedIn(legs, deeds).map(imageOfIssued)],
    ...(payment && { payment }),
  });
  if (payment === undefined) return;
  for (const leg of legs) if ('ticketId' in leg) turn.draft.keys.push(paidKey(leg.ticketId));
}

const kinds: readonly (readonly [Leg['type'], LogKind])[] = [
  ['retire', 'revalidated'],
  ['list', 'revalidated'],
  ['give', 'given'],
  ['take', 'received'],
  ['mark', 'presented'],
  ['book', 'accepted'],
];

function logKindOf(legs: readonly Leg[]): LogKind {
  const payment = legs.find(({ type }) => type === 'payment');
  if (payment?.type === 'payment') {
    if (payment.refundOf !== undefined) return 'refunded';
    return payment.side === 'payer' ? 'bought' : 'sold';
  }
  return kinds.find(([type]) => legs.some((leg) => leg.type === type))?.[1] ?? 'given';
}

const imageOf = ({ id, bytes, mark }: HeldTicket): TicketImage => ({ ticketId: id, ticket: bytes, mark });

const imageOfIssued = (ticket: Ticket): TicketImage => ({
  ...{ ticketId: ticketIdOf(ticket), ticket: encodeTicket(ticket), mark: undefined },
});

function imagesBefore({ state }: Turn, leg: Leg): readonly TicketImage[] {
  if (leg.type === 'give' && leg.ticket.type === 'issue') {
    return [{ ticketId: leg.ticketId, ticket: leg.ticket.body, mark: undefined }];
  }
  if (leg.type === 'seen') return [leg.image];
  const held =
    leg.type === 'give' || leg.type === 'mark' || leg.type === 'raised' || leg.type === 'retire'
      ? state.tickets.get(leg.ticketId)
      : undefined;
  return held === undefined ? [] : [imageOf(held)];
}
