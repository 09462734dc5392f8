/**
 * Clearing positions: what we owe a counterparty, or it owes us, in one currency, kept as an ordinary account so that
 * every payment across the border is one transfer. A positive balance is what we owe; the ceiling bounds it, and the
 * credit line bounds what the counterparty may owe us. Settling is a transfer between the position and a settlement account.
 */
import type { Amount } from '../money/amount.ts';
import { type Account, accountAt, UNLIMITED } from './account-table.ts';
import type { OpenAccount, Transfer } from './command.ts';
import { findAccount, type LedgerState } from './ledger.ts';

const PREFIX = 'clearing:';

export interface ClearingPosition {
  readonly counterparty: string;
  readonly currency: string;
  readonly weOweMinor: bigint;
  readonly theyOweMinor: bigint;
  readonly weMayOweMinor: bigint;
  readonly theyMayOweMinor: bigint;
}

/** The account that keeps the position: credit it to owe the counterparty more, debit it for what the counterparty owes us. */
export function clearingAccount(counterparty: string, currency: string): string {
  return `${PREFIX}${currency}:${counterparty}`;
}

export function isClearingAccount(account: string): boolean {
  return account.startsWith(PREFIX);
}

export interface PositionTerms {
  readonly counterparty: string;
  readonly currency: string;
  /** Most we let the counterparty owe us, in minor units. */
  readonly theyMayOweMinor: bigint;
  /** Most we are willing to owe the counterparty; default without limit. */
  readonly weMayOweMinor?: bigint;
}

export function openPosition(terms: PositionTerms): OpenAccount {
  return {
    type: 'open',
    account: clearingAccount(terms.counterparty, terms.currency),
    currency: terms.currency,
    kind: 'clearing',
    creditLine: terms.theyMayOweMinor,
    ceiling: terms.weMayOweMinor ?? UNLIMITED,
  };
}

/**
 * The transfer that brings a position to zero against a settlement account (positive there = money we have been paid),
 * or undefined when it is zero already.
 */
export function settlePosition(
  ledger: LedgerState,
  settlement: {
    readonly id: string;
    readonly counterparty: string;
    readonly currency: string;
    readonly account: string;
  },
): Transfer | undefined {
  const position = findPosition(ledger, settlement.counterparty, settlement.currency);
  if (position === undefined || position.weOweMinor === position.theyOweMinor) return undefined;
  const clearing = clearingAccount(settlement.counterparty, settlement.currency);
  const amount = (minor: bigint): Amount => ({ currency: settlement.currency, minor });
  const leg =
    position.weOweMinor > 0n
      ? { from: clearing, to: settlement.account, amount: amount(position.weOweMinor) }
      : { from: settlement.account, to: clearing, amount: amount(position.theyOweMinor) };
  return { type: 'transfer', id: settlement.id, legs: [leg] };
}

export function findPosition(
  ledger: LedgerState,
  counterparty: string,
  currency: string,
): ClearingPosition | undefined {
  const account = findAccount(ledger, clearingAccount(counterparty, currency));
  return account === undefined ? undefined : positionOf(account);
}

/** Every clearing position, ordered by account id. Walks all accounts: for reports and clearing runs. */
export function listPositions(ledger: LedgerState): readonly ClearingPosition[] {
  const positions: ClearingPosition[] = [];
  const { slots } = ledger.accounts;
  for (const id of [...slots.keys()].filter((key) => key.startsWith(PREFIX)).sort()) {
    positions.push(positionOf(accountAt(ledger.accounts, slots.get(id)!)));
  }
  return positions;
}

function positionOf(account: Account): ClearingPosition {
  const { balance } = account;
  return {
    counterparty: account.id.slice(PREFIX.length + account.currency.length + 1),
    currency: account.currency,
    weOweMinor: balance > 0n ? balance : 0n,
    theyOweMinor: balance < 0n ? -balance : 0n,
    weMayOweMinor: account.ceiling,
    theyMayOweMinor: account.creditLine,
  };
}
