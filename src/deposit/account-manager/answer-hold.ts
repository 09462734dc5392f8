/** What became of money that was asked for where the accounts are kept: the deposit is vouched for now, or declined. */
import type { Decision, Env } from '../../journal/machine.ts';
import { billingRecord } from '../message/billing-record.ts';
import { partsOfTransaction } from '../message/identity.ts';
import type { ReplyInput } from './account-input.ts';
import type { AccountPolicy } from './account-policy.ts';
import { type AccountRecord, depositKey } from './account-record.ts';
import type { AccountState } from './account-state.ts';
import { bill } from './bill.ts';
import { releaseElsewhere } from './elsewhere-message.ts';
import { initiationId, signRefused, vouchFor } from './initiate.ts';
import { customerAccount, fundingAccount, requireLedger } from './ledger-step.ts';

export function decideHoldAnswered(
  state: AccountState,
  { transaction, held, silent, available }: Extract<ReplyInput, { type: 'hold-answered' }>,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const asked = state.asking.get(transaction);
  if (asked === undefined) return { records: [] };
  const { terms, idleMs } = asked;
  const session = state.sessions.get(partsOfTransaction(transaction).session);
  const late = terms.endsAtMs <= env.nowMs || session === undefined;
  if (held && !late) return vouchFor({ transaction, session, terms, idleMs, available }, state, env, policy);

  const code = held || silent ? 'ACCOUNT_SILENT' : 'CREDIT_EXCEEDED';
  const detail = held || silent ? 'the accounts have not answered in time' : 'the account has less available than this';
  return {
    records: [{ type: 'declined', transaction, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    answers: [{ messageId: initiationId(transaction), body: signRefused({ transaction, code, detail }, policy) }],
    // Nobody knows whether it is held: from now on it is not.
    send: held || silent ? [releaseElsewhere(transaction, terms.customer)] : [],
  };
}

/** The money has come in from where the accounts are. */
export function decidePosted(
  { ledger }: AccountState,
  { transaction, customer, amount }: Extract<ReplyInput, { type: 'posted' }>,
  env: Env,
): Decision<AccountRecord> {
  const legs = [{ from: fundingAccount(amount.currency), to: customerAccount(customer), amount }];
  const reference = `account:${transaction}`;
  return {
    records: requireLedger(ledger, env, { type: 'transfer', id: transaction, legs }),
    send: [bill(billingRecord('funding', { reference, customer, amount, atMs: env.nowMs }))],
  };
}
