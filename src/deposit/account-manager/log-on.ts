/** Logging on: session and transaction identities (ERI-A), what may still be set aside, and the bank's rates (ERI-B). */
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import type { Account } from '../../ledger/account-table.ts';
import type { Amount } from '../../money/amount.ts';
import { DepositError } from '../message/deposit-error.ts';
import { sessionOf, transactionOf } from '../message/identity.ts';
import { type LoggedOn, type LogOn, loggedOnType } from '../message/initiation.ts';
import type { LogOnInput } from './account-input.ts';
import { type AccountPolicy, sessionIdleMs } from './account-policy.ts';
import { type AccountRecord, depositKey } from './account-record.ts';
import type { AccountState } from './account-state.ts';
import { requireCustomer } from './keep-accounts.ts';
import { MAX_SAID_MINOR } from './ledger-step.ts';

/** Sessions cost nothing to begin, so what one customer can make us remember is bounded. */
const MAX_SESSIONS_OF_CUSTOMER = 1000;
const MAX_WAITING = 64;

export function decideLogOn(
  state: AccountState,
  { customer, logOn, available }: LogOnInput,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const account = requireCustomer(state.ledger, customer);
  const rates = policy.rateTable(account.currency, env.nowMs);
  const { session, transaction } = nextIdentity(state, customer, logOn, policy);
  const loggedOn: LoggedOn = { session, transaction, available: available ?? availableTo(account), rates };
  const { merchant } = logOn;
  return {
    records: [{ type: 'logged-on', session, transaction, customer, merchant, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    answer: signMessage(loggedOnType, loggedOn, policy.signer),
    timers: [{ id: sessionTimer(session), atMs: env.nowMs + sessionIdleMs(policy) }],
  };
}

function nextIdentity(
  state: AccountState,
  customer: string,
  { session: known, merchant }: LogOn,
  policy: AccountPolicy,
) {
  if (known === undefined) {
    if ((state.sessionsOf.get(customer) ?? 0) >= MAX_SESSIONS_OF_CUSTOMER) {
      throw new DepositError(
        'DEPOSIT_REFUSED',
        `a customer has at most ${MAX_SESSIONS_OF_CUSTOMER} sessions at a time`,
      );
    }
    const session = newSession(state.sessionCount + 1, policy);
    return { session, transaction: transactionOf(session, 1) };
  }
  const session = state.sessions.get(known);
  if (session === undefined || session.customer !== customer || session.merchant !== merchant) {
    throw new DepositError('DEPOSIT_UNKNOWN', 'no such session of this customer with this merchant');
  }
  if (session.waiting.length >= MAX_WAITING) {
    throw new DepositError('DEPOSIT_REFUSED', `at most ${MAX_WAITING} transactions of a session wait to be initiated`);
  }
  return { session: known, transaction: transactionOf(known, session.newest + 1) };
}

function newSession(count: number, { name, shard }: AccountPolicy): string {
  return shard === undefined ? sessionOf(name, count) : shard.map.sessionOf({ shard: shard.number, count });
}

export function decideIdle(state: AccountState, id: string, env: Env, policy: AccountPolicy): Decision<AccountRecord> {
  const session = state.sessions.get(id);
  if (session === undefined) return { records: [] };
  const usedAtMs = session.open > 0 ? env.nowMs : session.usedAtMs;
  const atMs = usedAtMs + sessionIdleMs(policy);
  if (atMs > env.nowMs) return { records: [], timers: [{ id: sessionTimer(id), atMs }] };
  return { records: [{ type: 'forgotten', session: id }] };
}

export function availableTo({ currency, available }: Account): Amount {
  return { currency, minor: available < MAX_SAID_MINOR ? available : MAX_SAID_MINOR };
}

export const sessionTimer = (session: string) => `session:${session}`;
