/** CurrencyAmount (notes on SET, "Common data"): ISO 4217 number, amount, and the power of ten it is to be multiplied by. */
import { integer, mapped, sequence, smallInteger } from '../../codec/der.ts';
import { type Amount, amountOf, amountParts, MAX_MINOR } from '../../money/amount.ts';
import { currencyOfNumeric } from '../../money/currency.ts';
import { SetError } from './set-error.ts';

const shape = sequence({
  currency: smallInteger({ min: 1, max: 999 }),
  amount: integer({ min: 0n, max: MAX_MINOR }),
  amtExp10: smallInteger({ min: -9, max: 9 }),
});

/** One sum has one encoding here: the exponent is the currency's own, and amounts are never negative. */
export const currencyAmountType = mapped(shape, {
  decode({ currency, amount, amtExp10 }): Amount {
    const { code, exponent } = currencyOfNumeric(currency);
    if (exponent === null || amtExp10 !== -exponent) {
      throw new SetError('decodingFailure', `an amount of ${code} is scaled by 10^${amtExp10}`);
    }
    return amountOf(code, amount);
  },
  encode(value: Amount) {
    const { numeric, minor, exponent } = amountParts(value);
    return { currency: numeric, amount: minor, amtExp10: exponent === 0 ? 0 : -exponent };
  },
});

export function sameAmount(a: Amount, b: Amount): boolean {
  return a.currency === b.currency && a.minor === b.minor;
}
