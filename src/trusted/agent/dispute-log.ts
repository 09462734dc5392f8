/** Disputes in Tran Log (US 5,671,280, figures 4B and 4C: date by both clocks, status, the merchant's resolution), and how they end with a transaction. */
import { fromHex, toHex } from '../../codec/hex.ts';
import { formatAgentId } from '../message/agent-id.ts';
import type { PaymentEvidence } from '../message/dispute.ts';
import { TrustedError } from '../message/trusted-error.ts';
import type { PaymentMade, Transaction } from './agent-state.ts';
import type { Dispute } from './dispute-state.ts';
import { tellHost } from './to-host.ts';
import { log, type Turn } from './turn.ts';

export function keepDispute({ draft }: Turn, dispute: Dispute): void {
  draft.records.push({ type: 'dispute', dispute: { type: 'kept', dispute } });
}

/** As this very decision leaves it. */
export function disputeNow({ state, draft }: Turn, number: string): Dispute | undefined {
  const record = draft.records.findLast(
    (one) => one.type === 'dispute' && one.dispute.type === 'kept' && one.dispute.dispute.number === number,
  );
  const kept = record?.type === 'dispute' && record.dispute.type === 'kept' ? record.dispute.dispute : undefined;
  return kept ?? state.disputes.byNumber.get(number);
}

/** @throws TrustedError `DISPUTE_UNKNOWN` */
export function disputeOf(turn: Turn, number: string, side: Dispute['side']): Dispute {
  const dispute = disputeNow(turn, number);
  if (dispute?.side !== side) throw new TrustedError('DISPUTE_UNKNOWN', `no dispute ${number}`);
  return dispute;
}

/** What the log says of it from now on. */
export function logDispute(
  turn: Turn,
  { number, peer, ticketId, about }: Dispute,
  what: string,
  session?: string,
): void {
  const held = ticketId === undefined ? undefined : turn.state.tickets.get(ticketId);
  const image = held && { ticketId: held.id, ticket: held.bytes, mark: held.mark };
  log(turn, {
    ...{ kind: 'disputed', peer: formatAgentId(peer.agentId), transaction: undefined },
    ...(session === undefined ? {} : { session }),
    ...{ before: image ? [image] : [], after: [], note: `dispute ${number} (${about}): ${what}`.slice(0, 300) },
  });
}

export function evidenceOf({ transaction, way, amount, order, receipt }: PaymentMade): PaymentEvidence {
  return {
    ...{ transaction: fromHex(transaction), way, amount },
    ...(order && { order }),
    ...(receipt && { receipt }),
  };
}

/** A transaction has committed here: if a dispute ends with it, in the same record. */
export function settleDispute(turn: Turn, { legs, matter }: Transaction, payment: PaymentMade | undefined): void {
  for (const leg of legs) {
    if (leg.type !== 'dispute') continue;
    const dispute = disputeNow(turn, leg.number);
    if (dispute === undefined) continue;
    const refund = leg.end === 'refunded' && payment !== undefined ? evidenceOf(payment) : undefined;
    keepDispute(turn, { ...dispute, status: leg.end, refund, choice: undefined });
    turn.draft.clearTimers.push(pursueTimer(leg.number));
    logDispute(turn, dispute, leg.end);
    tellHost(turn, { type: 'dispute-settled', matter, number: leg.number, how: leg.end });
    if (dispute.side === 'merchant') voidTicket(turn, matter, legs);
  }
}

/** Doors that have no network learn from the mark that the ticket is taken back. */
function voidTicket({ draft, ...turn }: Turn, matter: string, legs: Transaction['legs']): void {
  for (const leg of legs) {
    if (leg.type !== 'book') continue;
    const { identity } = turn.state;
    const by = identity.type === 'certified' ? identity.certificate.agentId : 0;
    draft.records.push({ type: 'voided', ticketId: leg.ticketId, voided: { by, mark: leg.mark } });
    tellHost({ draft, ...turn }, { type: 'taken-back', matter, ticketId: leg.ticketId, mark: leg.mark });
  }
}

export const pursueTimer = (number: string) => `dispute ${number}`;

/** A purchase whose ticket is not waited for any more, because its price is coming back. */
export function dropPurchase({ state, draft }: Turn, { about, payment }: Dispute): void {
  const id = about !== 'not-delivered' || payment === undefined ? undefined : toHex(payment.transaction);
  if (id === undefined || state.transactions.get(id)?.status !== 'voted') return;
  draft.records.push({ type: 'closed', transaction: id });
  draft.clearTimers.push(`ask ${id}`);
}

/** A transaction that settles it is under way: one at a time. */
export function isBeingSettled({ state }: Turn, number: string): boolean {
  return [...state.transactions.values()].some(({ legs }) =>
    legs.some((leg) => leg.type === 'dispute' && leg.number === number),
  );
}
