/** Spending on the device: no number is released twice differently, whatever crashes or lies, and no flush a purchase (ERI-2, ERI-D, ERI-J). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/codec/hex.ts';
import { importPoint } from '../../../src/crypto/agreement.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { readMessage } from '../../../src/crypto/signed-message.ts';
import { readFinished } from '../../../src/deposit/customer/finished-deposit.ts';
import { depositOf } from '../../../src/deposit/customer/purse-state.ts';
import { checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import { decodePurchase, MAX_PRICE_UNITS } from '../../../src/deposit/message/purchase.ts';
import { seededRandom } from '../../world/seeded-random.ts';
import { allow, DEPOSIT_UNITS, HOUR, type PurseWorld, proved, startAllowed, startPurse } from './purse-world.ts';

const request = (what: string) => sha256(utf8(what));
const page = { units: 7, request: request('a page') };

/** What a restart of the same device finds. */
const restarted = async (world: PurseWorld, options: Parameters<typeof startPurse>[0] = {}) => {
  const disk = world.crash();
  return startPurse({ clock: world.clock, counterparts: world.counterparts, disk, ...options });
};

describe('a purchase', () => {
  test('is taken by a merchant who checks every word and the list', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    for (const units of [7, 1, 15, 16, 255, 4096, 300, 1]) await world.buy(transaction, units, `costs ${units}`);
    const { tab, taken } = world.till(transaction);
    expect(tab).toMatchObject({ count: 8, units: 4691 });
    expect(taken).toHaveLength(8);
    expect(world.spender.released(transaction).units).toBe(4691);
  });

  test('costs no flush of its own', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    const before = world.appends();
    for (let i = 0; i < 1000; i++) await world.buy(transaction, 3, `page ${i}`);
    expect(world.appends() - before).toBeLessThan(1000 / 32 + 3);
    expect(world.till(transaction).tab).toMatchObject({ count: 1000, units: 3000 });
  });

  test('gets a checkpoint first only where the last one does not reach', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    const payments = [];
    for (let i = 0; i < 300; i++) payments.push(await world.buy(transaction, 7));
    const shown = payments.filter(({ checkpoint }) => checkpoint !== undefined).map(({ number }) => number);
    expect(shown).toEqual([1, 147, 293]);
    await world.run(61_000);
    expect((await world.buy(transaction, 7)).checkpoint).toBeDefined();
    expect((await world.buy(transaction, MAX_PRICE_UNITS / 255)).checkpoint).toBeUndefined();
  });

  test('never hangs on a chain of an earlier checkpoint', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    const anchors: string[] = [];
    for (let i = 0; i < 600; i++) {
      const { checkpoint } = await world.buy(transaction, 7);
      if (checkpoint === undefined) continue;
      const { value } = readMessage(checkpointType, checkpoint);
      anchors.push(...value.anchors.map((anchor) => Buffer.from(anchor).toString('hex')));
    }
    expect(anchors).toHaveLength(20);
    expect(new Set(anchors).size).toBe(20);
  });

  test('is repeated byte for byte while it is unanswered, and for its own request only', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    await world.buy(transaction, 7);
    const payment = await world.spender.pay(transaction, page);
    expect(world.spender.again(transaction, { number: 2, request: page.request })).toEqual(payment);
    const other = { number: 2, request: request('another page') };
    expect(() => world.spender.again(transaction, other)).toThrowError(
      expect.objectContaining({ code: 'PURCHASE_REUSED' }),
    );
    const next = await world.spender.pay(transaction, { units: 7, request: other.request });
    expect(next.number).toBe(3);
    world.spender.paid(transaction, 2);
    expect(() => world.spender.again(transaction, { number: 2, request: page.request })).toThrow();
  });

  test('may be made while others are unanswered, but not more than the merchant knows again', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    await world.buy(transaction, 7);
    const pays = Array.from({ length: 20 }, () => world.spender.pay(transaction, page));
    const made = new Set<number>();
    for (const pay of pays) void pay.then(({ number }) => made.add(number));
    await world.run(0);
    expect(made.size).toBe(16);
    world.spender.paid(transaction, 2);
    await world.run(0);
    expect(made.size).toBe(17);
    for (let number = 3; number < 21; number++) {
      world.spender.paid(transaction, number);
      await world.run(0);
    }
    const payments = await Promise.all(pays);
    for (const payment of payments.sort((a, b) => a.number - b.number)) world.till(transaction).take(payment, page);
    expect(world.till(transaction).tab.count).toBe(21);
  });

  test('waits for the one before it that brings a checkpoint', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    const first = await world.spender.pay(transaction, page);
    expect(first.checkpoint).toBeDefined();
    let made = false;
    const second = world.spender.pay(transaction, page).then(() => {
      made = true;
    });
    await world.run(100);
    expect(made).toBe(false);
    world.spender.paid(transaction, first.number);
    await second;
  });

  test('with a new checkpoint waits until all before it are answered', async () => {
    const world = await startAllowed();
    const transaction = await world.open({ depositMinor: 5000n });
    const first = await world.spender.pay(transaction, page);
    const second = world.spender.pay(transaction, { units: 4096 * 100, request: page.request });
    await expect(second).rejects.toMatchObject({ code: 'DEPOSIT_EXCEEDED' });
    let made = false;
    const dear = world.spender.pay(transaction, { units: 40 * 4096, request: page.request });
    void dear.then(() => {
      made = true;
    });
    await world.run(100);
    expect(made).toBe(false);
    world.till(transaction).take(first, page);
    world.spender.paid(transaction, first.number);
    expect((await dear).checkpoint).toBeDefined();
  });

  test('is refused when the balance does not suffice, and a smaller one is not', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    await world.buy(transaction, DEPOSIT_UNITS - 3);
    await expect(world.buy(transaction, 4)).rejects.toMatchObject({ code: 'DEPOSIT_EXCEEDED' });
    await world.buy(transaction, 3);
    expect(world.till(transaction).tab.units).toBe(DEPOSIT_UNITS);
    expect(await world.open()).toBe('bank.1.2');
  });

  test.each([0, -1, 1.5, MAX_PRICE_UNITS + 1, Number.NaN])('of %d units is refused', async (units) => {
    const world = await startAllowed();
    const transaction = await world.open();
    await expect(world.spender.pay(transaction, { ...page, units })).rejects.toMatchObject({
      code: 'DEPOSIT_EXCEEDED',
    });
    expect(world.spender.released(transaction).units).toBe(0);
  });

  test('named by something else than a digest is refused, and its number is not used', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    await expect(world.spender.pay(transaction, { units: 7, request: new Uint8Array(31) })).rejects.toThrow();
    expect((await world.buy(transaction, 7)).number).toBe(1);
    expect(world.till(transaction).tab.count).toBe(1);
  });

  test('may cost what the limit says of one purchase, in the customer’s currency', async () => {
    const world = await startPurse();
    // 0.01 USD are 0.008 EUR: 80 units of 0.0001 EUR.
    await allow(world, { perPurchaseNano: 10_000_000n });
    const transaction = await world.open();
    await expect(world.buy(transaction, 81)).rejects.toMatchObject({ code: 'PRICE_ABOVE_LIMIT' });
    await world.buy(transaction, 80);
  });

  test('is not made after the end of the deposit', async () => {
    const world = await startAllowed();
    const transaction = await world.open({ endsAtMs: world.clock.nowMs() + 60_000 });
    await world.buy(transaction, 7);
    await world.run(59_990);
    await expect(world.buy(transaction, 7)).rejects.toMatchObject({ code: 'DEPOSIT_CLOSED' });
  });
});

