/**
 * Concluding a deposit from the device (US 09/718,411, claims 10 and 11): the merchant hears that it ends, the operator gets the signed
 * record with what was released, and its statement is checked and kept.
 */
import { sha256 } from '../../crypto/digest.ts';
import { encodeShape, signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env, Outgoing, Timer } from '../../journal/machine.ts';
import { minuteBefore } from '../message/coarse-time.ts';
import {
  CLEARING_GRACE_MS,
  type TransactionRecord,
  terminateType,
  transactionRecordType,
} from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { EMPTY_HEAD } from '../message/purchase-list.ts';
import { routeOf } from '../message/route.ts';
import { costOf, paidFor } from './bill.ts';
import { faultsOf } from './check-statement.ts';
import { releasedAt } from './position.ts';
import type { PurseInput, PurseOptions } from './purse-input.ts';
import {
  type Concluding,
  depositOf,
  FINISHED_KEY,
  type Finished,
  type Initiating,
  keysOf,
  type Open,
  type PurseRecord,
  type PurseState,
  type Refusal,
} from './purse-state.ts';
import { makeChains } from './spending-chains.ts';
import { type OpenedKey, openTemporaryKey } from './temporary-key.ts';
import { closeMessageId, endingType } from './want.ts';

type Of<T extends PurseInput['type']> = Extract<PurseInput, { type: T }>;

/** The spender stops at the end itself, and says how far it came shortly after. */
const END_GRACE_MS = 5000;
/** The operator's own time for clearing is over by then, even with another clock. */
const RECORD_GRACE_MS = CLEARING_GRACE_MS + 86_400_000;

export const idleTimer = ({ transaction, want, activeAtMs }: Open): Timer => ({
  id: `idle:${transaction}`,
  atMs: activeAtMs + want.idleMs,
});
export const endTimer = ({ transaction, want }: Open): Timer => ({
  id: `end:${transaction}`,
  atMs: want.endsAtMs + END_GRACE_MS,
});

/** @throws DepositError `DEPOSIT_CLOSED`: nothing more may be released */
export function decideMark(state: PurseState, input: Of<'mark'>): Decision<PurseRecord> {
  const { transaction, position, mark, activeAtMs } = input;
  const deposit = depositOf(state, transaction);
  if (deposit?.phase !== 'open') throw new DepositError('DEPOSIT_CLOSED', 'the deposit is concluded');
  if (position.count < deposit.position.count || mark.count < position.count || mark.units < position.units) {
    throw new DepositError('PURCHASE_REUSED', 'what may have been released does not become less');
  }
  // Without a key: there are many of them, and a deposit's history does not need them.
  return { records: [{ type: 'marked', transaction, position, mark, activeAtMs }] };
}

export function decideClose(
  state: PurseState,
  { transaction, spent, asked }: Of<'close'>,
  env: Env,
  options: PurseOptions,
): Decision<PurseRecord> {
  const deposit = depositOf(state, transaction);
  switch (deposit?.phase) {
    case 'open':
      return concludeAt(deposit, spent, asked, env, options);
    case 'initiating': {
      // What has been sent cannot be called back: it is concluded as soon as it opens.
      const closed: Initiating = { ...deposit, closed: true };
      const answer = encodeShape(endingType, {
        outcome: 'refused',
        bookedMinor: 0n,
        reasons: ['closed while it opens'],
      });
      return { records: [{ type: 'deposit', deposit: closed, atMs: env.nowMs }], keys: keysOf(deposit), answer };
    }
    case 'concluding':
      if (!asked || deposit.asked) return { records: [] };
      return { records: [{ type: 'deposit', deposit: { ...deposit, asked }, atMs: env.nowMs }], keys: keysOf(deposit) };
    default:
      throw new DepositError('DEPOSIT_UNKNOWN', 'there is no such deposit');
  }
}

export function decideDue(state: PurseState, id: string, env: Env, options: PurseOptions): Decision<PurseRecord> {
  const deposit = depositOf(state, id.slice(id.indexOf(':') + 1));
  if (deposit?.phase !== 'open') return { records: [] };
  const idle = idleTimer(deposit);
  if (id === idle.id && idle.atMs > env.nowMs) return { records: [], timers: [idle] };
  return concludeAt(deposit, undefined, false, env, options);
}

/**
 * By what the spender says, or by the last that is durable. What was released and never answered is not in our record: the merchant proves
 * it if it has taken it, and otherwise it was not spent.
 */
function concludeAt(
  deposit: Open,
  told: Of<'close'>['spent'],
  asked: boolean,
  env: Env,
  options: PurseOptions,
): Decision<PurseRecord> {
  const { want, transaction, mark } = deposit;
  const { position, released: bound } = told ?? { position: deposit.position, released: mark };
  if (position.count > mark.count || position.units > mark.units || position.count < deposit.position.count) {
    throw new DepositError('PURCHASE_REUSED', 'expected what was released within the mark');
  }
  const exact = bound.count === position.count && bound.units === position.units;
  const keys = openTemporaryKey({ transaction, storageKey: options.storageKey, sealed: deposit.key.sealed });
  const { count, units, head } = position;
  const chains = makeChains(position.plan, { transaction, seed: keys.seed });
  const released = count === 0 ? {} : { released: releasedAt(position, chains) };
  const spent = { terms: deposit.terms, count, head, exact, bound, refusal: null, asked };
  const concluding = conclude(deposit, { ...spent, units, ...released }, keys, { env, options });
  const terminate: Outgoing = {
    id: `terminate:${transaction}`,
    to: routeOf(deposit.terms.url, terminateType),
    kind: terminateType.name,
    body: signMessage(terminateType, { transaction, atMs: minuteBefore(env.nowMs) }, { privateKey: keys.privateKey }),
    expiresAtMs: Math.max(want.endsAtMs, env.nowMs) + END_GRACE_MS,
  };
  return {
    ...concluding,
    send: [terminate, ...concluding.send],
    clearTimers: [idleTimer(deposit).id, endTimer(deposit).id],
  };
}

