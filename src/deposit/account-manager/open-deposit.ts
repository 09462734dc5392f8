/** What the merchant's operator says to an initiation (US 09/718,411, claims 7 and 8), and what the customer hears of it. */
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { convertAmount, type Rate } from '../../money/rate.ts';
import { DepositError } from '../message/deposit-error.ts';
import { type DepositRefused, type Opened, openedType } from '../message/initiation.ts';
import { issueTemporaryCertificate } from '../message/temporary-certificate.ts';
import type { ReplyInput } from './account-input.ts';
import type { AccountPolicy } from './account-policy.ts';
import { type AccountRecord, depositKey } from './account-record.ts';
import type { AccountState, OpenDeposit } from './account-state.ts';
import { releaseElsewhere } from './elsewhere-message.ts';
import { holdTimer, initiationId, signRefused } from './initiate.ts';
import { requireCustomer } from './keep-accounts.ts';
import { requireLedger } from './ledger-step.ts';
import { availableTo } from './log-on.ts';

/** A deposit that is over or answered already has no use for the reply. */
function vouchedDeposit({ deposits }: AccountState, transaction: string): OpenDeposit | undefined {
  const deposit = deposits.get(transaction);
  return deposit?.status === 'vouched' ? deposit : undefined;
}

/** @throws DepositError when the acknowledgement is not what was asked for: it is asked for again, until it is given up */
export function decideAcknowledged(
  state: AccountState,
  input: Extract<ReplyInput, { type: 'acknowledged' }>,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const { transaction, acknowledgement, key } = input;
  const deposit = vouchedDeposit(state, transaction);
  if (deposit === undefined) return { records: [] };
  requireOperator(deposit, input.operator);
  if (input.notAfterMs < env.nowMs)
    throw new DepositError('CERTIFICATE_UNFIT', "the merchant's certificate has expired");
  const { rate, url } = acknowledgement;
  requireRate(deposit, rate, policy);
  const there = convertAmount(deposit.deposit, rate);
  if (acknowledgement.deposit.currency !== there.currency || acknowledgement.deposit.minor !== there.minor) {
    throw new DepositError('DEPOSIT_REFUSED', `expected a deposit of ${there.minor} minor units of ${there.currency}`);
  }

  const notAfterMs = Math.min(input.notAfterMs, deposit.heldUntilMs);
  const certificate = issueTemporaryCertificate(
    { transaction, of: 'merchant', key, issuer: policy.name, notAfterMs },
    { privateKey: policy.signer.privateKey },
  );
  const available = deposit.available ?? availableTo(requireCustomer(state.ledger, deposit.customer));
  const opened: Opened = { transaction, rate, deposit: there, certificate, url, available };
  return {
    records: [{ type: 'opened', transaction, rate, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    answers: [{ messageId: initiationId(transaction), body: signMessage(openedType, opened, policy.signer) }],
  };
}

export function decideRefused(
  state: AccountState,
  input: Extract<ReplyInput, { type: 'refused' }>,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const { transaction, operator } = input;
  const deposit = vouchedDeposit(state, transaction);
  if (deposit === undefined) return { records: [] };
  if (operator !== undefined) requireOperator(deposit, operator);
  const code = input.code.slice(0, 64) || 'DEPOSIT_REFUSED';
  const detail = input.detail.slice(0, 200);
  const released = requireLedger(state.ledger, env, { type: 'release', id: transaction, hold: transaction });
  return {
    records: [...released, { type: 'refused', transaction, code, detail, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    answers: [{ messageId: initiationId(transaction), body: signRefused({ transaction, code, detail }, policy) }],
    send: policy.accountsElsewhere === true ? [releaseElsewhere(transaction, deposit.customer)] : [],
    clearTimers: [holdTimer(transaction)],
  };
}

/** The other operator may have accepted what it never acknowledged, and it has our word: the money stays set aside. */
export function decideUnanswered(
  state: AccountState,
  { transaction }: Extract<ReplyInput, { type: 'unanswered' }>,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  if (vouchedDeposit(state, transaction) === undefined) return { records: [] };
  const refused: DepositRefused = {
    transaction,
    code: 'OPERATOR_SILENT',
    detail: "the merchant's operator has not answered; the money is free when it clears or when its time is over",
  };
  return {
    records: [{ type: 'unanswered', transaction, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    answers: [{ messageId: initiationId(transaction), body: signRefused(refused, policy) }],
  };
}

/** @throws DepositError `OPERATOR_UNKNOWN` */
export function requireOperator({ merchantOperator }: OpenDeposit, operator: string): void {
  if (operator !== merchantOperator) {
    throw new DepositError('OPERATOR_UNKNOWN', 'signed by an operator who is not of this transaction');
  }
}

/** The agreed rate, or before there is one the proposed rate, or a sane one. @throws DepositError `RATE_UNKNOWN` */
export function requireRate(deposit: OpenDeposit, rate: Rate, policy: AccountPolicy): void {
  const expected = deposit.rate ?? deposit.proposed;
  const { deposit: here, merchantCurrency } = deposit;
  if (rate.from !== here.currency || rate.to !== merchantCurrency) {
    throw new DepositError('RATE_UNKNOWN', `expected a rate from ${here.currency} to ${merchantCurrency}`);
  }
  const fits =
    expected === null
      ? policy.isSaneRate(rate)
      : rate.numerator === expected.numerator && rate.denominator === expected.denominator;
  if (!fits) throw new DepositError('RATE_UNKNOWN', 'the rate is not the one of this transaction, or not a sane one');
}
