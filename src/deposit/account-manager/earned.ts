/**
 * What other operators have earned here by clearing, and were not paid yet. That an operator has paid us is only its word: if it says more
 * than it owed, our books owe it the rest, but what goes out to it is never more than what was cleared for its merchants.
 */
import { clearingAccount, isClearingAccount, listPositions } from '../../ledger/clearing.ts';
import type { LedgerState } from '../../ledger/ledger.ts';
import type { LedgerRecord } from '../../ledger/record.ts';
import type { SettlementTerms } from './account-record.ts';
import { isSettlementAccount } from './ledger-step.ts';

/** Minor units. */
export interface Earned {
  /** Since the last settlement between the two, whoever made it. */
  readonly fresh: bigint;
  /** Before it, since the one before that: what is older than that was set off, because the other side has known it by then. */
  readonly stale: bigint;
}

/** By clearing account. */
export type EarnedBy = Map<string, Earned>;

const NOTHING: Earned = { fresh: 0n, stale: 0n };

export function payableTo(earned: EarnedBy, operator: string, currency: string): bigint {
  const { fresh, stale } = earned.get(clearingAccount(operator, currency)) ?? NOTHING;
  return fresh + stale;
}

export function noteCleared(earned: EarnedBy, record: LedgerRecord): void {
  if (record.type === 'posted') for (const { account, minor } of record.to) earn(earned, account, minor);
  if (record.type !== 'moved') return;
  for (const { from, to, minor } of record.legs) if (!isSettlementAccount(from)) earn(earned, to, minor);
}

/** Between this operator and us, whichever of the two has paid: `paidMinor` went out to it. */
export function noteSettled(earned: EarnedBy, { operator, amount }: SettlementTerms, paidMinor: bigint): void {
  const account = clearingAccount(operator, amount.currency);
  const { fresh, stale } = earned.get(account) ?? NOTHING;
  const left = fresh - (paidMinor > stale ? paidMinor - stale : 0n);
  if (left > 0n) earned.set(account, { fresh: 0n, stale: left });
  else earned.delete(account);
}

/** It has not taken what we paid. */
export function noteUnsettled(earned: EarnedBy, { operator, amount }: SettlementTerms): void {
  earn(earned, clearingAccount(operator, amount.currency), amount.minor);
}

/** All that is owed now: for snapshots that do not know what of it was earned. */
export function earnedAsOwed(ledger: LedgerState): EarnedBy {
  const owed = listPositions(ledger).filter(({ weOweMinor }) => weOweMinor > 0n);
  return new Map(
    owed.map(({ counterparty, currency, weOweMinor }) => [
      clearingAccount(counterparty, currency),
      { fresh: weOweMinor, stale: 0n },
    ]),
  );
}

function earn(earned: EarnedBy, account: string, minor: bigint): void {
  if (!isClearingAccount(account)) return;
  const { fresh, stale } = earned.get(account) ?? NOTHING;
  earned.set(account, { fresh: fresh + minor, stale });
}
