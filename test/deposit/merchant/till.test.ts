/** The till: what it takes, what it refuses, and that every purchase is paid once, whatever its answer meets on the way. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/crypto/digest.ts';
import { readMessage } from '../../../src/crypto/signed-message.ts';
import type { MerchantInput, Run } from '../../../src/deposit/merchant/merchant-input.ts';
import { tabOf } from '../../../src/deposit/merchant/merchant-session.ts';
import { readList } from '../../../src/deposit/merchant/read-list.ts';
import { createTill, type Taken } from '../../../src/deposit/merchant/till.ts';
import { checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import { DepositError } from '../../../src/deposit/message/deposit-error.ts';
import { encodePurchase } from '../../../src/deposit/message/purchase.ts';
import { EMPTY_HEAD } from '../../../src/deposit/message/purchase-list.ts';
import { provenUnits } from '../../../src/deposit/message/tab.ts';
import { createMemoryJournal } from '../../../src/journal/memory-journal.ts';
import { gate, soon } from '../../journal/scripted-host.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { type MerchantWorld, openMerchantWorld, storageKey } from './merchant-world.ts';
import type { Sale } from './paying-customer.ts';

const T = 'Bank.1.1';
const refusal = (code: string) => expect.objectContaining({ code });
const buy = ({ till }: MerchantWorld, { token, item }: Sale, transaction = T): Promise<Taken> =>
  till.purchase(transaction, token, item);
const sessionOf = (world: MerchantWorld, transaction = T) => world.host.state.sessions.get(transaction)!;

/** What an arbiter finds proven by the merchant's evidence. */
function provenBy(world: MerchantWorld, transaction = T): number {
  const { checkpoint, steps, proof } = sessionOf(world, transaction);
  return provenUnits(readMessage(checkpointType, checkpoint).value, { steps, words: proof.subarray(0, 128) });
}

