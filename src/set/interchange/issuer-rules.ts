/** The issuer's own rules for charging a card. Which of them refused is for the issuer's history, never for the asker. */
import type { Amount } from '../../money/amount.ts';
import { convertAmount, type Rate } from '../../money/rate.ts';
import type { PaymentRequest } from '../message/card-message.ts';
import type { Card, DeclineReason } from './issuer-state.ts';

const DAY_MS = 86_400_000;

export function dayOf(nowMs: number): number {
  return Math.floor(nowMs / DAY_MS);
}

/** Whether the month `YYMM` is over, UTC. */
export function isPast(expiry: string, nowMs: number): boolean {
  const year = 2000 + Number(expiry.slice(0, 2));
  return nowMs >= Date.UTC(year, Number(expiry.slice(2)));
}

/** The amount in the currency of the card's account, at least one minor unit; undefined without a rate. */
export function billedAmount(amount: Amount, currency: string, rates: readonly Rate[]): Amount | undefined {
  if (amount.currency === currency) return amount;
  const rate = rates.find(({ from, to }) => from === amount.currency && to === currency);
  if (rate === undefined) return undefined;
  const converted = convertAmount(amount, rate);
  return converted.minor > 0n ? converted : { currency, minor: 1n };
}

/** Everything but the money itself, which the ledger decides. */
export function declineReason(
  card: Card,
  asked: { readonly request: PaymentRequest; readonly billed: Amount; readonly nowMs: number },
): DeclineReason | undefined {
  const { request, billed, nowMs } = asked;
  if (card.stopped) return 'stopped';
  if (request.expiry !== card.expiry || isPast(card.expiry, nowMs)) return 'expiry';
  if (billed.minor > card.perTransactionMinor) return 'transaction-limit';
  const spentToday = card.spentDay === dayOf(nowMs) ? card.spentMinor : 0n;
  if (spentToday + billed.minor > card.perDayMinor) return 'daily-limit';
  return undefined;
}
