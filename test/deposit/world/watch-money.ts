/** What is looked at while a seed runs: no account beyond its credit, no operator beyond its limit, sums of zero, at every single record. */
import type { AccountRecord } from '../../../src/deposit/account-manager/account-record.ts';
import { findPosition } from '../../../src/ledger/clearing.ts';
import { ledgerViolations } from '../../../src/ledger/invariant.ts';
import { findAccount, type LedgerState } from '../../../src/ledger/ledger.ts';
import type { OperatorParty, Watch } from './operator-party.ts';
import type { Plan } from './plan.ts';
import type { Truth } from './truth.ts';

/** After these all accounts are looked at. */
const MOVED: readonly AccountRecord['type'][] = ['withdrawn', 'deposited', 'settling', 'received', 'unsettled'];

export function watchMoney(plan: Plan, { breaches }: Truth, nowMs: () => number): Watch {
  return {
    account(operator, { ledger }, record) {
      if (record.type === 'ledger' && record.record.type === 'held')
        requireCovered(operator, ledger, record.record.account);
      if (!MOVED.includes(record.type)) return;
      for (const violation of ledgerViolations(ledger)) breaches.add(`${operator}: ${violation}`);
    },
    acquirer(operator, record) {
      // When it is replayed after a restart the accounts are further on.
      if (record.type !== 'asked' || !record.deposit.exposed || record.atMs !== nowMs()) return;
      const { accountManager, deposit } = record.deposit;
      const owed = mayComeToOwe(accountManager, deposit.currency, operator);
      if (owed !== undefined && owed > plan.theyMayOweMinor.get(deposit.currency)!) {
        breaches.add(
          `${operator.name}: ${accountManager} may come to owe ${owed} ${deposit.currency}, above its limit`,
        );
      }
    },
  };

  function requireCovered(operator: string, ledger: LedgerState, account: string): void {
    const { available } = findAccount(ledger, account)!;
    if (available < 0n) breaches.add(`${operator}: ${account} holds ${-available} more than balance and credit`);
  }
}

/** What is guaranteed and open, cleared and not booked, or booked and not settled. Undefined while the accounts are down. */
function mayComeToOwe(debtor: string, currency: string, operator: OperatorParty): bigint | undefined {
  const { accounts, accountRecords, acquirerRecords } = operator;
  const ledger = accounts.host?.state.ledger;
  if (ledger === undefined) return undefined;
  const booked = new Set(accountRecords.flatMap((record) => (record.type === 'deposited' ? [record.transaction] : [])));
  const open = new Map<string, bigint>();
  let cleared = 0n;
  for (const record of acquirerRecords) {
    if (record.type === 'asked') {
      const { transaction, accountManager, deposit } = record.deposit;
      if (accountManager === debtor && deposit.currency === currency) open.set(transaction, deposit.minor);
    } else if (record.type === 'refused') open.delete(record.transaction);
    else if (record.type === 'cleared' && open.delete(record.transaction) && !booked.has(record.transaction)) {
      cleared += record.paidMinor;
    }
  }
  const { theyOweMinor, weOweMinor } = findPosition(ledger, debtor, currency)!;
  const debt = theyOweMinor - weOweMinor + cleared;
  let owed = debt > 0n ? debt : 0n;
  for (const minor of open.values()) owed += minor;
  return owed;
}