/** A deposit that did not open as agreed: a record that nothing was released brings the money back. */
export function concludeNothing(
  deposit: Initiating,
  refusal: Refusal,
  env: Env,
  options: PurseOptions,
): Decision<PurseRecord> {
  const keys = openTemporaryKey({
    ...{ transaction: deposit.transaction, storageKey: options.storageKey, sealed: deposit.key.sealed },
  });
  const nothing = { terms: null, count: 0, units: 0, head: EMPTY_HEAD, exact: true, bound: { count: 0, units: 0 } };
  return conclude(deposit, { ...nothing, refusal, asked: false }, keys, { env, options });
}

function conclude(
  { want, currency, session, transaction, key }: Initiating | Open,
  spent: Pick<Concluding, 'terms' | 'count' | 'head' | 'exact' | 'bound' | 'refusal' | 'asked'> &
    Pick<TransactionRecord, 'units' | 'released'>,
  { privateKey }: OpenedKey,
  { env, options }: { readonly env: Env; readonly options: PurseOptions },
) {
  const { units, released, ...rest } = spent;
  const record: TransactionRecord = {
    ...{ transaction, by: 'customer', count: rest.count, units, head: rest.head },
    atMs: minuteBefore(env.nowMs),
    ...{ unitNano: want.order.unitNano, currency: want.merchantCurrency },
    ...(released === undefined ? {} : { released }),
  };
  const body = signMessage(transactionRecordType, record, { privateKey });
  const deposit: Concluding = {
    ...{ phase: 'concluding', want, currency, session, transaction, key, ...rest },
    recordDigest: sha256(body),
  };
  const records: PurseRecord[] = [{ type: 'deposit', deposit, atMs: env.nowMs }];
  const send: Outgoing[] = [
    {
      id: `record:${transaction}`,
      to: routeOf(options.operator.url, transactionRecordType),
      kind: transactionRecordType.name,
      body,
      expiresAtMs: Math.max(want.endsAtMs, env.nowMs) + RECORD_GRACE_MS,
    },
  ];
  return { records, keys: keysOf(deposit), send };
}

export function decideStatement(state: PurseState, input: Of<'statement'>, env: Env): Decision<PurseRecord> {
  const deposit = depositOf(state, input.transaction);
  if (deposit?.phase !== 'concluding') return { records: [] };
  const { statement, clearing, bytes } = input;
  const faults = faultsOf(deposit, statement, clearing);
  const { minor } = statement.booked;
  return finish(deposit, {
    outcome: faults.length > 0 ? 'disputed' : deposit.refusal === null ? 'concluded' : 'refused',
    reasons: [...refusalWords(deposit), ...faults],
    ...{ bookedMinor: minor, spentMinor: minor, statement: bytes, atMs: env.nowMs },
  });
}

export function decideUnsettled(
  state: PurseState,
  { transaction, signed, code, detail }: Of<'unsettled'>,
  env: Env,
): Decision<PurseRecord> {
  const deposit = depositOf(state, transaction);
  if (deposit?.phase !== 'concluding') return { records: [] };
  return finish(deposit, {
    outcome: deposit.refusal !== null ? 'refused' : signed ? 'lapsed' : 'unsettled',
    reasons: [...refusalWords(deposit), `${code}: ${detail}`],
    // What may still be charged does not come back to the limit.
    ...{ bookedMinor: 0n, spentMinor: signed ? 0n : mostOf(deposit), statement: null, atMs: env.nowMs },
  });
}

/** Minor units of the customer's currency that what was released can cost. */
function mostOf({ want, currency, terms, bound }: Concluding): bigint {
  if (terms === null) return 0n;
  const bill = {
    deposit: { currency, minor: want.depositMinor },
    there: { currency: want.merchantCurrency, minor: terms.depositMinor },
    rate: terms.rate,
  };
  return costOf(paidFor(bound.units, want.order.unitNano, want.merchantCurrency), bill);
}

function finish(deposit: Concluding, ending: Omit<Finished, 'want' | 'transaction' | 'bound'>): Decision<PurseRecord> {
  const { want, transaction, bound, asked } = deposit;
  const { outcome, bookedMinor, reasons } = ending;
  const body = encodeShape(endingType, { outcome, bookedMinor, reasons });
  return {
    records: [{ type: 'finished', finished: { want, transaction, bound, ...ending } }],
    keys: [...keysOf(deposit), FINISHED_KEY],
    answers: asked ? [{ messageId: closeMessageId(transaction), body }] : [],
    cancel: [`terminate:${transaction}`],
  };
}

function refusalWords({ refusal }: Concluding): string[] {
  return refusal === null ? [] : [`${refusal.code}: ${refusal.detail}`];
}
