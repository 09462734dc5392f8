/** What may be paid for something, as an owner says it. */
import { HandselError } from '../../handsel-error.ts';
import { type Amount, compareAmounts, formatAmount, parseAmount } from '../../money/amount.ts';

/** Another currency is beyond any limit. */
export const isWithin = (price: Amount, limit: Amount | undefined): boolean =>
  limit?.currency === price.currency && compareAmounts(price, limit) <= 0;

/** An offered price as an amount. @throws HandselError `PRICE_ABOVE_LIMIT`; MoneyError for texts that are none */
export function priceWithin(price: string, max: string): Amount {
  const amount = parseAmount(price);
  if (isWithin(amount, parseAmount(max))) return amount;
  throw new HandselError('PRICE_ABOVE_LIMIT', `it costs ${formatAmount(amount)}, which is more than ${max}`);
}