test('a merchant who says that it was not paid gets nothing more: the bound counts it, our record does not', async () => {
  const world = await startAllowed();
  const transaction = await world.open();
  await world.buy(transaction, 7);
  const payment = await world.spender.pay(transaction, page);
  world.spender.failed(transaction, payment.number);
  await expect(world.spender.pay(transaction, page)).rejects.toMatchObject({ code: 'DEPOSIT_CLOSED' });
  expect(world.spender.released(transaction).units).toBe(14);
  const closing = world.spender.close(transaction);
  await world.run(1000);
  expect(await closing).toMatchObject({ outcome: 'concluded' });
  expect(world.counterparts.records.get(transaction)).toMatchObject({ count: 1, units: 7 });
});

test('what has no answer at the end is not in our record, unless a later purchase was answered', async () => {
  for (const { answered, recorded } of [
    { answered: [], recorded: 1 },
    { answered: [2], recorded: 2 },
    { answered: [2, 4], recorded: 4 },
    { answered: [4, 3, 2], recorded: 4 },
  ]) {
    const world = await startAllowed();
    const transaction = await world.open();
    await world.buy(transaction, 7);
    for (let number = 2; number <= 4; number++) await world.spender.pay(transaction, page);
    for (const number of answered) world.spender.paid(transaction, number);
    const closing = world.spender.close(transaction);
    await world.run(1000);
    await closing;
    expect(world.counterparts.records.get(transaction)).toMatchObject({ count: recorded, units: 7 * recorded });
  }
});