describe('a purchase', () => {
  test('that is forged in any way is refused, and the right one is still taken', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T);
    await buy(world, customer.buy(300));
    const { number, token, item } = customer.buy(17);
    const flip = (at: number) => token.with(at, token[at]! ^ 1);
    const till = world.till;
    const [numberAt, stepsAt, headAt, wordsAt] = [5, 6, 10, 42];
    for (const [forged, code] of [
      [flip(stepsAt), 'PURCHASE_UNPROVED'],
      [flip(headAt), 'PURCHASE_UNPROVED'],
      [flip(wordsAt), 'PURCHASE_UNPROVED'],
      [flip(wordsAt + 32), 'PURCHASE_UNPROVED'],
      [token.slice(1), 'PURCHASE_UNPROVED'],
      [token.with(numberAt, 40), 'PURCHASE_OUT_OF_ORDER'],
      [token.with(numberAt, 1), 'PURCHASE_REUSED'],
    ] as const) {
      await expect(till.purchase(T, forged, item)).rejects.toEqual(refusal(code));
    }
    await expect(till.purchase(T, token, { ...item, units: 16 })).rejects.toEqual(refusal('PURCHASE_UNPROVED'));
    await expect(till.purchase(T, token, { ...item, units: 18 })).rejects.toEqual(refusal('PURCHASE_UNPROVED'));
    await expect(till.purchase(T, token, { ...item, unitNano: 1000 })).rejects.toEqual(refusal('DEPOSIT_REFUSED'));
    const other = { ...item, request: item.request.with(0, item.request[0]! ^ 1) };
    await expect(till.purchase(T, token, other)).rejects.toEqual(refusal('PURCHASE_UNPROVED'));
    expect(sessionOf(world)).toMatchObject({ count: 1, units: 300 });

    const unitNano = 100_000;
    expect(await till.purchase(T, token, { ...item, unitNano })).toEqual({ number, repeated: false });
    expect(await till.purchase(T, token, { ...item, unitNano })).toEqual({ number, repeated: true });
    expect(sessionOf(world)).toMatchObject({ count: 2, units: 317 });
    expect(provenBy(world)).toBe(317);
  });

  test('is taken from known deposits only, and not before the first checkpoint', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T);
    const sale = customer.buy(1);
    await expect(buy(world, sale, 'Bank.9.9')).rejects.toEqual(refusal('DEPOSIT_UNKNOWN'));
    await world.inform(Object.assign(customer, { transaction: 'Bank.2.1' }));
    await expect(buy(world, sale, 'Bank.2.1')).rejects.toThrow('begins with a checkpoint');
  });

  test('of one deposit pays nothing in another', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T);
    await world.open('Bank.2.1');
    await expect(buy(world, customer.buy(1), 'Bank.2.1')).rejects.toEqual(refusal('PURCHASE_UNPROVED'));
  });

  test('never goes beyond the deposit; when not one unit is left, it is concluded', async () => {
    const world = await openMerchantWorld();
    // 0.01 EUR in units of 0.0001 EUR.
    const customer = await world.open(T, { deposit: { currency: 'EUR', minor: 1n } });
    const fits = buy(world, customer.buy(60));
    const back = customer.save();
    await expect(buy(world, customer.buy(41))).rejects.toEqual(refusal('DEPOSIT_EXCEEDED'));
    expect(await fits).toEqual({ number: 1, repeated: false });
    expect(sessionOf(world)).toMatchObject({ status: 'open', units: 60 });
    back();
    await buy(world, customer.buy(40));
    expect(sessionOf(world)).toMatchObject({ status: 'concluding', units: 100 });
    await expect(buy(world, customer.buy(1))).rejects.toEqual(refusal('DEPOSIT_CLOSED'));
  });

  test('after the conclusion is refused, also one that was checked before it', async () => {
    const passing = gate();
    let held = false;
    const journal = createMemoryJournal({ flush: () => (held ? passing.pass() : Promise.resolve()) });
    const world = await openMerchantWorld({ journal });
    const [customer, other] = [await world.open(T), await world.open('Bank.2.1')];
    held = true;
    const [first, second] = [customer.buy(1), customer.buy(1)];
    const flushing = buy(world, first);
    await soon();
    const checked = [buy(world, second), buy(world, second), buy(world, other.buy(3), 'Bank.2.1')];
    const outcomes = Promise.allSettled(checked);
    const concluded = world.host.submit({ type: 'conclude', transaction: T, ending: 'closed' });
    held = false;
    passing.open();
    expect(await flushing).toEqual({ number: 1, repeated: false });
    await concluded;
    expect(await outcomes).toEqual([
      { status: 'rejected', reason: refusal('DEPOSIT_CLOSED') },
      { status: 'rejected', reason: refusal('DEPOSIT_CLOSED') },
      { status: 'fulfilled', value: { number: 1, repeated: false } },
    ]);
    expect(sessionOf(world)).toMatchObject({ count: 1, units: 1 });
    await expect(buy(world, second)).rejects.toEqual(refusal('DEPOSIT_CLOSED'));
  });

  test('checked on chains that a checkpoint has replaced meanwhile is refused, and so is its repetition', async () => {
    const passing = gate();
    let held = false;
    const journal = createMemoryJournal({ flush: () => (held ? passing.pass() : Promise.resolve()) });
    const world = await openMerchantWorld({ journal });
    const customer = await world.open(T);
    held = true;
    const flushing = buy(world, customer.buy(1));
    await soon();
    const back = customer.save();
    const sale = customer.buy(1, 'the same');
    const checked = [buy(world, sale), buy(world, sale)];
    const outcomes = Promise.allSettled(checked);
    back();
    const bytes = customer.checkpoint();
    const checkpoint = readMessage(checkpointType, bytes).value;
    const replaced = world.host.submit({ type: 'checkpoint', checkpoint, bytes });
    // Paid with a word of the new chain.
    const again = buy(world, customer.buy(1, 'the same'));
    held = false;
    passing.open();
    await Promise.all([flushing, replaced]);
    const codes = (await outcomes).map((outcome) => (outcome as PromiseRejectedResult).reason.code);
    expect(codes).toEqual(['PURCHASE_UNPROVED', 'PURCHASE_UNPROVED']);
    expect(await again).toEqual({ number: 2, repeated: false });
    expect(sessionOf(world)).toMatchObject({ count: 2, units: 2 });
    expect(provenBy(world)).toBe(2);
  });
});

