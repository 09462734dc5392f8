/** Offers in the customer's own money (ERI-B): a merchant's price by the rate table of the customer's bank, without asking anybody. */
import type { NanoAmount } from '../../money/nano.ts';
import { divideRounded } from '../../money/rounding.ts';
import type { RateTable } from '../message/session-rate.ts';

export type ShownPrice =
  | { readonly type: 'price'; readonly price: NanoAmount }
  /** Give the purse the input `rates`, and show the merchant's price meanwhile. */
  | { readonly type: 'rates-missing' }
  | { readonly type: 'rates-stale'; readonly validUntilMs: number }
  /** The bank's table does not have the pair: the rate comes with the deposit. */
  | { readonly type: 'rate-unknown' };

/** Rounded up to the next nano: never shown cheaper than it is. */
export function shownPrice(
  { currency, nano }: NanoAmount,
  device: { readonly rates: RateTable | null; readonly currency: string; readonly nowMs: number },
): ShownPrice {
  if (currency === device.currency) return { type: 'price', price: { currency, nano } };
  const { rates } = device;
  if (rates === null) return { type: 'rates-missing' };
  if (rates.validUntilMs < device.nowMs) return { type: 'rates-stale', validUntilMs: rates.validUntilMs };
  const rate = rates.rates.find(({ from, to }) => from === device.currency && to === currency);
  if (rate === undefined) return { type: 'rate-unknown' };
  const price = divideRounded(nano * rate.denominator, rate.numerator, 'ceiling');
  return { type: 'price', price: { currency: device.currency, nano: price } };
}
