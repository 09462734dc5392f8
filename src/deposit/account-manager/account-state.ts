/** What an account manager knows while it is open, and how that follows from its records. Finished deposits are in the journal only. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { applyLedger } from '../../ledger/apply.ts';
import { createLedger, type LedgerState } from '../../ledger/ledger.ts';
import { restoreLedger, snapshotLedger } from '../../ledger/snapshot.ts';
import type { Amount } from '../../money/amount.ts';
import type { Rate } from '../../money/rate.ts';
import { partsOfTransaction } from '../message/identity.ts';
import type { AccountRecord, DepositTerms, SettlementTerms } from './account-record.ts';
import { type Earned, type EarnedBy, earnedAsOwed, noteCleared, noteSettled, noteUnsettled } from './earned.ts';

export interface Session {
  readonly customer: string;
  readonly merchant: string;
  /** Null until its first deposit. */
  identifier: string | null;
  /** The number of its newest transaction. */
  newest: number;
  /** Numbers of transactions that wait for their initiation. */
  waiting: readonly number[];
  /** Deposits open in it. */
  open: number;
  usedAtMs: number;
}

/** From the initiation until the money has moved or is free again. */
export interface OpenDeposit extends DepositTerms {
  /** `vouched`: the other operator has not answered yet. `unanswered`: nor will it, as far as anyone can tell. */
  status: 'vouched' | 'opened' | 'unanswered';
  /** The rate of the session, once it is agreed. */
  rate: Rate | null;
  /** SHA-256 of the customer's record, whose sender waits for the statement. */
  recorded: Uint8Array | null;
  /** What that says was spent. */
  claimed: { readonly units: number; readonly unitNano: number } | null;
  /** What the accounts elsewhere have left; null where they are kept here, or did not say. */
  readonly available: Amount | null;
}

/** Money was asked for where the accounts are kept. */
export interface AskedDeposit {
  readonly terms: DepositTerms;
  readonly idleMs: number;
}

export interface AccountState {
  ledger: LedgerState;
  /** Null where the accounts are not cut into shards. */
  cut: { readonly shard: number; readonly of: number } | null;
  /** The number of the newest session. */
  sessionCount: number;
  settlementCount: number;
  readonly sessions: Map<string, Session>;
  /** Sessions each customer has: bounds what one customer can make us remember. */
  readonly sessionsOf: Map<string, number>;
  readonly deposits: Map<string, OpenDeposit>;
  /** Deposits each customer has, those that wait for their money included: bounds what one customer takes of the room there is for all. */
  readonly depositsOf: Map<string, number>;
  /** Deposits that wait for their money, where the accounts are kept elsewhere. */
  readonly asking: Map<string, AskedDeposit>;
  /** Sent and not acknowledged yet. */
  readonly settlements: Map<string, SettlementTerms>;
  readonly earned: EarnedBy;
}

export function createAccountState(): AccountState {
  return {
    ledger: createLedger(),
    cut: null,
    sessionCount: 0,
    settlementCount: 0,
    sessions: new Map(),
    sessionsOf: new Map(),
    deposits: new Map(),
    depositsOf: new Map(),
    asking: new Map(),
    settlements: new Map(),
    earned: new Map(),
  };
}

export function applyAccounts(state: AccountState, record: AccountRecord): void {
  switch (record.type) {
    case 'ledger':
      applyLedger(state.ledger, record.record);
      noteCleared(state.earned, record.record);
      return;
    case 'cut':
      state.cut = { shard: record.shard, of: record.of };
      return;
    case 'logged-on':
      logOn(state, record);
      return;
    case 'vouched':
      vouch(state, record);
      return;
    case 'asked':
      state.asking.set(record.transaction, { terms: withOwnKey(record.terms), idleMs: record.idleMs });
      count(state.depositsOf, record.terms.customer, 1);
      return;
    case 'declined':
      stopAsking(state, record.transaction);
      // Its session may have been forgotten while others were asked.
      if (state.sessions.has(partsOfTransaction(record.transaction).session)) notWaiting(state, record.transaction);
      return;
    case 'opened': {
      const deposit = state.deposits.get(record.transaction)!;
      deposit.status = 'opened';
      deposit.rate = record.rate;
      return;
    }
    case 'unanswered':
      state.deposits.get(record.transaction)!.status = 'unanswered';
      return;
    case 'recorded': {
      const deposit = state.deposits.get(record.transaction)!;
      deposit.recorded = record.digest.slice();
      deposit.claimed = record.value;
      return;
    }
    case 'refused':
    case 'withdrawn':
    case 'lapsed':
      closeDeposit(state, record.transaction);
      return;
    case 'forgotten': {
      const { customer } = state.sessions.get(record.session)!;
      state.sessions.delete(record.session);
      count(state.sessionsOf, customer, -1);
      return;
    }
    case 'settling':
      state.settlementCount += 1;
      state.settlements.set(record.settlement, record.terms);
      noteSettled(state.earned, record.terms, record.terms.amount.minor);
      return;
    case 'unsettled': {
      const terms = state.settlements.get(record.settlement);
      if (terms !== undefined) noteUnsettled(state.earned, terms);
      state.settlements.delete(record.settlement);
      return;
    }
    case 'settled':
      state.settlements.delete(record.settlement);
      return;
    case 'received':
      noteSettled(state.earned, record.terms, 0n);
      return;
    // Of the merchant's side only the ledger knows, and the journal.
    case 'deposited':
      return;
  }
}

