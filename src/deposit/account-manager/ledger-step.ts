/** Ledger decisions inside the decisions of the account manager, and the names of its accounts. */
import { HandselError } from '../../handsel-error.ts';
import { type AccountKind, UNLIMITED } from '../../ledger/account-table.ts';
import type { LedgerCommand, LedgerRefusalCode } from '../../ledger/command.ts';
import { decideLedger } from '../../ledger/decide.ts';
import type { LedgerState } from '../../ledger/ledger.ts';
import type { LedgerRecord } from '../../ledger/record.ts';
import { DepositError } from '../message/deposit-error.ts';

export interface LedgerStep {
  readonly type: 'ledger';
  readonly record: LedgerRecord;
}

/** The most minor units a message can say. */
export const MAX_SAID_MINOR = 1_000_000_000_000_000n;

const SETTLEMENT = 'settlement:';

/** Money that customers brought from outside. */
export const fundingAccount = (currency: string) => `funding:${currency}`;
/** The operator's own stock of a currency, against which deposits in another one are converted. */
export const exchangeAccount = (currency: string) => `fx:${currency}`;
/** Money that has come in or gone out by settlement between banks. */
export const settlementAccount = (currency: string) => `${SETTLEMENT}${currency}`;
export const isSettlementAccount = (account: string) => account.startsWith(SETTLEMENT);
/** A customer has one account, in one currency. */
export const customerAccount = (name: string) => `customer:${name}`;
/** A merchant has one for each currency it sells in. */
export const merchantAccount = (name: string, currency: string) => `merchant:${currency}:${name}`;

/** The operator's own accounts in one currency: they stand for the world outside, so nothing bounds them. */
export function ownAccounts(currency: string): readonly { id: string; kind: AccountKind; creditLine: bigint }[] {
  return [
    { id: fundingAccount(currency), kind: 'settlement', creditLine: UNLIMITED },
    { id: settlementAccount(currency), kind: 'settlement', creditLine: UNLIMITED },
    { id: exchangeAccount(currency), kind: 'suspense', creditLine: UNLIMITED },
  ];
}

/** The records of commands that touch different accounts. @throws DepositError, or `ANSWER_PENDING` where time may help */
export function requireLedger(
  ledger: LedgerState,
  env: { readonly nowMs: number },
  ...commands: readonly LedgerCommand[]
): readonly LedgerStep[] {
  const steps: LedgerStep[] = [];
  for (const command of commands) {
    const decided = decideLedger(ledger, command, env);
    if ('refused' in decided) throw refusalOf(decided.refused);
    for (const record of decided) steps.push({ type: 'ledger', record });
  }
  return steps;
}

function refusalOf(refused: LedgerRefusalCode): HandselError {
  if (refused === 'HOLD_UNKNOWN' || refused === 'HOLD_EXPIRED') {
    return new DepositError('DEPOSIT_CLOSED', 'the money is no longer set aside');
  }
  // What one operator may owe another is used up: earned money is not refused for that, it waits for the settlement.
  if (refused === 'CEILING_EXCEEDED' || refused === 'INSUFFICIENT_FUNDS') return askAgain('a limit is used up for now');
  return new DepositError('DEPOSIT_REFUSED', `the ledger refuses: ${refused.toLowerCase().replaceAll('_', ' ')}`, {
    detail: { refused },
  });
}

/** For what cannot be done yet: whoever asked repeats the same message. */
export function askAgain(why: string): HandselError {
  return new HandselError('ANSWER_PENDING', why);
}