describe('the machine', () => {
  test('takes a run only where the state is, and only as much as is left', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T, { deposit: { currency: 'EUR', minor: 1n } });
    await buy(world, customer.buy(10));
    const { epoch, count, units } = sessionOf(world);
    const { head } = tabOf(sessionOf(world));
    const after = { count: 2, units: 11, head: EMPTY_HEAD, steps: [0, 0, 0, 0], words: new Uint8Array(128) };
    const run = { transaction: T, ...after, entries: new Uint8Array(48), heads: new Uint8Array(32) };
    const from = { epoch, count, head };
    const submit = (changed: object) =>
      world.host.submit({ type: 'spent', runs: [{ ...run, from, ...changed }] as Run[] });
    for (const [changed, code] of [
      [{ from: { ...from, epoch: 2 } }, 'PURCHASE_UNPROVED'],
      [{ from: { ...from, count: 0 }, count: 1 }, 'PURCHASE_UNPROVED'],
      [{ from: { ...from, head: EMPTY_HEAD } }, 'PURCHASE_UNPROVED'],
      [{ count: 3 }, 'PURCHASE_UNPROVED'],
      [{ units }, 'PURCHASE_UNPROVED'],
      [{ units: 101 }, 'DEPOSIT_EXCEEDED'],
      [{ transaction: 'Bank.4.4' }, 'DEPOSIT_CLOSED'],
    ] as const) {
      await expect(submit(changed)).rejects.toEqual(refusal(code));
    }
    expect(sessionOf(world).count).toBe(1);
    await submit({});
    expect(sessionOf(world).count).toBe(2);
  });

  test('that refuses late has the till forget what it built on that, and begin again from the state', async () => {
    const world = await openMerchantWorld();
    const { host } = world;
    const answering = Promise.withResolvers<void>();
    let submitted = 0;
    const busy = {
      ...host,
      submit: (input: MerchantInput) => (submitted++ === 0 ? answering.promise : host.submit(input)),
    };
    const till = createTill({ host: busy, clock: createVirtualClock(), storageKey });
    const customer = await world.open(T);
    const [one, two, three] = [customer.buy(1), customer.buy(1), customer.buy(1)];
    const pay = ({ token, item }: Sale) => till.purchase(T, token, item);
    const first = pay(one);
    const early = pay(three);
    await soon();
    const outcomes = Promise.allSettled([first, early, pay(one)]);
    answering.reject(new DepositError('DEPOSIT_CLOSED', 'a test'));
    const rejected = { status: 'rejected', reason: refusal('DEPOSIT_CLOSED') };
    expect(await outcomes).toEqual([rejected, rejected, rejected]);
    for (const sale of [one, two, three]) expect(await pay(sale)).toMatchObject({ repeated: false });
    expect(sessionOf(world).count).toBe(3);
  });
});

