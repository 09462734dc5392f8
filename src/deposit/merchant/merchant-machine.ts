/**
 * The merchant's side of deposits (US 09/718,411, claims 1, 5, 6, 10 and 11): its operator tells of a deposit, the customer pays out of
 * it, and when it ends the merchant proves what it earned. Purchases come from the till (`till.ts`), already checked, a flush at a time.
 */
import { encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, equalBytes } from '../../codec/hex.ts';
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env, Machine } from '../../journal/machine.ts';
import { nanoOf } from '../../money/nano.ts';
import { DepositError } from '../message/deposit-error.ts';
import { acknowledgementType } from '../message/initiation.ts';
import {
  decideConclude,
  decideStatement,
  decideTime,
  decideTold,
  receivedReply,
  timerOf,
  transactionOfTimer,
} from './conclude.ts';
import type { MerchantInput, MerchantOptions } from './merchant-input.ts';
import {
  applyMerchant,
  depositKey,
  emptyMerchant,
  headAfter,
  headsOf,
  type MerchantRecord,
  type MerchantState,
  restoreMerchant,
  snapshotMerchant,
  type Terms,
} from './merchant-session.ts';
import { makeSessionKey } from './session-key.ts';
import { decideSpent } from './spend.ts';

const ACKNOWLEDGED = encodeCbor(null);
const MAX_OPEN = 250_000;

export function createDepositMerchant(options: MerchantOptions): Machine<MerchantState, MerchantInput, MerchantRecord> {
  return {
    name: 'deposit-merchant',
    initial: emptyMerchant,
    decide: (state, input, env) => decide(state, input, env, options),
    apply: applyMerchant,
    snapshot: snapshotMerchant,
    restore: restoreMerchant,
    received: receivedReply,
    fired: ({ id }) => ({ type: 'time', transaction: transactionOfTimer(id) }),
  };
}

function decide(
  state: MerchantState,
  input: MerchantInput,
  env: Env,
  options: MerchantOptions,
): Decision<MerchantRecord> {
  switch (input.type) {
    case 'information':
      return decideInformation(state, input, env, options);
    case 'checkpoint':
      return decideCheckpoint(state, input, env);
    case 'spent':
      return decideSpent(state, input.runs, env);
    case 'conclude':
      return decideConclude(state, input, env, options);
    case 'time':
      return decideTime(state, input, env, options);
    case 'told':
      return decideTold(state, input, env);
    case 'statement':
      return decideStatement(state, input, env);
  }
}

/** Claims 5 and 6: the deposit is told of, and acknowledged. */
function decideInformation(
  { sessions }: MerchantState,
  { information, customerKey }: Extract<MerchantInput, { type: 'information' }>,
  env: Env,
  options: MerchantOptions,
): Decision<MerchantRecord> {
  const { transaction, deposit, idleMs, endsAtMs } = information;
  const { unit, storageKey, url, signer, maxOpen = MAX_OPEN } = options;
  if (sessions.has(transaction)) throw refused('the deposit is open already');
  if (sessions.size >= maxOpen) throw refused('too many deposits are open here');
  if (endsAtMs <= env.nowMs) throw refused('the deposit is over before it begins');
  if (deposit.currency !== unit.currency) throw refused(`expected a deposit in ${unit.currency}`);
  const units = nanoOf(deposit).nano / BigInt(unit.nano);
  if (units < 1n) throw refused('the deposit is less than one unit');
  const key = makeSessionKey({ transaction, storageKey, random: env.random });
  const terms: Terms = {
    transaction,
    depositMinor: deposit.minor,
    currency: deposit.currency,
    depositUnits: Number(units < MAX_UNITS ? units : MAX_UNITS),
    unitNano: unit.nano,
    ...{ idleMs, endsAtMs, customerKey, ownKey: key.point, sealedKey: key.sealed },
  };
  return {
    records: [{ type: 'opened', ...terms, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    answer: signMessage(acknowledgementType, { transaction, key: key.point, url }, signer),
    timers: [timerOf(transaction, Math.min(env.nowMs + idleMs, endsAtMs))],
  };
}

/** Units are counted in plain numbers; nobody can spend more of them one by one. */
const MAX_UNITS = BigInt(Number.MAX_SAFE_INTEGER);

const refused = (why: string) => new DepositError('DEPOSIT_REFUSED', why);

/** The customer signs exactly what we have counted, or goes on without a new checkpoint. */
function decideCheckpoint(
  { sessions }: MerchantState,
  { checkpoint, bytes }: Extract<MerchantInput, { type: 'checkpoint' }>,
  env: Env,
): Decision<MerchantRecord> {
  const { transaction, count, units, head, unitNano, currency, anchors } = checkpoint;
  const session = sessions.get(transaction);
  if (session === undefined) throw new DepositError('DEPOSIT_UNKNOWN', 'there is no such deposit here');
  if (session.status !== 'open') throw new DepositError('DEPOSIT_CLOSED', 'the deposit is concluded');
  if (unitNano !== session.unitNano || currency !== session.currency) {
    throw unfit(`expected units of ${session.unitNano} nano ${session.currency}`);
  }
  if (count !== session.count || units !== session.units) {
    throw unfit(`expected ${session.count} purchases and ${session.units} units`);
  }
  if (!equalBytes(head, headAfter(headsOf(session), count))) throw unfit('the list of purchases is not ours');
  return {
    records: [{ type: 'checkpoint', transaction, bytes, anchors: concatBytes(...anchors), atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    answer: ACKNOWLEDGED,
  };
}

const unfit = (why: string) => new DepositError('CHECKPOINT_UNFIT', why);
