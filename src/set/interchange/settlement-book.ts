/**
 * What one side counted between an acquirer and an issuer in one batch and currency. Both keep a book of the same batch;
 * they settle only when the books agree to the last minor unit.
 */
import type { Leg } from '../../ledger/command.ts';
import type { SettlementTotals } from '../message/card-message.ts';

export type BookTotals = Omit<SettlementTotals, 'currency'>;

export const NO_TOTALS: BookTotals = {
  debitCount: 0,
  debitMinor: 0n,
  reversalCount: 0,
  reversalMinor: 0n,
  creditCount: 0,
  creditMinor: 0n,
};

export function bookKey(book: { counterparty: string; currency: string; batch: number }): string {
  return `${book.counterparty}:${book.currency}:${book.batch}`;
}

export function countDebit(totals: BookTotals, minor: bigint): BookTotals {
  return { ...totals, debitCount: totals.debitCount + 1, debitMinor: totals.debitMinor + minor };
}

export function countReversal(totals: BookTotals, minor: bigint): BookTotals {
  return { ...totals, reversalCount: totals.reversalCount + 1, reversalMinor: totals.reversalMinor + minor };
}

/** What was charged in an earlier batch may be given back in this one. */
export function countCredit(totals: BookTotals, minor: bigint): BookTotals {
  return { ...totals, creditCount: totals.creditCount + 1, creditMinor: totals.creditMinor + minor };
}

/** What the issuer owes the acquirer for the batch; below zero, the acquirer owes the issuer. */
export function netMinor({ debitMinor, reversalMinor, creditMinor }: BookTotals): bigint {
  return debitMinor - reversalMinor - creditMinor;
}

export function sameTotals(a: BookTotals, b: BookTotals): boolean {
  return (
    a.debitCount === b.debitCount &&
    a.debitMinor === b.debitMinor &&
    a.reversalCount === b.reversalCount &&
    a.reversalMinor === b.reversalMinor &&
    a.creditCount === b.creditCount &&
    a.creditMinor === b.creditMinor
  );
}

/** The one transfer that settles a book. @param minor below zero moves it the other way */
export function settlementLegs({
  from,
  to,
  currency,
  minor,
}: {
  readonly from: string;
  readonly to: string;
  readonly currency: string;
  readonly minor: bigint;
}): Leg[] {
  return minor < 0n
    ? [{ from: to, to: from, amount: { currency, minor: -minor } }]
    : [{ from, to, amount: { currency, minor } }];
}
