/**
 * Concluding a deposit on the accounts (US 09/718,411, claims 10 and 11). What was not used comes back in the merchant's currency and is
 * converted at the rate of the session (ERI-C); all the money moves in one decision.
 */
import { equalBytes } from '../../codec/hex.ts';
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { clearingAccount } from '../../ledger/clearing.ts';
import type { LedgerCommand } from '../../ledger/command.ts';
import { findAccount } from '../../ledger/ledger.ts';
import type { Amount } from '../../money/amount.ts';
import { convertAmount, invertRate, type Rate } from '../../money/rate.ts';
import { billingRecord, type WithdrawalRecord } from '../message/billing-record.ts';
import { type ClearingInformation, statementType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import type { ClearingInput } from './account-input.ts';
import type { AccountPolicy } from './account-policy.ts';
import { type AccountRecord, accountKey } from './account-record.ts';
import type { AccountState, OpenDeposit } from './account-state.ts';
import { bill, billClearing } from './bill.ts';
import { payeePart, requirePayee } from './credit-payee.ts';
import { postElsewhere } from './elsewhere-message.ts';
import { amendedInitiationId, holdTimer } from './initiate.ts';
import { ACKNOWLEDGED } from './keep-accounts.ts';
import { exchangeAccount, requireLedger } from './ledger-step.ts';
import { requireOperator, requireRate } from './open-deposit.ts';
import { requireReleased } from './require-released.ts';
import { recordId, refuseWaiting } from './take-record.ts';

/**
 * As the customer's operator, as the merchant's, or as both: then all of it at once, and nobody owes anybody. Where accounts are cut into
 * shards this is the shard of whoever pays; the payee's hears of it through the outbox (`take-carried.ts`).
 */
export function decideClearing(
  state: AccountState,
  input: ClearingInput,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const { operator, clearing } = input;
  const ofCustomer = clearing.accountManager === policy.name;
  const ofMerchant = operator === policy.name;
  if (ofCustomer) return withdraw(state, input, env, policy);
  if (ofMerchant) return creditMerchant(state, input, env, policy);
  throw new DepositError('OPERATOR_UNKNOWN', 'neither the customer nor the merchant of this transaction is ours');
}

function withdraw(state: AccountState, input: ClearingInput, env: Env, policy: AccountPolicy): Decision<AccountRecord> {
  const { clearing, bytes, operator } = input;
  const { transaction, paid, merchant, rate } = clearing;
  const held = state.deposits.get(transaction);
  if (held === undefined) throw new DepositError('DEPOSIT_UNKNOWN', 'no such deposit is open');
  requireOperator(held, operator);
  requireClearing(held, clearing, policy);

  const { withdrawn, returned } = shareOut({ deposit: held.deposit, rate, paid, unused: clearing.unused });
  const withdrawal: WithdrawalRecord = {
    ...{ transaction, merchant, paid, rate, withdrawn, returned },
    customer: held.customer,
    merchantOperator: operator,
    deposit: held.deposit,
    atMs: env.nowMs,
  };
  const booked = { clearing: bytes, booked: withdrawn, returned, atMs: env.nowMs };
  const statement = signMessage(statementType, booked, policy.signer);
  const payee = requirePayee(state.ledger, input, policy);
  const commands = settleHold({ transaction, withdrawn, paid, payee: payee.account });
  const steps = requireLedger(state.ledger, env, ...commands);
  const other = payeePart(input, payee, env, policy);
  return {
    records: [...steps, { type: 'withdrawn', transaction, withdrawal, statement }, ...other.records],
    keys: [...new Set([...other.keys, accountKey(held.customer)])],
    answer: ACKNOWLEDGED,
    answers: [
      ...(held.recorded === null ? [] : [{ messageId: recordId(transaction), body: statement }]),
      // Cleared by the other side without ever having been acknowledged: nobody is left waiting.
      ...(held.status === 'vouched' ? refuseWaiting(transaction, { ...held, recorded: null }, policy) : []),
    ],
    send: [
      bill(billingRecord('withdrawal', withdrawal)),
      ...(policy.accountsElsewhere === true ? [postElsewhere(transaction, held.customer, withdrawn)] : []),
      ...other.send,
    ],
    cancel: [amendedInitiationId(transaction), recordId(transaction)],
    clearTimers: [holdTimer(transaction)],
  };
}

/** For a merchant of ours and a customer of another operator, who owes us from now on. */
function creditMerchant(
  state: AccountState,
  input: ClearingInput,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const { clearing } = input;
  const { transaction, accountManager, paid } = clearing;
  const payee = requirePayee(state.ledger, input, policy);
  const from = clearingAccount(accountManager, paid.currency);
  if (findAccount(state.ledger, from) === undefined) {
    throw new DepositError('OPERATOR_UNKNOWN', `nothing in ${paid.currency} is cleared with the customer's operator`);
  }
  const leg = { from, to: payee.account, amount: paid };
  const commands: LedgerCommand[] = paid.minor === 0n ? [] : [{ type: 'transfer', id: transaction, legs: [leg] }];
  const steps = requireLedger(state.ledger, env, ...commands);
  const { records, keys, send } = payeePart(input, payee, env, policy);
  return {
    records: [...steps, ...records],
    keys,
    answer: ACKNOWLEDGED,
    send: [...billClearing(clearing, { operator: accountManager, direction: 'due', atMs: env.nowMs }), ...send],
  };
}

/** @throws DepositError where the clearing information is not about this deposit or does not add up */
function requireClearing(held: OpenDeposit, clearing: ClearingInformation, policy: AccountPolicy): void {
  const { merchant, rate, paid, unused, customerRecord } = clearing;
  if (merchant !== held.merchant) throw new DepositError('MERCHANT_UNKNOWN', 'the deposit is with another merchant');
  requireRate(held, rate, policy);
  const there = convertAmount(held.deposit, rate);
  if (paid.currency !== there.currency || unused.currency !== there.currency) {
    throw new DepositError('RECORD_UNFIT', `expected amounts in ${there.currency}`);
  }
  if (paid.minor + unused.minor !== there.minor) {
    throw new DepositError('RECORD_UNFIT', `paid and unused are not the deposit of ${there.minor} minor units`);
  }
  requireReleased(held, clearing);
  if (customerRecord === undefined) return;
  if (held.recorded === null || !equalBytes(held.recorded, customerRecord)) {
    throw new DepositError('RECORD_UNFIT', "the customer's record is not the one that went through here");
  }
}

/**
 * What is taken of the deposit and what comes back, in the customer's currency: the unused rest is converted at the rate of the
 * session, rounded as all conversions are. Who bought nothing pays nothing, whatever rounding would leave of the rest.
 */
export function shareOut(cleared: {
  readonly deposit: Amount;
  readonly rate: Rate;
  readonly paid: Amount;
  readonly unused: Amount;
}): { readonly withdrawn: Amount; readonly returned: Amount } {
  const { deposit, rate, paid, unused } = cleared;
  const { currency } = deposit;
  const returned = paid.minor === 0n ? deposit : convertAmount(unused, invertRate(rate));
  return { withdrawn: { currency, minor: deposit.minor - returned.minor }, returned };
}

function settleHold(cleared: {
  readonly transaction: string;
  readonly withdrawn: Amount;
  readonly paid: Amount;
  readonly payee: string;
}): readonly LedgerCommand[] {
  const { transaction: id, withdrawn, paid, payee } = cleared;
  if (paid.minor === 0n) return [{ type: 'release', id, hold: id }];
  const post = (account: string): LedgerCommand => {
    return { type: 'post', id, hold: id, to: [{ account, amount: withdrawn }], rest: 'release' };
  };
  if (withdrawn.currency === paid.currency) return [post(payee)];
  const leg = { from: exchangeAccount(paid.currency), to: payee, amount: paid };
  return [post(exchangeAccount(withdrawn.currency)), { type: 'transfer', id, legs: [leg] }];
}
