/** Offers in the customer's own money, and the table they are made with (ERI-B). */
import { describe, expect, test } from 'vitest';
import { shownPrice } from '../../../src/deposit/customer/shown-price.ts';
import { parseNano } from '../../../src/money/nano.ts';
import { HOUR, RATE, startAllowed, startPurse } from './purse-world.ts';

const rates = { rates: [RATE], issuedAtMs: 0, validUntilMs: 1000 };
const shown = (text: string, device: Partial<Parameters<typeof shownPrice>[1]> = {}) =>
  shownPrice(parseNano(text), { rates, currency: 'USD', nowMs: 0, ...device });

describe('a price', () => {
  test('is shown in the customer’s money, rounded up', () => {
    expect(shown('0.0004 EUR')).toEqual({ type: 'price', price: parseNano('0.0005 USD') });
    expect(shown('0.000000003 EUR')).toEqual({ type: 'price', price: parseNano('0.000000004 USD') });
  });

  test('in the customer’s own currency needs no table', () => {
    expect(shown('0.0004 USD', { rates: null })).toEqual({ type: 'price', price: parseNano('0.0004 USD') });
  });

  test('is told apart without a table, with one past its life, and with one that lacks the pair', () => {
    expect(shown('1 EUR', { rates: null })).toEqual({ type: 'rates-missing' });
    expect(shown('1 EUR', { nowMs: 1000 })).toMatchObject({ type: 'price' });
    expect(shown('1 EUR', { nowMs: 1001 })).toEqual({ type: 'rates-stale', validUntilMs: 1000 });
    expect(shown('1 GBP')).toEqual({ type: 'rate-unknown' });
  });
});

describe('the table', () => {
  test('is fetched when asked for, without naming a merchant, and once at a time', async () => {
    const world = await startAllowed();
    await Promise.all([world.host.submit({ type: 'rates' }), world.host.submit({ type: 'rates' })]);
    await world.run(10);
    expect(world.host.state.rates!.rates).toEqual([RATE]);
    expect(world.counterparts.sent.map(({ to }) => to)).toEqual(['https://bank.test/deposit/rates']);
    await expect((await startPurse()).host.submit({ type: 'rates' })).rejects.toMatchObject({ code: 'LIMIT_UNKNOWN' });
  });

  test('is fetched again at the end of its life while deposits are open, and only then', async () => {
    const world = await startAllowed();
    const transaction = await world.open({ idleMs: 100 * HOUR, endsAtMs: world.clock.nowMs() + 30 * HOUR });
    const first = world.host.state.rates!.validUntilMs;
    await world.run(25 * HOUR);
    expect(world.host.state.rates!.validUntilMs).toBeGreaterThan(first);
    const closing = world.spender.close(transaction);
    await world.run(1000);
    await closing;
    const last = world.host.state.rates!.validUntilMs;
    await world.run(50 * HOUR);
    expect(world.host.state.rates!.validUntilMs).toBe(last);
  });

  test('does not give way to an older one', async () => {
    const world = await startAllowed();
    await world.open();
    const first = world.host.state.rates!;
    world.counterparts.lies.loggedOn = (honest) => ({
      ...honest,
      rates: { ...first, issuedAtMs: first.issuedAtMs - 1, rates: [] },
    });
    await world.run(1000);
    await world.want({ merchant: 'library' });
    expect(world.host.state.rates).toEqual(first);
  });

  test('can be asked for again when nobody answered', async () => {
    const world = await startAllowed({ lies: { reply: () => ({ type: 'refused', code: 'NO', detail: '' }) } });
    await world.host.submit({ type: 'rates' });
    await world.run(10);
    expect(world.host.state.rates).toBeNull();
    delete world.counterparts.lies.reply;
    await world.host.submit({ type: 'rates' });
    await world.run(10);
    expect(world.host.state.rates).not.toBeNull();
  });
});