function logOn(state: AccountState, record: Extract<AccountRecord, { type: 'logged-on' }>): void {
  const { session: id, transaction, customer, merchant, atMs } = record;
  let session = state.sessions.get(id);
  if (session === undefined) {
    session = { customer, merchant, identifier: null, newest: 0, waiting: [], open: 0, usedAtMs: atMs };
    state.sessions.set(id, session);
    state.sessionCount += 1;
    count(state.sessionsOf, customer, 1);
  }
  const { sequence } = partsOfTransaction(transaction);
  session.newest = sequence;
  session.waiting = [...session.waiting, sequence];
  session.usedAtMs = atMs;
}

function vouch(state: AccountState, record: Extract<AccountRecord, { type: 'vouched' }>): void {
  const session = notWaiting(state, record.transaction);
  session.identifier = record.identifier;
  session.open += 1;
  session.usedAtMs = record.atMs;
  stopAsking(state, record.transaction);
  count(state.depositsOf, record.terms.customer, 1);
  state.deposits.set(record.transaction, {
    ...withOwnKey(record.terms),
    ...{ status: 'vouched', rate: null, recorded: null, claimed: null, available: record.available ?? null },
  });
}

/** A copy, because bytes read from a message or the journal keep all of it in memory. */
function withOwnKey(terms: DepositTerms): DepositTerms {
  return { ...terms, key: terms.key.slice() };
}

function notWaiting({ sessions }: AccountState, transaction: string): Session {
  const { session: id, sequence } = partsOfTransaction(transaction);
  const session = sessions.get(id)!;
  session.waiting = session.waiting.filter((number) => number !== sequence);
  return session;
}

function stopAsking({ asking, depositsOf }: AccountState, transaction: string): void {
  const asked = asking.get(transaction);
  if (asked !== undefined) count(depositsOf, asked.terms.customer, -1);
  asking.delete(transaction);
}

function closeDeposit(state: AccountState, transaction: string): void {
  const deposit = state.deposits.get(transaction);
  if (deposit !== undefined) count(state.depositsOf, deposit.customer, -1);
  state.deposits.delete(transaction);
  state.sessions.get(partsOfTransaction(transaction).session)!.open -= 1;
}

function count(counted: Map<string, number>, customer: string, change: 1 | -1): void {
  const number = (counted.get(customer) ?? 0) + change;
  if (number > 0) counted.set(customer, number);
  else counted.delete(customer);
}

export function snapshotAccounts(state: AccountState): Uint8Array {
  const { ledger, cut, sessionCount, settlementCount, sessions, deposits, settlements, asking, earned } = state;
  const parts = [
    snapshotLedger(ledger),
    sessionCount,
    settlementCount,
    [...sessions],
    [...deposits],
    [...settlements],
    [...asking],
    cut,
    [...earned],
  ] as unknown;
  return encodeCborExact(parts as CborValue);
}

/** Our own bytes, whose digest the journal has checked: the shape is trusted. */
export function restoreAccounts(bytes: Uint8Array): AccountState {
  const parts = decodeCborExact(bytes, { maxBytes: bytes.length }) as unknown;
  // Snapshots of before have no deposits that wait for money, nor what is left, and were never cut; what they owe was all earned.
  const [ledger, ...others] = parts as [Uint8Array, ...unknown[]];
  const [sessionCount, settlementCount, sessions, deposits, settlements, asking = [], cut = null, earned] = others as [
    number,
    number,
    [string, Session][],
    [string, OpenDeposit][],
    [string, SettlementTerms][],
    [string, AskedDeposit][]?,
    AccountState['cut']?,
    [string, Earned][]?,
  ];
  const restored = restoreLedger(ledger);
  const state: AccountState = {
    ...createAccountState(),
    ledger: restored,
    earned: earned === undefined ? earnedAsOwed(restored) : new Map(earned),
    cut,
    sessionCount,
    settlementCount,
    sessions: new Map(sessions),
    deposits: new Map(
      deposits.map(([id, deposit]) => [
        id,
        {
          ...deposit,
          ...{ key: deposit.key.slice(), recorded: deposit.recorded?.slice() ?? null },
          ...{ claimed: deposit.claimed ?? null, available: deposit.available ?? null },
        },
      ]),
    ),
    settlements: new Map(settlements),
    asking: new Map(asking.map(([id, asked]) => [id, { ...asked, terms: withOwnKey(asked.terms) }])),
  };
  for (const { customer } of state.sessions.values()) count(state.sessionsOf, customer, 1);
  for (const { customer } of state.deposits.values()) count(state.depositsOf, customer, 1);
  for (const { terms } of state.asking.values()) count(state.depositsOf, terms.customer, 1);
  return state;
}
