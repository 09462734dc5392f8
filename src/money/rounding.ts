/**
 * The named ways to round an exact quotient to a whole number.
 * The rule of the house: whoever converts money rounds once, at the end, and `toward-zero` unless an agreement names
 * another mode, because what is dropped then stays with the payer's side and no money is ever made by converting.
 * Clearing of many tiny prices uses `half-even`, which has no drift over many roundings.
 */

export type Rounding =
  | 'floor'
  | 'ceiling'
  | 'toward-zero'
  | 'away-from-zero'
  | 'half-even'
  | 'half-away-from-zero'
  | 'half-toward-zero';

export const CONVERSION_ROUNDING: Rounding = 'toward-zero';

/** `numerator / denominator` rounded to a whole number. @throws RangeError when the denominator is zero. */
export function divideRounded(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  const truncated = numerator / denominator;
  const remainder = numerator % denominator;
  if (remainder === 0n) return truncated;

  const away = numerator < 0n === denominator < 0n ? 1n : -1n;
  return roundsAway({ rounding, truncated, positive: away === 1n, half: compareToHalf(remainder, denominator) })
    ? truncated + away
    : truncated;
}

function compareToHalf(remainder: bigint, denominator: bigint): -1 | 0 | 1 {
  const twice = magnitude(remainder) * 2n;
  const whole = magnitude(denominator);
  return twice < whole ? -1 : twice === whole ? 0 : 1;
}

function roundsAway(quotient: { rounding: Rounding; truncated: bigint; positive: boolean; half: -1 | 0 | 1 }): boolean {
  switch (quotient.rounding) {
    case 'floor':
      return !quotient.positive;
    case 'ceiling':
      return quotient.positive;
    case 'toward-zero':
      return false;
    case 'away-from-zero':
      return true;
    case 'half-even':
      return quotient.half > 0 || (quotient.half === 0 && quotient.truncated % 2n !== 0n);
    case 'half-away-from-zero':
      return quotient.half >= 0;
    case 'half-toward-zero':
      return quotient.half > 0;
  }
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
