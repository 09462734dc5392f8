/** How a deposit ends at the merchant (US 09/718,411, claims 10 and 11): its signed record goes to the acquirer, and a statement comes back. */
import { encodeCbor } from '../../codec/cbor.ts';
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env, Outgoing, Reply } from '../../journal/machine.ts';
import { roundNano } from '../../money/nano.ts';
import { CLEARING_GRACE_MS, transactionRecordType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { routeOf } from '../message/route.ts';
import type { MerchantInput, MerchantOptions } from './merchant-input.ts';
import {
  depositKey,
  FINISHED_KEY,
  type MerchantRecord,
  type MerchantSession,
  type MerchantState,
  tabOf,
} from './merchant-session.ts';
import { openSessionKey } from './session-key.ts';

const ACKNOWLEDGED = encodeCbor(null);
const RECORD = 'deposit-record ';
const TIMER = 'deposit ';

export const timerOf = (transaction: string, atMs: number) => ({ id: `${TIMER}${transaction}`, atMs });
export const transactionOfTimer = (id: string) => id.slice(TIMER.length);

/** When a session ends by itself: nothing bought for too long, or its time is over (claim 10). */
const endsByItselfMs = ({ lastAtMs, idleMs, endsAtMs }: MerchantSession) => Math.min(lastAtMs + idleMs, endsAtMs);

export function decideConclude(
  { sessions }: MerchantState,
  input: Extract<MerchantInput, { type: 'conclude' }>,
  env: Env,
  options: MerchantOptions,
): Decision<MerchantRecord> {
  const session = sessions.get(input.transaction);
  if (session === undefined) throw new DepositError('DEPOSIT_UNKNOWN', 'there is no such deposit here');
  if (session.status !== 'open') return { records: [], answer: ACKNOWLEDGED };
  const { transaction, ending, message } = input;
  const lapsesAtMs = Math.max(session.endsAtMs, env.nowMs) + CLEARING_GRACE_MS;
  return {
    records: [
      { type: 'concluded', transaction, ending, ...(message === undefined ? {} : { message }), atMs: env.nowMs },
    ],
    keys: [depositKey(transaction)],
    answer: ACKNOWLEDGED,
    send: [recordOf(session, env, lapsesAtMs, options)],
    timers: [timerOf(transaction, lapsesAtMs)],
  };
}

function recordOf(session: MerchantSession, env: Env, expiresAtMs: number, options: MerchantOptions): Outgoing {
  const { transaction, unitNano, currency, checkpoint, epoch } = session;
  const { count, units, head, steps, words } = tabOf(session);
  const privateKey = openSessionKey({ transaction, storageKey: options.storageKey, sealed: session.sealedKey });
  const record = {
    ...{ transaction, by: 'merchant' as const, count, units, unitNano, currency, head },
    ...(epoch === 0 ? {} : { released: { checkpoint, steps, words } }),
    atMs: env.nowMs,
  };
  return {
    id: `${RECORD}${transaction}`,
    to: routeOf(options.operatorUrl, transactionRecordType),
    kind: transactionRecordType.name,
    body: signMessage(transactionRecordType, record, { privateKey }),
    expiresAtMs,
  };
}

export function receivedReply({ id, outcome }: Reply): MerchantInput {
  const transaction = id.slice(RECORD.length);
  if (outcome.type === 'answered') return { type: 'told', transaction };
  return { type: 'told', transaction, refused: outcome.type === 'refused' ? outcome.code : 'EXPIRED' };
}

/** What becomes of the record is kept; the session waits for its statement all the same. */
export function decideTold(
  { sessions }: MerchantState,
  { transaction, refused }: Extract<MerchantInput, { type: 'told' }>,
  env: Env,
): Decision<MerchantRecord> {
  if (!sessions.has(transaction)) return { records: [] };
  const records = [
    { type: 'told' as const, transaction, ...(refused === undefined ? {} : { refused }), atMs: env.nowMs },
  ];
  return { records, keys: [depositKey(transaction)] };
}

export function decideStatement(
  { sessions }: MerchantState,
  { transaction, paid, statement }: Extract<MerchantInput, { type: 'statement' }>,
  env: Env,
): Decision<MerchantRecord> {
  const session = sessions.get(transaction);
  if (session === undefined) throw new DepositError('DEPOSIT_UNKNOWN', 'there is no such deposit here');
  if (paid.currency !== session.currency)
    throw new DepositError('RECORD_UNFIT', 'the statement is in another currency');
  const expectedMinor = earnedMinor(session);
  const { count } = session;
  return {
    records: [
      { type: 'settled', transaction, statement, paidMinor: paid.minor, expectedMinor, count, atMs: env.nowMs },
    ],
    keys: [depositKey(transaction), FINISHED_KEY],
    answer: ACKNOWLEDGED,
    cancel: [`${RECORD}${transaction}`],
    clearTimers: [`${TIMER}${transaction}`],
  };
}

/** Rounded once, as at clearing, and never above the deposit. */
function earnedMinor({ currency, units, unitNano, depositMinor }: MerchantSession): bigint {
  const { minor } = roundNano({ currency, nano: BigInt(units) * BigInt(unitNano) });
  return minor > depositMinor ? depositMinor : minor;
}

export function decideTime(
  state: MerchantState,
  { transaction }: Extract<MerchantInput, { type: 'time' }>,
  env: Env,
  options: MerchantOptions,
): Decision<MerchantRecord> {
  const session = state.sessions.get(transaction);
  if (session === undefined) return { records: [] };
  if (session.status === 'concluding') {
    const keys = [depositKey(transaction), FINISHED_KEY];
    return { records: [{ type: 'lapsed', transaction, atMs: env.nowMs }], keys };
  }
  const dueMs = endsByItselfMs(session);
  // A purchase came after the timer was set: setting it anew each time would cost a record a purchase.
  if (env.nowMs < dueMs) return { records: [], timers: [timerOf(transaction, dueMs)] };
  return decideConclude(state, { type: 'conclude', transaction, ending: 'time' }, env, options);
}
