/** What must be true of every ledger at every moment. Operators check it after recovery and on demand; tests after every step. */
import { currencyOfNumeric } from '../money/currency.ts';
import { availableAt } from './account-table.ts';
import { isLiveExpiry, type LedgerState, MAX_STEPS } from './ledger.ts';
import { LedgerError } from './ledger-error.ts';

/** A sentence for each invariant that does not hold; empty for a sound ledger. Walks all accounts and holds. */
export function ledgerViolations(ledger: LedgerState): readonly string[] {
  return [...balanceViolations(ledger), ...holdViolations(ledger), ...expiryViolations(ledger)];
}

/** @throws LedgerError `LEDGER_IMBALANCE` with all violations when there is any. */
export function assertLedger(ledger: LedgerState): void {
  const violations = ledgerViolations(ledger);
  if (violations.length > 0) throw new LedgerError('LEDGER_IMBALANCE', violations.slice(0, 20).join('; '));
}

function* balanceViolations({ accounts }: LedgerState): Generator<string> {
  const sums = new Map<number, bigint>();
  for (const [id, slot] of accounts.slots) {
    const currency = accounts.currency[slot]!;
    sums.set(currency, (sums.get(currency) ?? 0n) + accounts.balance[slot]!);
    if (accounts.ids[slot] !== id) yield `account ${id} does not own its slot`;
    if (availableAt(accounts, slot) < 0n) yield `account ${id} is beyond its credit line`;
    if (accounts.balance[slot]! > accounts.ceiling[slot]!) yield `account ${id} is above its ceiling`;
  }
  for (const [currency, sum] of sums) {
    if (sum !== 0n) yield `all balances in ${currencyOfNumeric(currency).code} sum to ${sum}, not zero`;
  }
  if (accounts.slots.size + accounts.free.length !== accounts.ids.length) yield 'slots are lost';
}

function* holdViolations({ accounts, holds }: LedgerState): Generator<string> {
  const held = new Map<number, bigint>();
  for (const [id, hold] of holds) {
    held.set(hold.slot, (held.get(hold.slot) ?? 0n) + hold.remainingMinor);
    if (accounts.ids[hold.slot] === '') yield `hold ${id} stands on a closed account`;
    if (hold.remainingMinor <= 0n || hold.remainingMinor > hold.originalMinor)
      yield `hold ${id} has an impossible rest`;
    if (hold.steps.length > MAX_STEPS) yield `hold ${id} has too many steps`;
  }
  for (const [id, slot] of accounts.slots) {
    const sum = held.get(slot) ?? 0n;
    if (accounts.held[slot] !== sum) yield `account ${id} counts ${accounts.held[slot]} as held, its holds are ${sum}`;
  }
}

function* expiryViolations(ledger: LedgerState): Generator<string> {
  const queued = new Set(
    ledger.expiries.heap.filter((entry) => isLiveExpiry(ledger, entry)).map((entry) => entry.hold),
  );
  for (const id of ledger.holds.keys()) {
    if (!queued.has(id)) yield `hold ${id} would never expire`;
  }
}
