/** Deposits and statements in words and amounts, as the customer's commands show them. */
import { costOf, paidFor } from '../../deposit/customer/bill.ts';
import type { Deposit, Finished, PurseState } from '../../deposit/customer/purse-state.ts';
import type { Spender } from '../../deposit/customer/spender.ts';
import { formatAmount } from '../../money/amount.ts';
import { formatNano } from '../../money/nano.ts';
import { rateText } from '../message/rate-text.ts';

export interface DepositView {
  /** Absent while no operator has given it one. */
  readonly transaction?: string;
  readonly merchant: string;
  readonly operator: string;
  readonly limit: string;
  readonly phase: Deposit['phase'] | 'finished';
  /** Set aside, in the customer's currency. */
  readonly deposit: string;
  readonly purchases: number;
  /** What was spent, in the merchant's currency to the unit, and what it comes to in the customer's. */
  readonly spent: string;
  readonly cost: string;
  readonly endsAt: string;
  /** Of a finished one. */
  readonly outcome?: Finished['outcome'];
  readonly reasons?: readonly string[];
  readonly at?: string;
}

const timeOf = (atMs: number) => new Date(atMs).toISOString();

export function depositView(deposit: Deposit, spender: Pick<Spender, 'released'>): DepositView {
  const { want, currency, phase } = deposit;
  const { merchant, merchantOperator: operator, merchantCurrency, order } = want;
  const { count: purchases, units } =
    phase === 'open' || phase === 'concluding' ? spender.released(deposit.transaction) : { count: 0, units: 0 };
  const held = { currency, minor: want.depositMinor };
  const terms = phase === 'open' || phase === 'concluding' ? deposit.terms : null;
  const paidMinor = paidFor(units, order.unitNano, merchantCurrency);
  const bill = terms && {
    deposit: held,
    there: { currency: merchantCurrency, minor: terms.depositMinor },
    rate: terms.rate,
  };
  return {
    ...('transaction' in deposit ? { transaction: deposit.transaction } : {}),
    ...{ merchant, operator, limit: want.limitId, phase, deposit: formatAmount(held), purchases },
    spent: formatNano({ currency: merchantCurrency, nano: BigInt(units) * BigInt(order.unitNano) }),
    cost: formatAmount({ currency, minor: bill === null ? 0n : costOf(paidMinor, bill) }),
    endsAt: timeOf(want.endsAtMs),
  };
}

export function finishedView(finished: Finished, currency: string): DepositView {
  const { want, transaction, bound, bookedMinor, outcome, reasons, atMs } = finished;
  const { merchant, merchantOperator: operator, merchantCurrency, order } = want;
  return {
    ...(transaction === null ? {} : { transaction }),
    ...{ merchant, operator, limit: want.limitId, phase: 'finished', purchases: bound.count, outcome, reasons },
    deposit: formatAmount({ currency, minor: want.depositMinor }),
    spent: formatNano({ currency: merchantCurrency, nano: BigInt(bound.units) * BigInt(order.unitNano) }),
    cost: formatAmount({ currency, minor: bookedMinor }),
    endsAt: timeOf(want.endsAtMs),
    at: timeOf(atMs),
  };
}

export interface LimitView {
  readonly name: string;
  readonly total: string;
  readonly held: string;
  readonly spent: string;
  readonly until: string;
}

export function limitViews({ limits }: Readonly<PurseState>): readonly LimitView[] {
  return [...limits.values()].map(({ limit, heldMinor, spentMinor }) => {
    const amount = (minor: bigint) => formatAmount({ currency: limit.currency, minor });
    return {
      name: limit.limitId,
      total: amount(limit.totalMinor),
      held: amount(heldMinor),
      spent: amount(spentMinor),
      until: timeOf(limit.expiresAtMs),
    };
  });
}

export interface RatesView {
  readonly validUntil: string;
  readonly stale: boolean;
  readonly rates: readonly { readonly from: string; readonly to: string; readonly rate: string }[];
}

export function ratesView({ rates: table }: Readonly<PurseState>, nowMs: number): RatesView | undefined {
  if (table === null) return undefined;
  const { rates, validUntilMs } = table;
  return {
    validUntil: timeOf(validUntilMs),
    stale: validUntilMs < nowMs,
    rates: rates.map((rate) => ({ from: rate.from, to: rate.to, rate: rateText(rate) })),
  };
}