describe('a repetition', () => {
  test('is answered again and pays once, for the last 16 purchases and also after a restart', async () => {
    const journal = createMemoryJournal();
    let world = await openMerchantWorld({ journal });
    const customer = await world.open(T);
    const sales = Array.from({ length: 20 }, () => customer.buy(3));
    for (const sale of sales) await buy(world, sale);
    for (const restarted of [false, true]) {
      if (restarted) world = await openMerchantWorld({ journal: createMemoryJournal({ disk: journal.powerCut() }) });
      for (const sale of sales.slice(4)) {
        expect(await buy(world, sale)).toEqual({ number: sale.number, repeated: true });
      }
      await expect(buy(world, sales[3]!)).rejects.toEqual(refusal('PURCHASE_REUSED'));
      expect(sessionOf(world)).toMatchObject({ count: 20, units: 60 });
    }
  });

  test('of a purchase that is not durable yet waits for it', async () => {
    const passing = gate();
    let held = false;
    const journal = createMemoryJournal({ flush: () => (held ? passing.pass() : Promise.resolve()) });
    const world = await openMerchantWorld({ journal });
    const customer = await world.open(T);
    held = true;
    const sale = customer.buy(1);
    const answers: Taken[] = [];
    const asking = [buy(world, sale), buy(world, sale)];
    for (const asked of asking) void asked.then((taken) => answers.push(taken));
    await soon();
    asking.push(buy(world, sale));
    void asking[2]!.then((taken) => answers.push(taken));
    await soon();
    expect(answers).toEqual([]);
    held = false;
    passing.open();
    await Promise.all(asking);
    expect(answers.map(({ repeated }) => repeated)).toEqual([false, true, true]);
    expect(sessionOf(world).count).toBe(1);
  });

  test('with another request, another price or another list is no repetition', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T);
    const sale = customer.buy(2);
    await buy(world, sale);
    const { token, item } = sale;
    const request = item.request.with(0, item.request[0]! ^ 1);
    const reused = refusal('PURCHASE_REUSED');
    await expect(world.till.purchase(T, token, { ...item, request })).rejects.toEqual(reused);
    await expect(world.till.purchase(T, token, { ...item, units: 1 })).rejects.toEqual(reused);
    await expect(world.till.purchase(T, token.with(6, 3), item)).rejects.toEqual(reused);
    await expect(world.till.purchase(T, token.with(10, token[10]! ^ 1), item)).rejects.toEqual(reused);
    expect(sessionOf(world)).toMatchObject({ count: 1, units: 2 });
  });
});

describe('purchases at the same time', () => {
  test('are taken in their order, in whatever order they come', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T);
    const sales = Array.from({ length: 17 }, () => customer.buy(5));
    const answers = sales.toReversed().map((sale) => buy(world, sale));
    expect((await Promise.all(answers)).map(({ number }) => number)).toEqual(sales.map((_, at) => 17 - at));
    expect(sessionOf(world)).toMatchObject({ count: 17, units: 85 });
  });

  test('wait for those before them a bounded time, sixteen of them, and can be sent again', async () => {
    const clock = createVirtualClock();
    const world = await openMerchantWorld({ clock, windowMs: 500 });
    const customer = await world.open(T);
    const sales = Array.from({ length: 18 }, () => customer.buy(1));
    const early = Promise.allSettled(sales.slice(1, 17).map((sale) => buy(world, sale)));
    const late = refusal('PURCHASE_OUT_OF_ORDER');
    await expect(buy(world, sales[1]!)).rejects.toEqual(late);
    await expect(buy(world, sales[17]!)).rejects.toEqual(late);
    await clock.run(clock.nowMs() + 500);
    expect((await early).map((outcome) => (outcome as PromiseRejectedResult).reason)).toEqual(Array(16).fill(late));
    for (const sale of sales) await buy(world, sale);
    expect(sessionOf(world).count).toBe(18);
  });

  test('are not kept from their turn by somebody who makes up an early one', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T);
    const [one, two, three] = [customer.buy(1), customer.buy(1), customer.buy(1)];
    const madeUp = buy(world, { ...two, token: two.token.with(45, two.token[45]! ^ 1) });
    const refused = expect(madeUp).rejects.toEqual(refusal('PURCHASE_UNPROVED'));
    const early = [buy(world, three), buy(world, two), buy(world, two)];
    await buy(world, one);
    await refused;
    expect((await Promise.all(early)).map(({ repeated }) => repeated)).toEqual([false, false, true]);
    expect(sessionOf(world).count).toBe(3);
  });

  test('find room however many are made up by whoever guesses the transaction', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T);
    await buy(world, customer.buy(3));
    const sales = [4, 300, 5, 4096, 17, 1, 1, 70_000].map((units) => customer.buy(units));
    const madeUp = Array.from({ length: 40 }, (_, at) => {
      const number = at < 36 ? 3 + (at % 16) : 2 ** 47;
      const words = [undefined, sha256(Buffer.from(`${at}`)), undefined, undefined];
      const token = encodePurchase({ number, steps: [0, 1, 0, 0], head: EMPTY_HEAD, words });
      return world.till.purchase(T, token, { units: 16, request: EMPTY_HEAD });
    });
    const refused = Promise.allSettled(madeUp);
    const answers = sales.toReversed().map((sale) => buy(world, sale));
    expect((await Promise.all(answers)).map(({ number }) => number)).toEqual([9, 8, 7, 6, 5, 4, 3, 2]);
    expect((await refused).every(({ status }) => status === 'rejected')).toBe(true);
    expect(provenBy(world)).toBe(3 + 74_424);
  });

  test('of more deposits than an entry of the journal can name are all durable, each with its list', async () => {
    // A till that has but eight in hand takes the others from the state again.
    const world = await openMerchantWorld({ maxInHand: 8 });
    const names = Array.from({ length: 130 }, (_, at) => `Bank.${at + 1}.1`);
    const customers = await Promise.all(names.map((name) => world.open(name)));
    // None is put away while a purchase of its own is under way.
    const firsts = customers.map((customer) => ({ customer, sale: customer.buy(1) }));
    const paying = [...firsts, ...customers.map((customer) => ({ customer, sale: customer.buy(2) }))];
    await Promise.all(paying.map(({ customer, sale }) => buy(world, sale, customer.transaction)));
    for (const { transaction } of customers) {
      expect(sessionOf(world, transaction)).toMatchObject({ count: 2, units: 3 });
      expect((await readList(world.host, transaction, storageKey)).map(({ units }) => units)).toEqual([1, 2]);
      expect(provenBy(world, transaction)).toBe(3);
    }
  });
});

