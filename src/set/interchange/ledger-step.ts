/** Ledger decisions inside the decisions of the interchange machines. */

import { type AccountKind, UNLIMITED } from '../../ledger/account-table.ts';
import { clearingAccount } from '../../ledger/clearing.ts';
import type { LedgerCommand } from '../../ledger/command.ts';
import { decideLedger } from '../../ledger/decide.ts';
import { findAccount, type LedgerState } from '../../ledger/ledger.ts';
import type { LedgerRecord } from '../../ledger/record.ts';
import { InterchangeError } from './interchange-error.ts';

export interface LedgerStep {
  readonly type: 'ledger';
  readonly record: LedgerRecord;
}

/** The records of commands that touch different accounts, or the first refusal. */
export function stepLedger(
  ledger: LedgerState,
  env: { readonly nowMs: number },
  ...commands: readonly LedgerCommand[]
): readonly LedgerStep[] | { readonly refused: string } {
  const steps: LedgerStep[] = [];
  for (const command of commands) {
    const decided = decideLedger(ledger, command, env);
    if ('refused' in decided) return decided;
    for (const record of decided) steps.push({ type: 'ledger', record });
  }
  return steps;
}

/** As `stepLedger`, where a refusal is a fault of whoever commands. @throws InterchangeError `LEDGER_REFUSED`. */
export function requireLedger(
  ledger: LedgerState,
  env: { readonly nowMs: number },
  ...commands: readonly LedgerCommand[]
): readonly LedgerStep[] {
  const steps = stepLedger(ledger, env, ...commands);
  if ('refused' in steps) {
    throw new InterchangeError('LEDGER_REFUSED', 'the ledger refuses', { detail: { refused: steps.refused } });
  }
  return steps;
}

/** Money that has come in or gone out by settlement between banks. */
export const settlementAccount = (currency: string) => `settlement:${currency}`;
/** Money that customers brought from outside. */
export const fundingAccount = (currency: string) => `funding:${currency}`;
/** The operator's own stock of a currency, against which card payments in another one are converted. */
export const exchangeAccount = (currency: string) => `exchange:${currency}`;

/** Opens those of an operator's own accounts that are not there yet. */
export function openOwnAccounts(
  ledger: LedgerState,
  env: { readonly nowMs: number },
  own: { readonly counterparties: readonly string[]; readonly currencies: readonly string[] },
): readonly LedgerStep[] {
  const accounts = own.currencies.flatMap((currency): { id: string; currency: string; kind: AccountKind }[] => [
    { id: settlementAccount(currency), currency, kind: 'settlement' },
    { id: fundingAccount(currency), currency, kind: 'settlement' },
    { id: exchangeAccount(currency), currency, kind: 'suspense' },
    ...own.counterparties.map((id) => ({ id: clearingAccount(id, currency), currency, kind: 'clearing' as const })),
  ]);
  const missing = accounts.filter(({ id }) => findAccount(ledger, id) === undefined);
  const opened = missing.map(({ id: account, currency, kind }) => {
    return { type: 'open' as const, account, currency, kind, creditLine: UNLIMITED };
  });
  return requireLedger(ledger, env, ...opened);
}
