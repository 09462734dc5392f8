/**
 * What a card network forgets: payments are kept as long as they may be given back, and not for ever. With each new payment a few old ones go, so memory
 * and snapshots hold what one retention brings, whatever the age of the network. The bank's interchange and the agents' logs have them all.
 */
import type { CardNetworkState, CardPayment, CardRecord } from './card-payment.ts';

const DAY_MS = 86_400_000;
/** Half a year: longer than a dispute with its hearing, appeal and ruling lasts, and than banks let a cardholder object. */
export const keepPaymentsMs = 180 * DAY_MS;
/** Older orders are not taken, so that none is taken twice when its payment was forgotten. */
export const longestOrderMs = DAY_MS;
/**
 * Aborts of what was never heard of: no longer than an order might still come, whose time may lie ahead as well as back. Anybody can send them, so there
 * is room for so many; who finds none asks again, and by then the order has come, or is too old.
 */
const keepAbortsMs = 2 * longestOrderMs + 3_600_000;
export const maxAborts = 10_000;
/** At most so many a payment: more than come, so that what is overdue grows less. */
const atOnce = 8;

/** In the order in which they came, which is that of the map. */
export function forgetOld(
  { payments, aborted }: CardNetworkState,
  nowMs: number,
  keepMs: number = keepPaymentsMs,
): readonly Extract<CardRecord, { type: 'forgotten' }>[] {
  const beforeMs = nowMs - keepMs;
  // A refund under way needs both.
  const isOver = (payment: CardPayment) => payment.status !== 'asked' && !isBeingGivenBack(payments, payment);
  const over = firstOf(payments.values(), ({ asked }) => asked.atMs < beforeMs, isOver);
  const gone = firstOf(aborted, ([, atMs]) => atMs < nowMs - keepAbortsMs);
  const transactions = [...over.map(({ transaction }) => transaction), ...gone.map(([transaction]) => transaction)];
  return transactions.length === 0 ? [] : [{ type: 'forgotten', transactions }];
}

const isBeingGivenBack = (payments: CardNetworkState['payments'], { refundedBy }: CardPayment) =>
  payments.get(refundedBy ?? '')?.status === 'asked';

function firstOf<T>(all: Iterable<T>, isOld: (one: T) => boolean, mayGo = (_: T) => true): readonly T[] {
  const found: T[] = [];
  for (const one of all) {
    if (found.length === atOnce || !isOld(one)) break;
    if (mayGo(one)) found.push(one);
  }
  return found;
}
