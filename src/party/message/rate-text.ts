/** A rate in digits, as statements of both sides show it. */
import type { Rate } from '../../money/rate.ts';
import { divideRounded } from '../../money/rounding.ts';

const PLACES = 9;

/** As a decimal, to nine places. */
export function rateText({ numerator, denominator }: Rate): string {
  const digits = divideRounded(numerator * 10n ** BigInt(PLACES), denominator, 'half-even').toString();
  const padded = digits.padStart(PLACES + 1, '0');
  return `${padded.slice(0, -PLACES)}.${padded.slice(-PLACES)}`.replace(/\.?0+$/, '');
}
