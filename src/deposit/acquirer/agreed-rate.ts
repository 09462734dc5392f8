/** The one rate of a deposit (ERI-8, ERI-B): the customer's own bank's where it names one that is not far from ours, else ours. */
import { type Rate, rateOf } from '../../money/rate.ts';
import { DepositError } from '../message/deposit-error.ts';
import type { AmendedInitiation } from '../message/initiation.ts';
import type { AcquirerPolicy } from './acquirer-policy.ts';

const TEN_THOUSAND = 10_000n;

/** @throws DepositError `RATE_UNKNOWN` where we have no rate, or another than the one proposed; MoneyError for unknown currencies */
export function agreedRate(
  { deposit, merchantCurrency, rate: proposed }: AmendedInitiation,
  policy: AcquirerPolicy,
  nowMs: number,
): Rate {
  const pair = { from: deposit.currency, to: merchantCurrency };
  const same = pair.from === pair.to;
  const own = same ? rateOf({ ...pair, numerator: 1n, denominator: 1n }) : policy.rate(pair, nowMs);
  // A rate we cannot judge is not taken either: we guarantee to the merchant what it comes to.
  if (own === undefined) throw new DepositError('RATE_UNKNOWN', `no rate from ${pair.from} to ${pair.to}`);
  if (proposed === undefined) return own;
  const tolerance = same ? 0n : BigInt(policy.rateTolerance ?? 200);
  if (proposed.from !== pair.from || proposed.to !== pair.to || !isNear(proposed, own, tolerance)) {
    throw new DepositError('RATE_UNKNOWN', `the proposed rate from ${pair.from} to ${pair.to} is too far from ours`);
  }
  return proposed;
}

function isNear(proposed: Rate, own: Rate, tolerance: bigint): boolean {
  const ours = own.numerator * proposed.denominator;
  const difference = proposed.numerator * own.denominator - ours;
  return (difference < 0n ? -difference : difference) * TEN_THOUSAND <= ours * tolerance;
}
