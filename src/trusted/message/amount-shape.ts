/** An amount of money as tickets and messages carry it: five to seven bytes, the currency by its number. */
import { row } from '../../codec/row-shape.ts';
import { minorUnits, type Shape, whole } from '../../codec/shape.ts';
import { type Amount, amountOf, amountParts } from '../../money/amount.ts';
import { currencyOfNumeric } from '../../money/currency.ts';

const amountRow = row({ numeric: whole({ max: 999 }), minor: minorUnits() });

export function amountShape(): Shape<Amount> {
  return {
    encode: (value) => amountRow.encode(amountParts(value)),
    decode(value, at) {
      const { numeric, minor } = amountRow.decode(value, at);
      return amountOf(currencyOfNumeric(numeric).code, minor);
    },
  };
}
