/** Opening, limiting and closing accounts. */
import { isMoneyCurrency } from '../money/currency.ts';
import { availableAt, UNLIMITED } from './account-table.ts';
import type { CloseAccount, OpenAccount, SetLimits } from './command.ts';
import type { LedgerState } from './ledger.ts';
import { type Decided, refuse, refuseId } from './refusal.ts';

export function decideOpen(ledger: LedgerState, command: OpenAccount): Decided {
  const invalid = refuseId(command.account);
  if (invalid !== undefined) return invalid;
  if (ledger.accounts.slots.has(command.account)) {
    return refuse('ACCOUNT_EXISTS', `account ${command.account} exists already`);
  }
  if (!isMoneyCurrency(command.currency)) {
    return refuse('CURRENCY_MISMATCH', `no account can keep ${command.currency.slice(0, 12)}`);
  }

  const { account, currency, kind, creditLine = 0n, ceiling = UNLIMITED } = command;
  if (!isLimit(creditLine) || !isLimit(ceiling)) return refuse('LIMIT_INVALID', 'a limit lies between 0 and UNLIMITED');
  return [{ type: 'opened', account, currency, kind, creditLine, ceiling }];
}

export function decideSetLimits(ledger: LedgerState, command: SetLimits): Decided {
  const { accounts } = ledger;
  const slot = accounts.slots.get(command.account);
  if (slot === undefined) return refuse('ACCOUNT_UNKNOWN', `there is no account ${command.account.slice(0, 96)}`);

  const creditLine = command.creditLine ?? accounts.creditLine[slot]!;
  const ceiling = command.ceiling ?? accounts.ceiling[slot]!;
  if (!isLimit(creditLine) || !isLimit(ceiling)) return refuse('LIMIT_INVALID', 'a limit lies between 0 and UNLIMITED');
  if (availableAt(accounts, slot) - accounts.creditLine[slot]! + creditLine < 0n) {
    return refuse('LIMIT_IN_USE', `account ${command.account} uses more than that credit line`);
  }
  if (accounts.balance[slot]! > ceiling) {
    return refuse('LIMIT_IN_USE', `account ${command.account} has more than that ceiling`);
  }
  return [{ type: 'limited', account: command.account, creditLine, ceiling }];
}

export function decideClose(ledger: LedgerState, command: CloseAccount): Decided {
  const { accounts } = ledger;
  const slot = accounts.slots.get(command.account);
  if (slot === undefined) return refuse('ACCOUNT_UNKNOWN', `there is no account ${command.account.slice(0, 96)}`);
  if (accounts.balance[slot] !== 0n || accounts.held[slot] !== 0n) {
    return refuse('ACCOUNT_IN_USE', `account ${command.account} still has money or holds on it`);
  }
  return [{ type: 'closed', account: command.account }];
}

function isLimit(value: bigint): boolean {
  return value >= 0n && value <= UNLIMITED;
}
