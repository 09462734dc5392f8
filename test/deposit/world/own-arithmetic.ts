/** What deposits come to, worked out once more and in another way than the parties do: invariants are judged by this. */
import { createHash } from 'node:crypto';

export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const DECIMALS: Readonly<Record<string, number>> = { EUR: 2, USD: 2, JPY: 0 };

/** Minor units there, of minor units here: what is below one is dropped. */
export function converted(minor: bigint, rate: Fraction, from: string, to: string): bigint {
  const scale = DECIMALS[to]! - DECIMALS[from]!;
  const up = scale > 0 ? 10n ** BigInt(scale) : 1n;
  const down = scale < 0 ? 10n ** BigInt(-scale) : 1n;
  return (minor * rate.numerator * up) / (rate.denominator * down);
}

export const inverse = ({ numerator, denominator }: Fraction): Fraction => ({
  numerator: denominator,
  denominator: numerator,
});

/** Units in minor units: a half goes to the even side. */
export function minorOf(units: number, unitNano: number, currency: string): bigint {
  const nanoPerMinor = 10n ** BigInt(9 - DECIMALS[currency]!);
  const nano = BigInt(units) * BigInt(unitNano);
  const whole = nano / nanoPerMinor;
  const twice = (nano % nanoPerMinor) * 2n;
  if (twice > nanoPerMinor) return whole + 1n;
  return twice === nanoPerMinor ? whole + (whole % 2n) : whole;
}

export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Units that words prove to have been released since a checkpoint with these anchors; NaN where a word leads elsewhere. */
export function unitsProven(anchors: readonly Uint8Array[], steps: readonly number[], words: Uint8Array): number {
  let units = 0;
  for (const [chain, anchor] of anchors.entries()) {
    const taken = steps[chain] ?? 0;
    let word = words.subarray(chain * 32, (chain + 1) * 32);
    for (let step = 0; step < taken; step++) word = createHash('sha256').update(word).digest();
    if (taken > 0 && Buffer.compare(word, anchor) !== 0) return Number.NaN;
    units += taken * 16 ** chain;
  }
  return units;
}
