/**
 * That the customer has released what is to be paid. The merchant's operator rules, and may be wrong or lie: the customer's own one looks
 * at what proves the value before it takes the money, and takes nobody's word but its customer's against himself.
 */
import { importPoint } from '../../crypto/agreement.ts';
import type { Amount } from '../../money/amount.ts';
import { nanoOf, roundNano } from '../../money/nano.ts';
import type { ClearingInformation } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { readReleased, unlessRefused, type Value } from '../message/evidence.ts';
import type { OpenDeposit } from './account-state.ts';

/** @throws DepositError `RECORD_UNFIT` */
export function requireReleased(
  { key, claimed, merchantCurrency: currency }: Pick<OpenDeposit, 'key' | 'claimed' | 'merchantCurrency'>,
  { transaction, paid, released }: ClearingInformation,
): void {
  const proven = unlessRefused(() => {
    return released && readReleased(released, { transaction, currency, customerKey: importPoint(key) }).value;
  });
  if (covers(claimed, paid) || covers(proven, paid)) return;
  throw new DepositError('RECORD_UNFIT', 'more is to be paid than the customer is shown to have released');
}

/** Rounded as it is in the ruling; sums out of all bounds are above any payment, and are not rounded. */
function covers(value: Value | null | undefined, paid: Amount): boolean {
  if (!value) return paid.minor === 0n;
  const nano = BigInt(value.units) * BigInt(value.unitNano);
  return nano >= nanoOf(paid).nano || roundNano({ currency: paid.currency, nano }).minor >= paid.minor;
}
