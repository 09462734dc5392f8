/**
 * The customer's record (US 09/718,411, claim 10) goes on to the acquirer byte for byte, and the customer waits for the statement. When no
 * clearing information comes in all the time there is, the money is free again.
 */
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { decideLedger } from '../../ledger/decide.ts';
import { transactionRecordType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { routeOf } from '../message/route.ts';
import type { AccountInput, RecordInput } from './account-input.ts';
import { type AccountPolicy, urlOf } from './account-policy.ts';
import { type AccountRecord, depositKey } from './account-record.ts';
import type { AccountState, OpenDeposit } from './account-state.ts';
import { releaseElsewhere } from './elsewhere-message.ts';
import { amendedInitiationId, holdTimer, initiationId, signRefused } from './initiate.ts';
import { askAgain } from './ledger-step.ts';

/** Holds that lapse in one decision: each has keys of its own. */
const LAPSE_LIMIT = 16;

/** Of the customer's message, and of ours that carries it on. */
export const recordId = (transaction: string) => `record:${transaction}:customer`;

export function decideRecord(
  state: AccountState,
  { record, bytes, ended }: RecordInput,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  if (ended?.statement !== undefined) return { records: [], answer: ended.statement };
  if (ended !== undefined) throw new DepositError('DEPOSIT_CLOSED', 'the deposit is over and nothing was taken of it');
  const { transaction, units, unitNano } = record;
  const deposit = state.deposits.get(transaction);
  // It was open a moment ago, at the door: the next time the journal has the statement.
  if (deposit === undefined) throw askAgain('the deposit is being concluded');
  if (record.by !== 'customer' || record.currency !== deposit.merchantCurrency) {
    throw new DepositError('RECORD_UNFIT', `expected a record of the customer in ${deposit.merchantCurrency}`);
  }
  const digest = sha256(bytes);
  if (deposit.recorded !== null) {
    if (!equalBytes(deposit.recorded, digest)) throw new DepositError('RECORD_UNFIT', 'another record was sent before');
    return { records: [] };
  }
  return {
    records: [{ type: 'recorded', transaction, bytes, digest, value: { units, unitNano } }],
    keys: [depositKey(transaction)],
    send: [
      {
        id: recordId(transaction),
        to: routeOf(urlOf(policy, deposit.merchantOperator), transactionRecordType),
        kind: transactionRecordType.name,
        body: bytes,
        expiresAtMs: deposit.heldUntilMs,
      },
    ],
  };
}

export function decideLapse(state: AccountState, env: Env, policy: AccountPolicy): Decision<AccountRecord> {
  const expired = decideLedger(state.ledger, { type: 'expire', limit: LAPSE_LIMIT }, env);
  if ('refused' in expired) return { records: [] };
  const lapsed = expired.flatMap((record) => (record.type === 'expired' ? [record.hold] : []));
  return {
    records: [
      ...expired.map((record) => ({ type: 'ledger' as const, record })),
      ...lapsed.map((transaction) => ({ type: 'lapsed' as const, transaction, atMs: env.nowMs })),
    ],
    keys: lapsed.map((transaction) => depositKey(transaction)),
    answers: lapsed.flatMap((transaction) => refuseWaiting(transaction, state.deposits.get(transaction)!, policy)),
    send:
      policy.accountsElsewhere === true
        ? lapsed.map((transaction) => releaseElsewhere(transaction, state.deposits.get(transaction)!.customer))
        : [],
    cancel: lapsed.flatMap((transaction) => [amendedInitiationId(transaction), recordId(transaction)]),
    clearTimers: lapsed.map((transaction) => holdTimer(transaction)),
    // Whose timer has gone off may be among the rest.
    inputs: lapsed.length === LAPSE_LIMIT ? [{ type: 'lapse' } satisfies AccountInput] : [],
  };
}

/** For the messages of the customer that wait for an answer there will not be. */
export function refuseWaiting(
  transaction: string,
  { status, recorded }: Pick<OpenDeposit, 'status' | 'recorded'>,
  policy: AccountPolicy,
): readonly { readonly messageId: string; readonly body: Uint8Array }[] {
  const waiting = [
    ...(status === 'vouched' ? [initiationId(transaction)] : []),
    ...(recorded === null ? [] : [recordId(transaction)]),
  ];
  if (waiting.length === 0) return [];
  const refused = { transaction, code: 'DEPOSIT_CLOSED', detail: 'the deposit is over: nothing more is taken of it' };
  const body = signRefused(refused, policy);
  return waiting.map((messageId) => ({ messageId, body }));
}
