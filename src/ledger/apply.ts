/** Applies decided records to a ledger; called right after the decision and again on replay, so it only depends on state and record. */
import { type AccountTable, insertAccount, removeAccount, slotOf, UNLIMITED } from './account-table.ts';
import { pushExpiry, tidyExpiries } from './expiry-queue.ts';
import { type HoldState, isLiveExpiry, type LedgerState } from './ledger.ts';
import { LedgerError } from './ledger-error.ts';
import type { LedgerRecord } from './record.ts';

const NO_STEPS: readonly string[] = [];

/** @throws LedgerError when the record does not fit the state, which only a damaged journal can bring about. */
export function applyLedger(ledger: LedgerState, record: LedgerRecord): void {
  const { accounts, holds } = ledger;
  switch (record.type) {
    case 'opened':
      insertAccount(accounts, { ...record, id: record.account });
      return;
    case 'limited': {
      const slot = slotOf(accounts, record.account);
      accounts.creditLine[slot] = record.creditLine;
      accounts.ceiling[slot] = record.ceiling;
      return;
    }
    case 'closed':
      removeAccount(accounts, slotOf(accounts, record.account));
      return;
    case 'moved':
      for (const leg of record.legs) {
        changeBalance(accounts, slotOf(accounts, leg.from), -leg.minor);
        changeBalance(accounts, slotOf(accounts, leg.to), leg.minor);
      }
      return;
    case 'held': {
      const slot = slotOf(accounts, record.account);
      const { minor, expiresAtMs } = record;
      holds.set(record.hold, { slot, originalMinor: minor, remainingMinor: minor, expiresAtMs, steps: NO_STEPS });
      accounts.held[slot] = accounts.held[slot]! + minor;
      pushExpiry(ledger.expiries, { atMs: expiresAtMs, hold: record.hold });
      return;
    }
    case 'posted': {
      const hold = openHold(ledger, record.hold);
      for (const { account, minor } of record.to) {
        changeBalance(accounts, hold.slot, -minor);
        changeBalance(accounts, slotOf(accounts, account), minor);
        takeFrom(accounts, hold, minor);
      }
      if (record.closes) takeFrom(accounts, hold, hold.remainingMinor);
      finishStep(ledger, record.hold, hold, record.id);
      return;
    }
    case 'released': {
      const hold = openHold(ledger, record.hold);
      takeFrom(accounts, hold, record.minor);
      finishStep(ledger, record.hold, hold, record.id);
      return;
    }
    case 'expired': {
      const hold = openHold(ledger, record.hold);
      takeFrom(accounts, hold, hold.remainingMinor);
      finishStep(ledger, record.hold, hold, '');
      return;
    }
  }
}

function openHold(ledger: LedgerState, id: string): HoldState {
  const hold = ledger.holds.get(id);
  if (hold === undefined) throw new LedgerError('LEDGER_RECORD_UNFIT', `there is no open hold ${id}`);
  return hold;
}

// A column would wrap silently past 64 bits, so the bound that every decision respects is asserted where it is written.
function changeBalance(accounts: AccountTable, slot: number, minor: bigint): void {
  const balance = accounts.balance[slot]! + minor;
  if (balance > UNLIMITED || balance < -UNLIMITED) {
    throw new LedgerError('LEDGER_RECORD_UNFIT', `the balance of ${accounts.ids[slot]} leaves its bounds`);
  }
  accounts.balance[slot] = balance;
}

function takeFrom(accounts: AccountTable, hold: HoldState, minor: bigint): void {
  if (minor > hold.remainingMinor) throw new LedgerError('LEDGER_RECORD_UNFIT', 'a hold is taken below zero');
  hold.remainingMinor -= minor;
  accounts.held[hold.slot] = accounts.held[hold.slot]! - minor;
}

function finishStep(ledger: LedgerState, holdId: string, hold: HoldState, stepId: string): void {
  if (hold.remainingMinor > 0n) {
    hold.steps = [...hold.steps, stepId];
    return;
  }
  ledger.holds.delete(holdId);
  tidyExpiries(ledger.expiries, ledger.holds.size, (entry) => isLiveExpiry(ledger, entry));
}
