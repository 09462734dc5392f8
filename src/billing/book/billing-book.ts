/**
 * The billing book: every billing record of an operator once, numbered, with its business day and the balance it led to, and from there
 * to each adapter by an outbox message of its own, so that one billing system that is away holds up no other.
 */
import { decodeCborExact, encodeCbor, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { encodeShape } from '../../crypto/signed-message.ts';
import type { BillingRecord } from '../../deposit/message/billing-record.ts';
import type { Decision, Env, Machine, Outgoing } from '../../journal/machine.ts';
import type { Booked, Entry } from './billing-adapter.ts';
import { BillingError } from './billing-error.ts';
import { bookedType, dayClosedType, encodeBooked } from './book-message.ts';
import { type Calendar, dayAfter } from './business-day.ts';
import { movementOf } from './entry.ts';

export interface BookPolicy {
  /** The operator. */
  readonly name: string;
  readonly calendar: Calendar;
  readonly adapters: readonly { readonly name: string; readonly closesDays: boolean }[];
}

export type BookInput =
  | { readonly type: 'record'; readonly record: BillingRecord }
  /** At the start, and when a day may be over. */
  | { readonly type: 'look-at-day' }
  | { readonly type: 'delivered' };

export type BookRecord =
  /** `booked` is the message the adapters get. */
  | {
      readonly type: 'booked';
      readonly number: number;
      readonly day: string;
      readonly booked: Uint8Array;
      readonly entry: Entry | null;
    }
  | { readonly type: 'closed'; readonly day: string };

export interface BookState {
  count: number;
  /** The only day on which may be booked: its predecessors are closed. */
  day: string;
  countOfDay: number;
  readonly accounts: Map<string, BookedAccount>;
}

interface BookedAccount {
  readonly currency: string;
  readonly balance: bigint;
  /** The day of its newest entry, and how many it has on it. */
  readonly day: string;
  readonly count: number;
}

/** How many records are found under one key: what is read back is read in such pieces. */
const PAGE = 500;
const DONE = encodeCbor(null);
const DAY_TIMER = 'day';
export const ADAPTER_ROUTE = 'billing-adapter:';

export const dayKey = (day: string, page: number) => `day:${day}:${page}`;
export const accountDayKey = (account: string, day: string, page: number) => `account:${day}:${page}:${account}`;

export function createBillingBook(policy: BookPolicy): Machine<BookState, BookInput, BookRecord> {
  return {
    name: `billing-${policy.name}`,
    initial: () => ({ count: 0, day: '', countOfDay: 0, accounts: new Map() }),
    decide(state, input, env) {
      if (input.type === 'record') return decideRecord(state, input.record, env, policy);
      return input.type === 'look-at-day' ? lookAtDay(state, env, policy) : { records: [] };
    },
    apply,
    snapshot: ({ count, day, countOfDay, accounts }) =>
      encodeCborExact([count, day, countOfDay, [...accounts]] as unknown as CborValue),
    restore(bytes) {
      const parts = decodeCborExact(bytes, { maxBytes: bytes.length }) as unknown;
      const [count, day, countOfDay, accounts] = parts as [number, string, number, [string, BookedAccount][]];
      return { count, day, countOfDay, accounts: new Map(accounts) };
    },
    received: () => ({ type: 'delivered' }),
    fired: () => ({ type: 'look-at-day' }),
  };
}

function decideRecord(state: BookState, billing: BillingRecord, env: Env, policy: BookPolicy): Decision<BookRecord> {
  const over = lookAtDay(state, env, policy);
  const day = today(state, env, policy);
  const entry = entryOf(state, billing);
  const number = state.count + 1;
  const whole: Booked = { number, day, bookedAtMs: env.nowMs, record: billing, ...(entry && { entry }) };
  const booked = encodeBooked(whole);
  const pageOfDay = Math.floor((state.day === day ? state.countOfDay : 0) / PAGE);
  return {
    records: [...over.records, { type: 'booked', number, day, booked, entry: entry ?? null }],
    keys: [dayKey(day, pageOfDay), ...(entry === undefined ? [] : [keyOfEntry(state, entry, day)])],
    answer: DONE,
    send: [
      ...(over.send ?? []),
      ...policy.adapters.map(({ name }): Outgoing => {
        return { id: `${name}:${billing.id}`, to: `${ADAPTER_ROUTE}${name}`, kind: bookedType.name, body: booked };
      }),
    ],
  };
}

/** A clock that is set back does not open a day again. */
function today({ day }: BookState, { nowMs }: Env, { calendar }: BookPolicy): string {
  const now = calendar.dayOf(nowMs);
  return now > day ? now : day;
}

function lookAtDay(state: BookState, env: Env, policy: BookPolicy): Decision<BookRecord> {
  const { day, countOfDay } = state;
  const now = today(state, env, policy);
  const timers = [{ id: DAY_TIMER, atMs: policy.calendar.startOf(dayAfter(now)) }];
  if (countOfDay === 0 || now === day) return { records: [], timers };
  return {
    records: [{ type: 'closed', day }],
    send: policy.adapters
      .filter(({ closesDays }) => closesDays)
      .map(({ name }) => {
        return {
          id: `${name}:day:${day}`,
          to: `${ADAPTER_ROUTE}${name}`,
          kind: dayClosedType.name,
          body: encodeShape(dayClosedType, { day }),
        };
      }),
    timers,
  };
}

function entryOf({ accounts }: BookState, billing: BillingRecord): Entry | undefined {
  const movement = movementOf(billing);
  if (movement === undefined) return undefined;
  const known = accounts.get(movement.account);
  if (known !== undefined && known.currency !== movement.currency) {
    throw new BillingError('RECORD_REFUSED', `${movement.account} is kept in ${known.currency}`);
  }
  return { ...movement, afterMinor: (known?.balance ?? 0n) + movement.minor };
}

function keyOfEntry({ accounts }: BookState, { account }: Entry, day: string): string {
  const known = accounts.get(account);
  return accountDayKey(account, day, Math.floor((known?.day === day ? known.count : 0) / PAGE));
}

function apply(state: BookState, booked: BookRecord): void {
  const { day } = booked;
  if (booked.type === 'closed') {
    state.day = dayAfter(day);
    state.countOfDay = 0;
    return;
  }
  state.count = booked.number;
  state.countOfDay = (state.day === day ? state.countOfDay : 0) + 1;
  state.day = day;
  if (booked.entry === null) return;
  const { account, currency, afterMinor } = booked.entry;
  const known = state.accounts.get(account);
  const count = (known?.day === day ? known.count : 0) + 1;
  state.accounts.set(account, { currency, balance: BigInt(afterMinor), day, count });
}
