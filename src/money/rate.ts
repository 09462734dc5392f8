/**
 * Exact exchange rates: how many units of one currency (major units, as rates are quoted) one unit of another buys,
 * kept as a reduced fraction so that quoting, inverting and chaining never lose anything. Rounding happens once, in `convertAmount`.
 */
import { type Amount, amountOf } from './amount.ts';
import { exponentOf } from './currency.ts';
import { MoneyError } from './money-error.ts';
import { CONVERSION_ROUNDING, divideRounded, type Rounding } from './rounding.ts';

export interface Rate {
  readonly from: string;
  readonly to: string;
  /** Reduced and positive: one `from` buys `numerator / denominator` `to`. */
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const RATE_TEXT = /^(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,18}))?$/;
const MAX_PART = 10n ** 72n;

/** @throws MoneyError `RATE_MALFORMED` unless both parts are positive and of sane size; currency errors as `exponentOf`. */
export function rateOf(rate: Rate): Rate {
  exponentOf(rate.from);
  exponentOf(rate.to);
  const { numerator, denominator } = rate;
  if (numerator <= 0n || denominator <= 0n) {
    throw new MoneyError('RATE_MALFORMED', 'a rate must be a positive fraction');
  }
  const divisor = greatestCommonDivisor(numerator, denominator);
  const reduced = { ...rate, numerator: numerator / divisor, denominator: denominator / divisor };
  if (reduced.numerator > MAX_PART || reduced.denominator > MAX_PART) {
    throw new MoneyError('RATE_MALFORMED', 'the parts of a rate may have at most 72 digits');
  }
  return reduced;
}

/** A quoted decimal such as `1.0823` (at most 18 digits either side of the point). @throws MoneyError `RATE_MALFORMED`. */
export function parseRate(quote: { from: string; to: string; text: string }): Rate {
  const match = RATE_TEXT.exec(quote.text);
  if (match === null) {
    const shown = JSON.stringify(quote.text.slice(0, 40));
    throw new MoneyError('RATE_MALFORMED', `expected a rate such as "1.0823", saw ${shown}`);
  }
  const decimals = match[2] ?? '';
  return rateOf({
    from: quote.from,
    to: quote.to,
    numerator: BigInt(match[1] + decimals),
    denominator: 10n ** BigInt(decimals.length),
  });
}

/** The exact rate of the opposite direction. */
export function invertRate({ from, to, numerator, denominator }: Rate): Rate {
  return { from: to, to: from, numerator: denominator, denominator: numerator };
}

/** `first` then `second` as one exact rate. @throws MoneyError `RATE_MISMATCH` when they do not meet in one currency. */
export function chainRates(first: Rate, second: Rate): Rate {
  if (first.to !== second.from) {
    throw new MoneyError('RATE_MISMATCH', `a rate to ${first.to} cannot be followed by one from ${second.from}`);
  }
  return rateOf({
    from: first.from,
    to: second.to,
    numerator: first.numerator * second.numerator,
    denominator: first.denominator * second.denominator,
  });
}

/**
 * The amount in the rate's other currency, rounded once to its minor unit, by default toward zero (see `rounding.ts`).
 * @throws MoneyError `RATE_MISMATCH` when the amount is not in the rate's `from`, `AMOUNT_TOO_LARGE` when the result is.
 */
export function convertAmount(amount: Amount, rate: Rate, rounding: Rounding = CONVERSION_ROUNDING): Amount {
  if (amount.currency !== rate.from) {
    throw new MoneyError('RATE_MISMATCH', `a rate from ${rate.from} cannot convert ${amount.currency}`);
  }
  const numerator = amount.minor * rate.numerator * 10n ** BigInt(exponentOf(rate.to));
  const denominator = rate.denominator * 10n ** BigInt(exponentOf(rate.from));
  return amountOf(rate.to, divideRounded(numerator, denominator, rounding));
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
