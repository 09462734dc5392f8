/**
 * Concluding a deposit (US 09/718,411, claims 10, 11 and 23): records of both sides are waited for, then compared, and both account
 * managers are told what was paid.
 */
import { encodeCbor } from '../../codec/cbor.ts';
import { equalBytes } from '../../codec/hex.ts';
import { importPoint } from '../../crypto/agreement.ts';
import { sha256 } from '../../crypto/digest.ts';
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env, Outgoing } from '../../journal/machine.ts';
import { subtractAmounts } from '../../money/amount.ts';
import { type ClearingInformation, clearingInformationType, concludeType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { routeOf } from '../message/route.ts';
import { ruleDeposit } from '../message/ruling.ts';
import type { RecordInput, SettledInput } from './acquirer-input.ts';
import { type AcquirerPolicy, recordWaitMs } from './acquirer-policy.ts';
import { type AcquirerRecord, type AcquirerState, type Deposit, depositKey, exposureTo } from './acquirer-state.ts';
import { timerId, timerOf } from './timer.ts';

type AcquirerDecision = Decision<AcquirerRecord>;
type OpenedDeposit = Deposit & { readonly merchantKey: Uint8Array };

const ACKNOWLEDGED = encodeCbor(null);

/** Late and repeated records change nothing; a second, different one of the same side is refused. */
export function decideRecord(
  { deposits }: AcquirerState,
  { transaction, by, bytes }: RecordInput,
  env: Env,
  policy: AcquirerPolicy,
): AcquirerDecision {
  const deposit = deposits.get(transaction);
  if (deposit === undefined) return { records: [], answer: ACKNOWLEDGED };
  if (!isOpened(deposit)) throw new DepositError('DEPOSIT_UNKNOWN', 'the deposit is not open yet');
  const kept = by === 'customer' ? deposit.customerRecord : deposit.merchantRecord;
  if (kept !== undefined) {
    if (equalBytes(kept, bytes)) return { records: [], answer: ACKNOWLEDGED };
    throw new DepositError('RECORD_UNFIT', `the ${by} has sent another record before`);
  }
  const deadlineMs = deposit.deadlineMs ?? env.nowMs + recordWaitMs(policy);
  const taken = { type: 'record' as const, transaction, by, bytes, deadlineMs, atMs: env.nowMs };
  const changed = { ...deposit, ...(by === 'customer' ? { customerRecord: bytes } : { merchantRecord: bytes }) };
  if (changed.customerRecord !== undefined && changed.merchantRecord !== undefined) {
    const cleared = clear(changed, env, policy);
    return { ...cleared, records: [taken, ...cleared.records], answer: ACKNOWLEDGED };
  }
  return {
    records: [taken],
    keys: [depositKey(transaction)],
    answer: ACKNOWLEDGED,
    // No merchant is taken by surprise; one who was told already is not told again.
    ...(by === 'customer' && deposit.deadlineMs === undefined
      ? { send: [concludeTo(deposit, deadlineMs, policy)] }
      : {}),
    timers: [timerOf(transaction, deadlineMs)],
  };
}

/** At the deposit's end the merchant is asked for its record, at the deadline there is a ruling whatever came. */
export function decideTime(
  { deposits }: AcquirerState,
  transaction: string,
  env: Env,
  policy: AcquirerPolicy,
): AcquirerDecision {
  const deposit = deposits.get(transaction);
  if (deposit === undefined || !isOpened(deposit)) return { records: [] };
  if (deposit.deadlineMs !== undefined) return clear(deposit, env, policy);
  const deadlineMs = Math.max(deposit.endsAtMs, env.nowMs) + recordWaitMs(policy);
  return {
    records: [{ type: 'concluding', transaction, deadlineMs, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    send: [concludeTo(deposit, deadlineMs, policy)],
    timers: [timerOf(transaction, deadlineMs)],
  };
}

function isOpened(deposit: Deposit): deposit is OpenedDeposit {
  return deposit.merchantKey !== undefined;
}

const concludeId = (transaction: string) => `conclude:${transaction}`;

function concludeTo({ transaction, merchantUrl }: Deposit, deadlineMs: number, { signer }: AcquirerPolicy): Outgoing {
  return {
    id: concludeId(transaction),
    to: routeOf(merchantUrl, concludeType),
    kind: concludeType.name,
    body: signMessage(concludeType, { transaction, deadlineMs }, signer),
    expiresAtMs: deadlineMs,
  };
}

function clear(deposit: OpenedDeposit, env: Env, policy: AcquirerPolicy): AcquirerDecision {
  const { transaction, accountManagerUrl } = deposit;
  const information = clearingOf(deposit, env);
  const clearing = signMessage(clearingInformationType, information, policy.signer);
  const kind = clearingInformationType.name;
  // One message where both have their accounts with us.
  const urls = new Set([accountManagerUrl, policy.accountManagerUrl]);
  return {
    records: [{ type: 'cleared', transaction, paidMinor: information.paid.minor, clearing, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    // Until they are acknowledged: money depends on them.
    send: [...urls].map((url, at) => {
      return { id: `clearing:${transaction}:${at}`, to: routeOf(url, clearingInformationType), kind, body: clearing };
    }),
    cancel: [concludeId(transaction)],
    clearTimers: [timerId(transaction)],
  };
}

function clearingOf(open: OpenedDeposit, env: Env): ClearingInformation {
  const { transaction, merchant, accountManager, deposit, rate, customerRecord, merchantRecord } = open;
  const records = { ...(customerRecord && { customerRecord }), ...(merchantRecord && { merchantRecord }) };
  const ruling = ruleDeposit({
    ...{ transaction, deposit, ...records },
    customerKey: importPoint(open.customerKey),
    merchantKey: importPoint(open.merchantKey),
  });
  const { paid, count, head, released, reasons } = ruling;
  return {
    ...{
      transaction,
      merchant,
      accountManager,
      paid,
      unused: subtractAmounts(deposit, paid),
      rate,
      count,
      head,
      reasons,
    },
    ...(released && { released }),
    ...(customerRecord && { customerRecord: sha256(customerRecord) }),
    ...(merchantRecord && { merchantRecord: sha256(merchantRecord) }),
    atMs: env.nowMs,
  };
}

/** What was set off beyond what we counted is not ours to know: the exposure never goes below nothing. */
export function decideSettled(
  state: AcquirerState,
  { operator, amount: { currency, minor: settledMinor } }: SettledInput,
  env: Env,
): AcquirerDecision {
  if (settledMinor <= 0n) throw new DepositError('RECORD_UNFIT', 'a settlement is of more than nothing');
  const { clearedMinor } = exposureTo(state, operator, currency);
  const minor = settledMinor < clearedMinor ? settledMinor : clearedMinor;
  if (minor === 0n) return { records: [], answer: ACKNOWLEDGED };
  return { records: [{ type: 'settled', operator, currency, minor, atMs: env.nowMs }], answer: ACKNOWLEDGED };
}
