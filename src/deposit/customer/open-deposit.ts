/** Opening a deposit from the device (US 09/718,411, claims 1, 3 and 8): log-on, initiation, and what the operator says to them. */
import { encodeShape, signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import type { Rate } from '../../money/rate.ts';
import { DepositError } from '../message/deposit-error.ts';
import { partsOfTransaction } from '../message/identity.ts';
import { type Initiation, initiationType, type LoggedOn, logOnType } from '../message/initiation.ts';
import { routeOf } from '../message/route.ts';
import { type RateTable, rateIn } from '../message/session-rate.ts';
import { checkOpened } from './check-opened.ts';
import { concludeNothing, endTimer, idleTimer } from './conclude-deposit.ts';
import { requireAllowed } from './limit.ts';
import { firstPosition } from './position.ts';
import { PurseError } from './purse-error.ts';
import type { PurseInput, PurseOptions } from './purse-input.ts';
import {
  type Deposit,
  depositOf,
  FINISHED_KEY,
  type Initiating,
  keysOf,
  type LoggingOn,
  type Open,
  type PurseRecord,
  type PurseState,
  type Refusal,
} from './purse-state.ts';
import { takeRates } from './rates.ts';
import { lengthsFor, makeChains } from './spending-chains.ts';
import { makeTemporaryKey, openTemporaryKey } from './temporary-key.ts';
import { checkedWant, type Opening, openingType, type Want, wantMessageId } from './want.ts';

type Of<T extends PurseInput['type']> = Extract<PurseInput, { type: T }>;

const MAX_DEPOSITS = 1000;

export function decideWant(
  state: PurseState,
  input: Of<'want'>,
  env: Env,
  { operator, signer }: PurseOptions,
): Decision<PurseRecord> {
  const want = checkedWant(input.want);
  const { reference, merchant, endsAtMs } = want;
  if (state.deposits.has(reference)) throw new PurseError('WANT_REUSED', 'there is a deposit under this reference');
  if (state.deposits.size >= MAX_DEPOSITS) throw new PurseError('PURSE_FULL', `at most ${MAX_DEPOSITS} deposits`);
  if (endsAtMs <= env.nowMs) throw new DepositError('DEPOSIT_CLOSED', 'the deposit would be over before it begins');
  const { currency } = requireAllowed(state.limits.get(want.limitId), want, env.nowMs);
  const session = sessionWith(state, want);
  const deposit: LoggingOn = { phase: 'logging-on', want, currency, session };
  const logOn = { reference, merchant, ...(session === null ? {} : { session }), atMs: env.nowMs };
  return {
    ...recorded(deposit, env),
    send: [
      {
        id: `log-on:${reference}`,
        to: routeOf(operator.url, logOnType),
        kind: logOnType.name,
        body: signMessage(logOnType, logOn, signer),
        expiresAtMs: endsAtMs,
      },
    ],
  };
}

/** The session goes on with the next transaction, as long as we remember one of it: the merchant cannot tell sessions apart otherwise. */
function sessionWith({ deposits }: PurseState, { merchant, merchantOperator }: Want): string | null {
  for (const deposit of deposits.values()) {
    const { want } = deposit;
    if (!('session' in deposit) || deposit.session === null) continue;
    if (want.merchant === merchant && want.merchantOperator === merchantOperator) return deposit.session;
  }
  return null;
}

export function decideLoggedOn(
  state: PurseState,
  { reference, loggedOn }: Of<'logged-on'>,
  env: Env,
  options: PurseOptions,
): Decision<PurseRecord> {
  const deposit = state.deposits.get(reference);
  if (deposit?.phase !== 'logging-on') return { records: [] };
  const refusal = refusalOf(state, deposit, loggedOn, options);
  if (refusal !== undefined) return refuseWant(deposit, refusal, env);
  const { want, currency } = deposit;
  const { transaction, session, rates } = loggedOn;
  const agreed = rateFor({ from: currency, to: want.merchantCurrency }, rates, env.nowMs);
  if (agreed !== null && 'code' in agreed) return refuseWant(deposit, agreed, env);

  const key = makeTemporaryKey({ transaction, storageKey: options.storageKey, random: env.random });
  const initiating: Initiating = {
    ...{ phase: 'initiating', want, currency, session, transaction, key, agreed, closed: false },
  };
  const stored = takeRates(state, rates, env);
  const opening = recorded(initiating, env);
  return {
    ...stored,
    ...opening,
    records: [...stored.records, ...opening.records],
    send: [
      {
        id: `initiation:${transaction}`,
        to: routeOf(options.operator.url, initiationType),
        kind: initiationType.name,
        body: signMessage(initiationType, initiationOf(initiating), options.signer),
        expiresAtMs: want.endsAtMs,
      },
    ],
  };
}

/** Identities of our own operator, of the session asked for, and new; an account in the currency of the limit. */
function refusalOf(
  state: PurseState,
  { session, currency }: LoggingOn,
  { session: given, transaction, available, rates }: LoggedOn,
  { operator }: PurseOptions,
): Refusal | undefined {
  const parts = unlessMalformed(() => partsOfTransaction(transaction));
  if (parts?.accountManager !== operator.name || parts.session !== given || (session !== null && session !== given)) {
    return { code: 'IDENTITY_MALFORMED', detail: 'expected a transaction of our operator, in the session asked for' };
  }
  if (depositOf(state, transaction) !== undefined) {
    return { code: 'IDENTITY_MALFORMED', detail: 'the transaction is of another deposit' };
  }
  if (available.currency !== currency || rates.rates.some(({ from }) => from !== currency)) {
    return { code: 'RATE_UNKNOWN', detail: `expected an account and rates in ${currency}` };
  }
  return undefined;
}

/** Of the bank's own table; null when it does not have the pair. */
function rateFor(pair: { from: string; to: string }, rates: RateTable, nowMs: number): Rate | Refusal | null {
  try {
    return rateIn(rates, pair, nowMs);
  } catch (error) {
    if (!(error instanceof DepositError)) throw error;
    return error.code === 'RATE_UNKNOWN' ? null : { code: error.code, detail: error.message };
  }
}

function initiationOf({ transaction, want, currency, key }: Initiating): Initiation {
  const { depositMinor, merchant, merchantOperator, merchantCurrency, order, idleMs, endsAtMs } = want;
  const deposit = { currency, minor: depositMinor };
  return {
    transaction,
    deposit,
    merchant,
    merchantOperator,
    merchantCurrency,
    key: key.point,
    order,
    idleMs,
    endsAtMs,
  };
}

export function decideLogOnRefused(
  { deposits }: PurseState,
  { reference, code, detail }: Of<'log-on-refused'>,
  env: Env,
): Decision<PurseRecord> {
  const deposit = deposits.get(reference);
  return deposit?.phase === 'logging-on' ? refuseWant(deposit, { code, detail }, env) : { records: [] };
}

export function decideOpened(
  state: PurseState,
  { transaction, opened, certificate }: Of<'opened'>,
  env: Env,
  options: PurseOptions,
): Decision<PurseRecord> {
  const deposit = depositOf(state, transaction);
  if (deposit?.phase !== 'initiating') return { records: [] };
  const { want, key, currency, session } = deposit;
  const checked =
    certificate === undefined
      ? { refusal: { code: 'CERTIFICATE_UNFIT', detail: "the merchant's certificate is not of this transaction" } }
      : checkOpened(deposit, opened, certificate);
  const refusal =
    'refusal' in checked
      ? checked.refusal
      : deposit.closed
        ? { code: 'DEPOSIT_CLOSED', detail: 'closed before it was open' }
        : undefined;
  // The money is set aside by now: a record that nothing was released gives it back.
  if (refusal !== undefined || 'refusal' in checked) return concludeUnopened(deposit, refusal!, env, options);

  const { privateKey, seed } = openTemporaryKey({ transaction, storageKey: options.storageKey, sealed: key.sealed });
  const chains = makeChains({ index: 0, lengths: lengthsFor(want.order.units) }, { transaction, seed });
  const of = { transaction, unitNano: want.order.unitNano, currency: want.merchantCurrency };
  const position = firstPosition(of, { chains, privateKey });
  const open: Open = {
    ...{ phase: 'open', want, currency, session, transaction, key },
    ...{ terms: checked.terms, position, mark: { count: 0, units: 0 }, activeAtMs: env.nowMs },
  };
  return {
    ...recorded(open, env),
    answers: [answerTo(want, { transaction })],
    timers: [idleTimer(open), endTimer(open)],
  };
}

export function decideRefused(
  state: PurseState,
  { transaction, code, detail }: Of<'refused'>,
  env: Env,
  options: PurseOptions,
): Decision<PurseRecord> {
  const deposit = depositOf(state, transaction);
  if (deposit?.phase !== 'initiating') return { records: [] };
  // Our operator has vouched and heard nothing: the money stays set aside until somebody concludes.
  if (code === 'OPERATOR_SILENT') return concludeUnopened(deposit, { code, detail }, env, options);
  return refuseWant(deposit, { code, detail }, env);
}

function concludeUnopened(deposit: Initiating, refusal: Refusal, env: Env, options: PurseOptions) {
  return {
    ...concludeNothing(deposit, refusal, env, options),
    answers: [answerTo(deposit.want, refused(deposit, refusal))],
  };
}

/** Nothing was set aside by anybody but us. */
export function refuseWant(deposit: LoggingOn | Initiating, refusal: Refusal, env: Env): Decision<PurseRecord> {
  const { want } = deposit;
  const finished = {
    want,
    transaction: 'transaction' in deposit ? deposit.transaction : null,
    outcome: 'refused' as const,
    reasons: [`${refusal.code}: ${refusal.detail}`],
    bound: { count: 0, units: 0 },
    ...{ bookedMinor: 0n, spentMinor: 0n, statement: null, atMs: env.nowMs },
  };
  return {
    records: [{ type: 'finished', finished }],
    keys: [...keysOf(deposit), FINISHED_KEY],
    answers: [answerTo(want, refused(deposit, refusal))],
  };
}

function refused(deposit: LoggingOn | Initiating, refusal: Refusal): Opening {
  return 'transaction' in deposit ? { transaction: deposit.transaction, ...refusal } : { ...refusal };
}

function answerTo({ reference }: Want, opening: Opening) {
  return { messageId: wantMessageId(reference), body: encodeShape(openingType, opening) };
}

export function recorded(deposit: Deposit, { nowMs }: Env): { records: PurseRecord[]; keys: string[] } {
  return { records: [{ type: 'deposit', deposit, atMs: nowMs }], keys: keysOf(deposit) };
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DepositError) return undefined;
    throw error;
  }
}
