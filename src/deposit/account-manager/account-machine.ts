/**
 * The account manager (US 09/718,411): the machine of an operator's accounts. It alone says how much of a customer's money is set aside,
 * what is taken of it in the end, and what the operators owe each other.
 */
import type { Decision, Env, Machine } from '../../journal/machine.ts';
import { DepositError } from '../message/deposit-error.ts';
import type { AccountInput } from './account-input.ts';
import type { AccountPolicy } from './account-policy.ts';
import type { AccountRecord } from './account-record.ts';
import {
  type AccountState,
  applyAccounts,
  createAccountState,
  restoreAccounts,
  snapshotAccounts,
} from './account-state.ts';
import { decideHoldAnswered, decidePosted } from './answer-hold.ts';
import { decideClearing } from './clear-deposit.ts';
import { decideInitiation, holdTimer } from './initiate.ts';
import { decideFund, decideOpenAccount, decideSetUp } from './keep-accounts.ts';
import { decideIdle, decideLogOn, sessionTimer } from './log-on.ts';
import { decideAcknowledged, decideRefused, decideUnanswered } from './open-deposit.ts';
import { receiveReply } from './receive-operator.ts';
import { decideSettle, decideSettlement, decideSettlementAnswered, decideSettlePosition } from './settle.ts';
import { decideCarried } from './take-carried.ts';
import { decideLapse, decideRecord } from './take-record.ts';

export function createAccountManager(policy: AccountPolicy): Machine<AccountState, AccountInput, AccountRecord> {
  return {
    name: `account-manager-${policy.name}`,
    initial: createAccountState,
    decide: (state, input, env) => decide(state, input, env, policy),
    apply: applyAccounts,
    snapshot: snapshotAccounts,
    restore: restoreAccounts,
    received: (reply) => receiveReply(reply, policy.validateOperator),
    fired({ id }) {
      if (id.startsWith(holdTimer(''))) return { type: 'lapse' };
      if (id.startsWith(sessionTimer(''))) return { type: 'idle', session: id.slice(sessionTimer('').length) };
      throw new DepositError('IDENTITY_MALFORMED', 'not a timer of an account manager');
    },
  };
}

function decide(state: AccountState, input: AccountInput, env: Env, policy: AccountPolicy): Decision<AccountRecord> {
  switch (input.type) {
    case 'set-up':
      return decideSetUp(state, input, env, policy);
    case 'open-account':
      return decideOpenAccount(state, input, env, policy);
    case 'fund':
      return decideFund(state, input, env, policy);
    case 'log-on':
      return decideLogOn(state, input, env, policy);
    case 'initiation':
      return decideInitiation(state, input, env, policy);
    case 'acknowledged':
      return decideAcknowledged(state, input, env, policy);
    case 'refused':
      return decideRefused(state, input, env, policy);
    case 'unanswered':
      return decideUnanswered(state, input, env, policy);
    case 'hold-answered':
      return decideHoldAnswered(state, input, env, policy);
    case 'posted':
      return decidePosted(state, input, env);
    case 'record':
      return decideRecord(state, input, policy);
    case 'clearing':
      return decideClearing(state, input, env, policy);
    case 'carried':
      return decideCarried(state, input, env, policy);
    case 'settle':
      return decideSettle(state, input, env, policy);
    case 'settle-position':
      return decideSettlePosition(state, input, env, policy);
    case 'settlement':
      return decideSettlement(state, input, env, policy);
    case 'settlement-answered':
      return decideSettlementAnswered(state, input, env);
    case 'lapse':
      return decideLapse(state, env, policy);
    case 'idle':
      return decideIdle(state, input.session, env, policy);
    case 'told':
      return { records: [] };
  }
}