test('whoever waits when the deposit is stopped hears it', async () => {
  const world = await startAllowed();
  const transaction = await world.open({ depositMinor: 5000n });
  const payment = await world.spender.pay(transaction, page);
  const waiting = world.spender.pay(transaction, { units: 40 * 4096, request: page.request });
  await world.run(10);
  world.spender.failed(transaction, payment.number);
  await expect(waiting).rejects.toMatchObject({ code: 'DEPOSIT_CLOSED' });
});

describe('a restart', () => {
  test('in a lull goes on with the next number and the same chains', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    for (let i = 0; i < 10; i++) await world.buy(transaction, 7);
    await world.run(5000);
    expect(world.deposit(transaction)).toMatchObject({ mark: { count: 10, units: 70 }, position: { count: 10 } });
    const again = await restarted(world);
    const payment = await again.buy(transaction, 7);
    expect(payment).toMatchObject({ number: 11 });
    expect(payment.checkpoint).toBeUndefined();
    expect(again.till(transaction).tab).toMatchObject({ count: 11, units: 77 });
  });

  test('after `rest` goes on too, across a snapshot', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    for (let i = 0; i < 200; i++) await world.buy(transaction, 7);
    await world.spender.rest(transaction);
    await world.host.close();
    const again = await restarted(world);
    await again.buy(transaction, 7);
    expect(again.till(transaction).tab.count).toBe(201);
  });

  test('in the middle of spending uses none of the numbers again: the deposit is concluded and the merchant’s proof counts', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    for (let i = 0; i < 100; i++) await world.buy(transaction, 7);
    const again = await restarted(world);
    const bound = again.spender.released(transaction).units;
    expect(bound).toBeGreaterThanOrEqual(700);
    expect(bound).toBeLessThanOrEqual(700 + 64 * 7);
    await expect(again.buy(transaction, 7)).rejects.toMatchObject({ code: 'DEPOSIT_CLOSED' });
    await again.run(60_000);
    expect(again.till(transaction).tab.count).toBe(100);
    expect(again.counterparts.records.get(transaction)!.units).toBeLessThanOrEqual(700);
    // 700 units are 0.07 EUR: the rest of 7.93 comes back as 9.91 USD.
    expect(await readFinished(again.host, transaction)).toMatchObject({ outcome: 'concluded', bookedMinor: 9n });
    expect(await again.open()).toMatch(/^bank\./);
  });

  test('with a purchase unanswered in a lull uses no number again either', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    await world.buy(transaction, 7);
    await world.spender.pay(transaction, page);
    await world.run(10_000);
    const again = await restarted(world);
    await expect(again.spender.pay(transaction, page)).rejects.toMatchObject({ code: 'DEPOSIT_CLOSED' });
    await again.run(1000);
    // What had no answer is for the merchant to prove.
    expect(again.counterparts.records.get(transaction)).toMatchObject({ count: 1, units: 7 });
  });

  test('at any append, with the write kept, torn or lost, releases no number twice differently and bills within the bound', async () => {
    for (let seed = 1; seed <= 60; seed++) await crashSomewhere(seed);
  }, 60_000);
});

