/** What the operators' rate tables say at any time of a seed: they drift, they lapse before the next one comes, and some lack a pair. */
import type { RateTable } from '../../../src/deposit/message/session-rate.ts';
import { type Rate, rateOf } from '../../../src/money/rate.ts';
import type { SeededRandom } from '../../world/seeded-random.ts';
import { currencies, operators } from './cast.ts';

/** Major units of each that are worth the same. */
const WORTH: Readonly<Record<string, bigint>> = { EUR: 1000n, USD: 1083n, JPY: 162_300n };
const MINUTE_MS = 60_000;
const WATCHED_PERIODS = 16;

export interface RateFeed {
  table(operator: string, currency: string, nowMs: number): RateTable;
  /** Of the merchants' side: never stale. */
  rate(operator: string, pair: { readonly from: string; readonly to: string }, nowMs: number): Rate;
  isSane(rate: Rate): boolean;
}

export function createRateFeed(random: SeededRandom, startMs: number): RateFeed {
  const periodMs = (8 + random.below(20)) * MINUTE_MS;
  const lifeMs = periodMs + random.pick([-2, -1, 5]) * MINUTE_MS;
  const missing = random.chance(0.3) ? random.pick(operators).name : undefined;
  // Ten-thousandths above or below; the eighth period is the first again.
  const drift = new Map(operators.map(({ name }) => [name, Array.from({ length: 8 }, () => random.below(81) - 40)]));
  const periodOf = (nowMs: number) => Math.floor((nowMs - startMs) / periodMs);

  const rate: RateFeed['rate'] = (operator, { from, to }, nowMs) => {
    const drifts = drift.get(operator)!;
    const period = periodOf(nowMs);
    const by = BigInt(drifts[((period % drifts.length) + drifts.length) % drifts.length]!);
    return rateOf({ from, to, numerator: WORTH[to]! * (10_000n + by), denominator: WORTH[from]! * 10_000n });
  };
  return {
    rate,
    table(operator, currency, nowMs) {
      const others = currencies.filter((to) => to !== currency);
      const listed = operator === missing ? others.slice(1) : others;
      const period = periodOf(nowMs);
      const issuedAtMs = startMs + period * periodMs;
      return {
        rates: listed.map((to) => rate(operator, { from: currency, to }, nowMs)),
        // Devices fetch tables as long as deposits are open, some for a week: not every quarter of an hour in what comes after the faults.
        ...{ issuedAtMs, validUntilMs: issuedAtMs + (period < WATCHED_PERIODS ? lifeMs : 8 * 1440 * MINUTE_MS) },
      };
    },
    isSane({ from, to, numerator, denominator }) {
      const [there, here] = [numerator * WORTH[from]! * 100n, denominator * WORTH[to]!];
      return there > here * 95n && there < here * 105n;
    },
  };
}
