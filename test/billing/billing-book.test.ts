/** The billing book: each record once, numbered, on one business day, with balances that are those of the ledger; and on to the adapters. */
import { describe, expect, test } from 'vitest';
import type { BillingAdapter, Booked, ClosedDay } from '../../src/billing/book/billing-adapter.ts';
import { accountDayKey, createBillingBook, dayKey } from '../../src/billing/book/billing-book.ts';
import { BillingError } from '../../src/billing/book/billing-error.ts';
import { createCalendar } from '../../src/billing/book/business-day.ts';
import { all, clearing, DAY, deposit, funding, NOON_MS, openBook, settlement, withdrawal } from './bookings.ts';

const HOUR_MS = 3_600_000;

function collector(): BillingAdapter & { readonly taken: Booked[]; readonly closed: ClosedDay[]; away: boolean } {
  const adapter = {
    taken: [] as Booked[],
    closed: [] as ClosedDay[],
    away: false,
    async take(booked: Booked) {
      if (adapter.away) throw new Error('the billing system is away');
      adapter.taken.push(booked);
    },
    async closeDay(closed: ClosedDay) {
      if (adapter.away) throw new Error('the billing system is away');
      adapter.closed.push(closed);
    },
  };
  return adapter;
}

describe('the billing book', () => {
  test('numbers records and keeps the balance of every account they move, as the ledger has it', async () => {
    const book = await openBook();
    await book.tell(funding('salary'), withdrawal(1), clearing(1), deposit(7), settlement(1), withdrawal(2));
    const booked = await all(book.day().records());
    expect(booked.map(({ number, record }) => `${number} ${record.id}`)).toEqual([
      '1 funding:salary',
      '2 withdrawal:north.1.1',
      '3 clearing:north.1.1',
      '4 deposit:south.7.1',
      '5 settlement:north.south.USD.1',
      '6 withdrawal:north.2.1',
    ]);
    expect(booked.map(({ entry }) => [entry?.account, entry?.minor, entry?.afterMinor])).toEqual([
      ['customer:alice', 10_000n, 10_000n],
      ['customer:alice', -1_387n, 8_613n],
      ['clearing:USD:south', 1_500n, 1_500n],
      ['merchant:EUR:kiosk', 250n, 250n],
      ['clearing:USD:south', -1_500n, 0n],
      ['customer:alice', -1_387n, 7_226n],
    ]);
    expect(booked[1]).toMatchObject({ day: DAY, bookedAtMs: expect.any(Number), record: withdrawal(1) });
    expect(booked[3]?.record).toEqual(deposit(7));
  });

  test('says what each account had at the beginning and at the end of a day', async () => {
    const book = await openBook();
    await book.tell(funding('salary'));
    await book.pass(24 * HOUR_MS);
    await book.tell(withdrawal(1), withdrawal(2), withdrawal(3, { customer: 'bob' }));
    expect(await book.day('2026-10-03').accounts()).toEqual([
      { account: 'customer:alice', currency: 'EUR', openingMinor: 10_000n, closingMinor: 7_226n, count: 2 },
      { account: 'customer:bob', currency: 'EUR', openingMinor: 0n, closingMinor: -1_387n, count: 1 },
    ]);
    const entries = await all(book.day('2026-10-03').entriesOf('customer:alice'));
    expect(entries.map(({ record }) => record.id)).toEqual(['withdrawal:north.1.1', 'withdrawal:north.2.1']);
    expect(await all(book.day('2026-10-04').records())).toEqual([]);
  });

  test('has room for more records of a day and an account than it reads at a time', async () => {
    const book = await openBook();
    const many = Array.from({ length: 1203 }, (_, at) => funding(`f${at}`, { amount: { currency: 'EUR', minor: 1n } }));
    await book.tell(...many);
    const booked = await all(book.day().records());
    expect(booked.map(({ number }) => number)).toEqual(many.map((_, at) => at + 1));
    expect(await all(book.day().entriesOf('customer:alice'))).toEqual(booked);
    for (const keyOf of [dayKey, (day: string, page: number) => accountDayKey('customer:alice', day, page)]) {
      const pages = [0, 1, 2, 3].map(async (page) => (await book.host.readByKey(keyOf(DAY, page))).length);
      expect(await Promise.all(pages)).toEqual([500, 500, 203, 0]);
    }
    expect(await book.day().accounts()).toMatchObject([{ openingMinor: 0n, closingMinor: 1203n, count: 1203 }]);
  });

  test('books a record that is told again, also after a restart, once, and never another under its id', async () => {
    const adapter = collector();
    const book = await openBook({ adapters: new Map([['one', adapter]]) });
    await book.tell(withdrawal(1), withdrawal(1));
    const again = await book.restart();
    await again.tell(withdrawal(1));
    await again.pass(10);
    expect(await all(again.day().records())).toHaveLength(1);
    expect(adapter.taken.map(({ record }) => record.id)).toEqual(['withdrawal:north.1.1']);
    await expect(again.tell(withdrawal(1, { customer: 'mallory' }))).rejects.toMatchObject({
      code: 'MESSAGE_IDENTITY_REUSED',
    });
  });

  test('books what moves no money without an entry', async () => {
    const book = await openBook();
    const nothing = { currency: 'EUR', minor: 0n };
    await book.tell(withdrawal(1, { withdrawn: nothing, paid: { currency: 'USD', minor: 0n } }));
    const [booked] = await all(book.day().records());
    expect(booked?.entry).toBeUndefined();
    expect(await book.day().accounts()).toEqual([]);
  });

  test('takes no entry in another currency than the account’s', async () => {
    const book = await openBook();
    await book.tell(funding('salary'));
    await expect(book.tell(funding('other', { amount: { currency: 'USD', minor: 1n } }))).rejects.toMatchObject({
      code: 'RECORD_REFUSED',
    });
  });

  test('comes back from a snapshot as it was', async () => {
    const book = await openBook();
    await book.tell(funding('salary'), withdrawal(1), clearing(1));
    const machine = createBillingBook({ name: 'north', calendar: createCalendar('UTC'), adapters: [] });
    expect(machine.restore(machine.snapshot(book.host.state))).toEqual(book.host.state);
    const again = await book.restart();
    expect(again.host.state).toEqual(book.host.state);
  });
});

