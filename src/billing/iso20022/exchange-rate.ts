/** BaseOneRate: at most 11 digits, 10 of them after the point; the exact rate stays in the billing record. */
import type { Rate } from '../../money/rate.ts';
import { divideRounded } from '../../money/rounding.ts';

const DIGITS = 11;

/** Undefined where the type has no room for a rate above zero. */
export function exchangeRate({ numerator, denominator }: Rate): string | undefined {
  const wholeDigits = (numerator / denominator).toString().length;
  const decimals = DIGITS - wholeDigits;
  if (decimals < 1) return undefined;
  const scaled = divideRounded(numerator * 10n ** BigInt(decimals), denominator, 'half-even');
  if (scaled === 0n || scaled.toString().length > DIGITS) return undefined;
  const digits = scaled.toString().padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  return `${digits.slice(0, point)}.${digits.slice(point)}`.replace(/\.?0+$/, '');
}
