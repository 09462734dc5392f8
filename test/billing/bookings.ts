/** A billing book on a real host over a journal in memory, in virtual time, and the records it is told. */

import { adapterCourier } from '../../src/billing/book/adapter-courier.ts';
import type { BillingAdapter, Booked } from '../../src/billing/book/billing-adapter.ts';
import { createBillingBook } from '../../src/billing/book/billing-book.ts';
import { createCalendar } from '../../src/billing/book/business-day.ts';
import { movementOf } from '../../src/billing/book/entry.ts';
import { type BillingHost, readDay } from '../../src/billing/book/read-book.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { type BillingRecord, billingRecord, encodeBillingRecord } from '../../src/deposit/message/billing-record.ts';
import { openHost } from '../../src/journal/host.ts';
import { createMemoryJournal, type MemoryDisk } from '../../src/journal/memory-journal.ts';
import { parseRate } from '../../src/money/rate.ts';
import { createLog } from '../../src/transport/log.ts';
import { createVirtualClock } from '../world/virtual-clock.ts';

/** Friday, 2 October 2026, 10:00 UTC. */
export const NOON_MS = Date.UTC(2026, 9, 2, 10);
export const DAY = '2026-10-02';
export const EUR_USD = parseRate({ from: 'EUR', to: 'USD', text: '1.0823' });

const eur = (minor: bigint) => ({ currency: 'EUR', minor });
const usd = (minor: bigint) => ({ currency: 'USD', minor });

type Of<T extends BillingRecord['type']> = Extract<BillingRecord, { type: T }>;
type Changes<T extends BillingRecord['type']> = Partial<Omit<Of<T>, 'type' | 'id'>>;

export const withdrawal = (n: number, changes: Changes<'withdrawal'> = {}): Of<'withdrawal'> =>
  billingRecord('withdrawal', {
    ...{ transaction: `north.${n}.1`, customer: 'alice', merchant: 'shop', merchantOperator: 'south', rate: EUR_USD },
    ...{ deposit: eur(2_000n), withdrawn: eur(1_387n), returned: eur(613n), paid: usd(1_500n), atMs: NOON_MS - 5 },
    ...changes,
  });
export const deposit = (n: number, changes: Changes<'deposit'> = {}): Of<'deposit'> =>
  billingRecord('deposit', {
    ...{ transaction: `south.${n}.1`, merchant: 'kiosk', accountManager: 'south', paid: eur(250n) },
    ...{ clearing: new Uint8Array([1, 2, 3]), atMs: NOON_MS - 5, ...changes },
  });
export const clearing = (n: number, changes: Changes<'clearing'> = {}): Of<'clearing'> =>
  billingRecord('clearing', {
    ...{ transaction: `north.${n}.1`, operator: 'south', direction: 'owed', amount: usd(1_500n), atMs: NOON_MS - 5 },
    ...changes,
  });
export const settlement = (n: number, changes: Changes<'settlement'> = {}): Of<'settlement'> =>
  billingRecord('settlement', {
    ...{ settlement: `north.south.USD.${n}`, operator: 'south', direction: 'paid', amount: usd(1_500n) },
    ...{ atMs: NOON_MS, ...changes },
  });
export const funding = (reference: string, changes: Changes<'funding'> = {}): Of<'funding'> =>
  billingRecord('funding', { reference, customer: 'alice', amount: eur(10_000n), atMs: NOON_MS, ...changes });

/** As a book would have booked it first. */
export function bookedAs(record: BillingRecord, changes: Partial<Booked> = {}): Booked {
  const movement = movementOf(record);
  return {
    ...{ number: 1, day: DAY, bookedAtMs: NOON_MS, record },
    ...(movement === undefined ? {} : { entry: { ...movement, afterMinor: movement.minor } }),
    ...changes,
  };
}

export const silentLog = createLog({ name: 'test', level: 'silent' });

export interface BookOptions {
  readonly adapters?: ReadonlyMap<string, BillingAdapter>;
  readonly timeZone?: string;
  readonly disk?: MemoryDisk;
  readonly nowMs?: number;
}

export async function openBook(options: BookOptions = {}) {
  const { adapters = new Map<string, BillingAdapter>(), timeZone = 'UTC' } = options;
  const clock = createVirtualClock(options.nowMs ?? NOON_MS);
  const calendar = createCalendar(timeZone);
  const journal = createMemoryJournal(options.disk === undefined ? {} : { disk: options.disk });
  let dead = false;
  const courier = adapterCourier({ adapters, log: silentLog, readDay: (day) => readDay(host, calendar, day) });
  const host: BillingHost = await openHost({
    machine: createBillingBook({
      ...{ name: 'north', calendar },
      adapters: [...adapters].map(([name, { closeDay }]) => ({ name, closesDays: closeDay !== undefined })),
    }),
    ...{ journal, random: systemRandom, log: { info: () => {}, warn: () => {}, error: () => {} } },
    clock: { nowMs: clock.nowMs, after: (delayMs, call) => clock.after(delayMs, () => dead || call()) },
    courier: {
      deliver: (message, attempt) => (dead ? new Promise(() => undefined) : courier.deliver(message, attempt)),
    },
  });
  /** Virtual time passes until the work is done. */
  const patiently = async <T>(work: Promise<T>): Promise<T> => {
    let over = false;
    const done = () => {
      over = true;
    };
    work.then(done, done);
    for (let turn = 0; turn < 200 && !over; turn++) await clock.run(clock.nowMs() + 1);
    return over ? work : Promise.reject(new Error('still waiting'));
  };
  await patiently(host.submit({ type: 'look-at-day' }));
  return {
    ...{ host, clock, calendar },
    day: (day = DAY) => readDay(host, calendar, day),
    async tell(...records: readonly BillingRecord[]) {
      for (const record of records) {
        const digest = sha256(encodeBillingRecord(record));
        await patiently(host.handle({ messageId: record.id, digest, input: { type: 'record', record } }));
      }
    },
    pass: (ms: number) => clock.run(clock.nowMs() + ms),
    async restart(changes: Partial<BookOptions> = {}) {
      dead = true;
      return openBook({ ...options, nowMs: clock.nowMs(), ...changes, disk: journal.powerCut() });
    },
  };
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
