/** What a value comes to on the customer's account: rounded once in the merchant's currency, the rest converted back (ERI-C). */
import type { Amount } from '../../money/amount.ts';
import { roundNano } from '../../money/nano.ts';
import { convertAmount, invertRate, type Rate } from '../../money/rate.ts';

/** Units of the merchant's currency in a deposit, rounded down. */
export function unitsIn(depositNano: bigint, unitNano: number): number {
  const units = depositNano / BigInt(unitNano);
  return Number(units < MAX_UNITS ? units : MAX_UNITS);
}

const MAX_UNITS = BigInt(Number.MAX_SAFE_INTEGER);

export interface BilledDeposit {
  /** In the customer's currency. */
  readonly deposit: Amount;
  /** The same in the merchant's. */
  readonly there: Amount;
  readonly rate: Rate;
}

/** Minor units of the merchant's currency. Units never sum above the deposit, so this does not either. */
export function paidFor(units: number, unitNano: number, currency: string): bigint {
  return roundNano({ currency, nano: BigInt(units) * BigInt(unitNano) }).minor;
}

/** Minor units of the customer's currency that a payment costs. Who bought nothing pays nothing, whatever rounding leaves of the rest. */
export function costOf(paidMinor: bigint, { deposit, there, rate }: BilledDeposit): bigint {
  if (paidMinor === 0n) return 0n;
  const unused = { currency: there.currency, minor: there.minor - paidMinor };
  return deposit.minor - convertAmount(unused, invertRate(rate)).minor;
}
