/**
 * What one side counted between an acquirer and an issuer in one batch and currency. Both keep a book of the same batch;
 * they settle only when the books agree to the last minor unit.
 */
import type { SettlementTotals } from '../message/card-message.ts';

export type BookTotals = Omit<SettlementTotals, 'currency'>;

export const NO_TOTALS: BookTotals = { debitCount: 0, debitMinor: 0n, reversalCount: 0, reversalMinor: 0n };

export function bookKey(book: { counterparty: string; currency: string; batch: number }): string {
  return `${book.counterparty}:${book.currency}:${book.batch}`;
}

export function countDebit(totals: BookTotals, minor: bigint): BookTotals {
  return { ...totals, debitCount: totals.debitCount + 1, debitMinor: totals.debitMinor + minor };
}

export function countReversal(totals: BookTotals, minor: bigint): BookTotals {
  return { ...totals, reversalCount: totals.reversalCount + 1, reversalMinor: totals.reversalMinor + minor };
}

/** What the issuer owes the acquirer for the batch; never negative, since only what was counted can be reversed. */
export function netMinor(totals: BookTotals): bigint {
  return totals.debitMinor - totals.reversalMinor;
}

export function sameTotals(a: BookTotals, b: BookTotals): boolean {
  return (
    a.debitCount === b.debitCount &&
    a.debitMinor === b.debitMinor &&
    a.reversalCount === b.reversalCount &&
    a.reversalMinor === b.reversalMinor
  );
}