describe('the business day', () => {
  test('rolls over at midnight of its time zone, and is closed by itself', async () => {
    const adapter = collector();
    // 23:30 in Berlin.
    const nowMs = Date.UTC(2026, 9, 2, 21, 30);
    const book = await openBook({ adapters: new Map([['one', adapter]]), timeZone: 'Europe/Berlin', nowMs });
    await book.tell(funding('late'));
    await book.pass(HOUR_MS / 2 - 1000);
    expect(adapter.closed).toEqual([]);
    await book.pass(2000);
    expect(adapter.closed.map(({ day, fromMs, toMs }) => [day, fromMs, toMs])).toEqual([
      [DAY, Date.UTC(2026, 9, 1, 22), Date.UTC(2026, 9, 2, 22)],
    ]);
    expect((await all(adapter.closed[0]!.records())).map(({ record }) => record.id)).toEqual(['funding:late']);
    await book.tell(funding('early'));
    await book.pass(1);
    expect(adapter.taken.map(({ day, record }) => [day, record.id])).toEqual([
      [DAY, 'funding:late'],
      ['2026-10-03', 'funding:early'],
    ]);
    await book.pass(72 * HOUR_MS);
    // Days on which nothing was booked are not worth a word.
    expect(adapter.closed.map(({ day }) => day)).toEqual([DAY, '2026-10-03']);
  });

  test('that ended while the operator was away is closed when it is back', async () => {
    const adapter = collector();
    const adapters = new Map([['one', adapter]]);
    const book = await openBook({ adapters });
    await book.tell(funding('salary'));
    await book.pass(1);
    const back = await book.restart({ nowMs: NOON_MS + 50 * HOUR_MS });
    await back.pass(1);
    expect(adapter.closed.map(({ day }) => day)).toEqual([DAY]);
  });

  test('is closed before anything is booked on the next, and a clock set back does not open it again', async () => {
    const machine = createBillingBook({
      ...{ name: 'north', calendar: createCalendar('UTC') },
      adapters: [{ name: 'one', closesDays: true }],
    });
    const state = machine.initial();
    const tell = (record: ReturnType<typeof funding>, nowMs: number) => {
      const decision = machine.decide(state, { type: 'record', record }, { nowMs, random: () => new Uint8Array() });
      for (const decided of decision.records) machine.apply(state, decided);
      return decision;
    };
    tell(funding('a'), NOON_MS);
    const next = tell(funding('b'), NOON_MS + 24 * HOUR_MS);
    expect(next.records.map((record) => `${record.type} ${record.day}`)).toEqual([
      `closed ${DAY}`,
      'booked 2026-10-03',
    ]);
    expect(next.send?.map(({ id }) => id)).toEqual([`one:day:${DAY}`, 'one:funding:b']);
    const back = tell(funding('c'), NOON_MS);
    expect(back.records.map((record) => `${record.type} ${record.day}`)).toEqual(['booked 2026-10-03']);
  });
});

describe('adapters', () => {
  test('one that is away holds up no other, and gets everything when it is back, also after a restart', async () => {
    const here = collector();
    const away = collector();
    away.away = true;
    const adapters = new Map([
      ['here', here],
      ['away', away],
    ]);
    const book = await openBook({ adapters });
    await book.tell(...Array.from({ length: 100 }, (_, at) => funding(`f${at}`)));
    await book.pass(HOUR_MS);
    expect(here.taken).toHaveLength(100);
    const again = await book.restart();
    away.away = false;
    await again.pass(HOUR_MS);
    expect(new Set(away.taken.map(({ number }) => number)).size).toBe(100);
    expect(here.taken).toHaveLength(100);
    expect(again.host.state.count).toBe(100);
  });

  test('one that refuses a record for good is not asked again, and the book has it', async () => {
    let asked = 0;
    const picky: BillingAdapter = {
      async take() {
        asked += 1;
        throw new BillingError('RECORD_REFUSED', 'not for me');
      },
    };
    const book = await openBook({ adapters: new Map([['picky', picky]]) });
    await book.tell(funding('salary'));
    await book.pass(24 * HOUR_MS);
    expect(asked).toBe(1);
    expect(await all(book.day().records())).toHaveLength(1);
  });

  test('one that never comes back from a record is asked again', async () => {
    let asked = 0;
    const stuck: BillingAdapter = {
      take(_, { signal }) {
        asked += 1;
        return asked === 1
          ? new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
          : Promise.resolve();
      },
    };
    const book = await openBook({ adapters: new Map([['stuck', stuck]]) });
    await book.tell(funding('salary'));
    await book.pass(HOUR_MS);
    expect(asked).toBe(2);
  });

  test('one that is no longer configured is forgotten', async () => {
    const away = collector();
    away.away = true;
    const book = await openBook({ adapters: new Map([['away', away]]) });
    await book.tell(funding('salary'));
    const without = await book.restart({ adapters: new Map() });
    await without.pass(HOUR_MS);
    away.away = false;
    const back = await without.restart({ adapters: new Map([['away', away]]) });
    await back.tell(funding('more'));
    await back.pass(HOUR_MS);
    expect(away.taken.map(({ record }) => record.id)).toEqual(['funding:more']);
  });
});