test('whatever comes in whatever order, a third party finds proven exactly what was answered', async () => {
  const act = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('buy' as const), units: fc.integer({ min: 1, max: 600 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('repeat' as const), back: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('forge' as const), at: fc.integer({ min: 6, max: 41 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { maxLength: 40 }),
      fc.array(fc.nat(5), { minLength: 40, maxLength: 40 }),
      async (acts, delays) => {
        let journal = createMemoryJournal();
        let world = await openMerchantWorld({ journal });
        const customer = await world.open(T, {}, [700, 700, 100, 100]);
        const sales: Sale[] = [];
        const answered = new Map<number, number>();
        let under: Promise<unknown>[] = [];
        const send = async (sale: Sale, turns: number) => {
          for (let turn = 0; turn < turns; turn++) await soon();
          const taken = await buy(world, sale);
          expect(answered.has(taken.number)).toBe(taken.repeated);
          answered.set(taken.number, sale.item.units);
        };
        const settle = async () => {
          await Promise.all(under);
          under = [];
        };
        for (const [at, step] of acts.entries()) {
          if (step.kind === 'buy') {
            if (under.length >= 15) await settle();
            const sale = customer.buy(step.units);
            sales.push(sale);
            under.push(send(sale, delays[at]!));
          } else if (step.kind === 'repeat') {
            await settle();
            const sale = sales.at(-1 - (step.back % 16));
            if (sale !== undefined) under.push(send(sale, delays[at]!));
          } else if (step.kind === 'forge' && sales.length > 0) {
            const { token, item } = sales.at(-1)!;
            const place = step.at; // steps and head: a made-up number would wait for its turn
            const forged = world.till.purchase(T, token.with(place, token[place]! ^ 4), item);
            under.push(
              forged.then(
                () => expect.unreachable(),
                () => undefined,
              ),
            );
            await soon();
          } else if (step.kind === 'checkpoint') {
            await settle();
            await world.checkpoint(customer.checkpoint());
          } else if (step.kind === 'crash') {
            await settle();
            journal = createMemoryJournal({ disk: journal.powerCut() });
            world = await openMerchantWorld({ journal });
          } else await settle();
        }
        await settle();
        const sum = [...answered.values()].reduce((units, more) => units + more, 0);
        expect(sessionOf(world)).toMatchObject({ count: answered.size, units: sum });
        expect(provenBy(world)).toBe(sum);
        const list = await readList(world.host, T, storageKey);
        expect(list.map(({ units }) => units)).toEqual(sales.map(({ item }) => item.units));
      },
    ),
    { numRuns: 60 },
  );
});