/** Spends until the power is cut at some append, restarts, spends on where that is possible, and closes everything. */
async function crashSomewhere(seed: number): Promise<void> {
  const dice = seededRandom(seed);
  const released = new Map<string, string>();
  const remember = (transaction: string, token: Uint8Array) => {
    const name = `${transaction} ${decodePurchase(token).number}`;
    const bytes = Buffer.from(token).toString('hex');
    expect(released.get(name) ?? bytes, `seed ${seed}: ${name}`).toBe(bytes);
    released.set(name, bytes);
  };
  const crashAt = 1 + dice.below(12);
  const when = dice.pick(['before-append', 'after-append', 'after-answers']);
  const cut: { disk?: ReturnType<PurseWorld['crash']> } = {};
  const first: PurseWorld = await startPurse({
    random: dice.bytes,
    onBoundary(boundary, group) {
      if (boundary === when && group === crashAt) cut.disk ??= first.crash();
    },
  });
  const spend = async (world: PurseWorld, transaction: string) => {
    for (let i = 0; i < 150 && cut.disk === undefined; i++) {
      const purchased = { units: 1 + dice.below(20), request: request(`${seed} ${i} ${dice.below(1e9)}`) };
      const payment = await world.spender.pay(transaction, purchased);
      if (cut.disk !== undefined) return;
      remember(transaction, payment.token);
      if (dice.chance(0.9)) world.till(transaction).take(payment, purchased);
      else return;
      world.spender.paid(transaction, payment.number);
      if (dice.chance(0.02)) await world.run(5000);
    }
  };
  const running = (async () => {
    await allow(first, { totalMinor: 100_000n });
    for (let deposit = 0; deposit < 3; deposit++) {
      const transaction = await first.open();
      await spend(first, transaction);
      if (dice.chance(0.5)) void first.spender.close(transaction).catch(() => undefined);
    }
  })().catch(() => undefined);
  await Promise.race([running, first.run(60_000)]);
  const disk = cut.disk ?? first.crash();
  cut.disk = undefined as never;
  delete cut.disk;

  const second = await startPurse({ clock: first.clock, counterparts: first.counterparts, disk });
  await second.run(2000);
  for (const deposit of [...second.host.state.deposits.values()]) {
    if (deposit.phase !== 'open') continue;
    const { transaction } = deposit;
    const purchased = { units: 5, request: request('after the crash') };
    const payment = await second.spender.pay(transaction, purchased).catch(() => undefined);
    if (payment !== undefined) remember(transaction, payment.token);
  }
  await second.run(40 * 24 * HOUR);
  expect(second.host.state.deposits.size, `seed ${seed}`).toBe(0);
  for (const transaction of second.counterparts.initiations.keys()) {
    const finished = await readFinished(second.host, transaction);
    expect(finished?.outcome, `seed ${seed}: ${transaction} ${finished?.reasons}`).toMatch(/^(concluded|refused)$/);
    expect(finished!.bound.units).toBeGreaterThanOrEqual(second.till(transaction).tab.units);
  }
  const use = second.host.state.limits.get('pocket');
  if (use !== undefined) expect(use.heldMinor).toBe(0n);
}

test('what was released is what the record says, proved word for word', async () => {
  const prices = fc.array(fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 3000 })), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(prices, fc.array(fc.boolean()), async (spent, lulls) => {
      const world = await startAllowed();
      const transaction = await world.open();
      let units = 0;
      for (const [at, price] of spent.entries()) {
        if (units + price > DEPOSIT_UNITS) break;
        await world.buy(transaction, price, `${at}`);
        units += price;
        if (lulls[at] === true) await world.run(3000);
      }
      expect(world.spender.released(transaction).units).toBe(units);
      const key = importPoint(world.deposit(transaction).key.point);
      const closing = world.spender.close(transaction);
      await world.run(1000);
      expect(await closing).toMatchObject({ outcome: 'concluded' });
      const { tab } = world.till(transaction);
      const record = world.counterparts.records.get(transaction)!;
      expect(record).toMatchObject({ by: 'customer', count: tab.count, units, head: tab.head });
      expect(record.released === undefined ? 0 : proved(record.released, key)).toBe(units);
      expect(tab.units).toBe(units);
    }),
    { numRuns: 25 },
  );
});

test('an unknown deposit has nothing to spend', async () => {
  const world = await startAllowed();
  await expect(world.spender.pay('bank.9.9', page)).rejects.toMatchObject({ code: 'DEPOSIT_UNKNOWN' });
  expect(() => world.spender.released('bank.9.9')).toThrowError(expect.objectContaining({ code: 'DEPOSIT_UNKNOWN' }));
  world.spender.paid('bank.9.9', 1);
  world.spender.failed('bank.9.9', 1);
  await world.spender.rest('bank.9.9');
  expect(depositOf(world.host.state, 'bank.9.9')).toBeUndefined();
});

test('nothing is released while the mark before it is not durable', async () => {
  let hold = false;
  const gates: (() => void)[] = [];
  const world = await startAllowed({
    flush: () => (hold ? new Promise((resolve) => gates.push(() => resolve())) : Promise.resolve()),
  });
  const transaction = await world.open();
  hold = true;
  let made = false;
  const paying = world.spender.pay(transaction, page).then(() => {
    made = true;
  });
  await world.run(100);
  expect(made).toBe(false);
  hold = false;
  for (const open of gates) open();
  await paying;
});

test('nothing is released under a mark that is being taken back', async () => {
  let hold = false;
  const gates: (() => void)[] = [];
  const world = await startAllowed({
    flush: () => (hold ? new Promise((resolve) => gates.push(() => resolve())) : Promise.resolve()),
  });
  const transaction = await world.open();
  await world.buy(transaction, 7);
  hold = true;
  const resting = world.spender.rest(transaction);
  let made = false;
  const paying = world.spender.pay(transaction, page).then(() => {
    made = true;
  });
  await world.run(100);
  expect(made).toBe(false);
  hold = false;
  for (const open of gates) open();
  await resting;
  await paying;
  expect(world.deposit(transaction).mark.count).toBeGreaterThan(1);
});
