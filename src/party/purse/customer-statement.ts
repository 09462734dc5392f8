/** The customer's own statement: what deposits cost, as the operator signed it and the device checked it (US 09/718,411, claim 11). */
import { readMessage } from '../../crypto/signed-message.ts';
import type { Finished } from '../../deposit/customer/purse-state.ts';
import { clearingInformationType, statementType } from '../../deposit/message/conclusion.ts';
import { formatAmount, sumAmounts } from '../../money/amount.ts';
import { rateText } from '../message/rate-text.ts';
import { type DepositView, finishedView } from './deposit-view.ts';

export interface ClearedDeposit extends DepositView {
  /** Of a deposit that was cleared: paid to the merchant, unused, both in the merchant's currency, and the rate of the session. */
  readonly paid?: string;
  readonly unused?: string;
  readonly rate?: string;
  /** What the operator booked and gave back, in the customer's currency. */
  readonly charged?: string;
  readonly returned?: string;
  /** How it was decided what was paid. */
  readonly ruling?: readonly string[];
}

export interface CustomerStatement {
  readonly party: 'customer';
  readonly name: string;
  readonly operator: string;
  /** The newest first. */
  readonly deposits: readonly ClearedDeposit[];
  /** Not settled yet. */
  readonly open: readonly DepositView[];
  /** Of the deposits shown. */
  readonly charged: string;
  readonly purchases: number;
}

export function clearedDeposit(finished: Finished, currency: string): ClearedDeposit {
  const view = finishedView(finished, currency);
  if (finished.statement === null) return view;
  // The device has checked both when they came.
  const { booked, returned, clearing } = readMessage(statementType, finished.statement).value;
  const { paid, unused, rate, reasons, count } = readMessage(clearingInformationType, clearing).value;
  return {
    ...view,
    // After a crash nobody here knows what was spent, only how much it can have been.
    ...(finished.bound.count === count ? {} : { purchases: count, spent: formatAmount(paid) }),
    ...{ paid: formatAmount(paid), unused: formatAmount(unused), rate: rateText(rate), ruling: reasons },
    ...{ charged: formatAmount(booked), returned: formatAmount(returned) },
  };
}

export function customerStatement(given: {
  readonly name: string;
  readonly operator: string;
  readonly currency: string;
  readonly finished: readonly Finished[];
  readonly open: readonly DepositView[];
}): CustomerStatement {
  const { name, operator, currency, open } = given;
  const settled = given.finished.filter(({ statement, bookedMinor }) => statement !== null || bookedMinor > 0n);
  const deposits = settled.map((one) => clearedDeposit(one, currency));
  const booked = settled.map(({ bookedMinor }) => ({ currency, minor: bookedMinor }));
  return {
    ...{ party: 'customer', name, operator, deposits, open, charged: formatAmount(sumAmounts(currency, booked)) },
    purchases: deposits.reduce((sum, { purchases }) => sum + purchases, 0),
  };
}
