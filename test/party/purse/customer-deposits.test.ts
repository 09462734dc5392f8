/** The customer's part in deposits, between real parties: limits, deposits opened, used up, closed, and what the person is shown. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAmount } from '../../../src/money/amount.ts';
import { parseNano } from '../../../src/money/nano.ts';
import type { CustomerDepositsRunning } from '../../../src/party/purse/customer-deposits.ts';
import type { FetchEnd, FetchEvent, Fetched, FetchOrder } from '../../../src/party/purse/paid-fetch.ts';
import { type PartyWorld, startPartyWorld } from '../../e2e/party-world.ts';

let world: PartyWorld;
let deposits: CustomerDepositsRunning;
/** In dollars, at the other bank. */
let facts: string;

beforeAll(async () => {
  world = await startPartyWorld();
  deposits = world.deposits();
  facts = `${world.paidUrlOf('atlas')}/paid/country-facts?find=France`;
});
afterAll(() => world?.close());

const order = (more: Partial<FetchOrder> = {}): FetchOrder => ({
  ...{ urls: [facts], times: 1, atOnce: 1, method: 'GET', headers: {}, body: new Uint8Array() },
  ...more,
});

async function fetched(more: Partial<FetchOrder> = {}) {
  const events: FetchEvent[] = [];
  for await (const event of deposits.fetch(order(more))) events.push(event);
  const answers = events.filter((event): event is Fetched => event.type === 'answer');
  const failed = events.find((event) => event.type === 'failed');
  return { answers, failed, end: events.at(-1) as FetchEnd };
}

const own = (max: string, maxPrice?: string) => ({
  own: { max: parseAmount(max), ...(maxPrice === undefined ? {} : { maxPrice: parseNano(maxPrice) }) },
});

describe('fetching', () => {
  test('what is paid for arrives, and what it cost is told in both currencies', async () => {
    const { answers, end } = await fetched();
    expect(Buffer.from(answers[0]!.body).toString()).toContain('FR,FRA,250,France');
    expect(answers[0]!.paid).toMatchObject({ merchant: 'atlas', price: '0.0004 USD', cost: '0.000367986 EUR' });
    expect(end).toMatchObject({ requests: 1, closed: [], paid: [{ merchant: 'atlas', purchases: 1 }] });
  });

  test('another command goes on in the same deposit, also while others run', async () => {
    const before = (await fetched()).answers[0]!.paid!;
    const all = await Promise.all(Array.from({ length: 5 }, () => fetched({ times: 10, atOnce: 4 })));
    const paid = all.flatMap(({ answers }) => answers.map((answer) => answer.paid!));
    expect(new Set(paid.map(({ transaction }) => transaction))).toEqual(new Set([before.transaction]));
    expect(paid.map(({ number }) => number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, at) => before.number + 1 + at),
    );
  });

  test('answers come in the order of the requests, whatever runs at once', async () => {
    const urls = ['France', 'Chile', 'Japan', 'Kenya'].map((name) => facts.replace('France', name));
    const { answers } = await fetched({ urls, times: 3, atOnce: 7 });
    expect(answers.map(({ url }) => url)).toEqual([...urls, ...urls, ...urls]);
    for (const { url, body } of answers) expect(Buffer.from(body).toString()).toContain(url.split('=')[1]);
  });

  test('what is free costs nothing, and what is not there is said', async () => {
    const { answers, end } = await fetched({ urls: [facts.replace('country-facts', 'nothing')] });
    expect(answers).toEqual([expect.objectContaining({ status: 404 })]);
    expect([answers[0]!.paid, end.paid]).toEqual([undefined, []]);
  });

  test('nothing more is begun once a request failed', async () => {
    const { answers, failed, end } = await fetched({ urls: [facts, 'https://127.0.0.1:1/', facts], times: 5 });
    expect(answers).toHaveLength(1);
    expect(failed).toMatchObject({ code: 'PEER_UNREACHABLE' });
    expect(end.requests).toBe(1);
  });
});

describe('limits', () => {
  test('a command with a limit of its own spends it and no more, and leaves nothing open', async () => {
    const { answers, failed, end } = await fetched({ ...own('0.05EUR'), times: 200, atOnce: 16 });
    // 0.05 EUR is 0.05435 USD, of which 0.05 USD is 125 times the price.
    expect(answers).toHaveLength(125);
    expect(failed).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(end.closed).toEqual([
      expect.objectContaining({ outcome: 'concluded', charged: '0.05 EUR', paid: '0.05 USD', purchases: 125 }),
    ]);
    const { limits } = await deposits.desk.list({ finished: false });
    expect(limits.map(({ total }) => total)).toEqual(['20.00 EUR']);
  });

  test('what one request may cost is compared in the customer’s money, before anything is set aside', async () => {
    const before = await deposits.desk.list({ finished: true });
    const { failed } = await fetched({ ...own('1EUR', '0.0001EUR') });
    expect(failed).toMatchObject({ code: 'OFFER_REFUSED' });
    const enough = await fetched({ ...own('1EUR', '0.000368EUR') });
    expect(enough.answers[0]!.paid!.price).toBe('0.0004 USD');
    const after = await deposits.desk.list({ finished: true });
    expect(after.deposits.length - before.deposits.length).toBe(1);
  });

  test('the limit of the day allows no dearer request than the configuration', async () => {
    await expect(fetched({ maxPrice: parseNano('0.02EUR') })).rejects.toMatchObject({ code: 'PRICE_ABOVE_LIMIT' });
    await expect(fetched(own('1USD'))).rejects.toMatchObject({ code: 'CURRENCY_MISMATCH' });
  });

  test('commands racing for one limit never set aside more than it has', async () => {
    const amount = parseAmount('4EUR');
    const opened = await Promise.allSettled(
      Array.from({ length: 8 }, () => deposits.desk.open({ url: facts, amount })),
    );
    const refused = opened.filter(({ status }) => status === 'rejected');
    for (const one of refused) expect((one as PromiseRejectedResult).reason).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    const [day] = (await deposits.desk.list({ finished: false })).limits;
    const minor = (text: string) => Number(text.replace(/\D/g, ''));
    expect(minor(day!.held) + minor(day!.spent)).toBeLessThanOrEqual(2000);
    expect(opened.length - refused.length).toBe(4);
    await deposits.desk.closeAll();
  });
});

describe('the desk', () => {
  test('a deposit is opened without buying, listed, shown and closed, and all of it comes back', async () => {
    const opened = await deposits.desk.open({ url: facts, amount: parseAmount('2EUR'), lengthMs: 3_600_000 });
    expect(opened).toMatchObject({ merchant: 'atlas', operator: 'north', deposit: '2.00 EUR', purchases: 0 });
    expect((await deposits.desk.list({ finished: false })).deposits).toContainEqual(opened);
    // To the whole minute.
    expect(Date.parse(opened.endsAt) - Date.now()).toBeLessThan(3_660_001);
    const closed = await deposits.desk.close(opened.transaction!);
    expect(closed).toMatchObject({ outcome: 'concluded', charged: '0.00 EUR', returned: '2.00 EUR', paid: '0.00 USD' });
    expect(await deposits.desk.show(opened.transaction!)).toEqual(closed);
    // Closing it once more says the same.
    expect(await deposits.desk.close(opened.transaction!)).toEqual(closed);
  });

  test('what there is not is said', async () => {
    await expect(deposits.desk.show('south.99.1')).rejects.toMatchObject({ code: 'DEPOSIT_UNKNOWN' });
    await expect(deposits.desk.open({ url: world.urlOf('agency') })).rejects.toMatchObject({ code: 'NOTHING_TO_PAY' });
    const dollars = { url: facts, amount: parseAmount('2USD') };
    await expect(deposits.desk.open(dollars)).rejects.toMatchObject({ code: 'CURRENCY_MISMATCH' });
  });

  test('the statement sums what the operator booked', async () => {
    await fetched({ ...own('0.10EUR'), times: 100, atOnce: 8 });
    const { deposits: all, charged } = await deposits.desk.statement();
    const minor = (text = '') => Number(text.replace(/\D/g, ''));
    expect(all.reduce((sum, one) => sum + minor(one.charged), 0)).toBe(minor(charged));
    expect(all[0]).toMatchObject({ spent: '0.04 USD', paid: '0.04 USD', rate: '1.087', outcome: 'concluded' });
    expect(all[0]!.ruling).toContain('Both have the same list of 100 purchases.');
  });

  test('rates are kept while they are valid, and asked for when a person wants new ones', async () => {
    const known = await deposits.desk.rates({ renew: false, price: parseNano('0.0004USD') });
    expect(known).toMatchObject({ shown: '0.000367986 EUR', stale: false });
    const asked = () => world.messages.filter(({ kind }) => kind === 'deposit-rates').length;
    const before = asked();
    await deposits.desk.rates({ renew: false });
    expect(asked()).toBe(before);
    const renewed = await deposits.desk.rates({ renew: true });
    expect(asked()).toBe(before + 1);
    expect(Date.parse(renewed.validUntil)).toBeGreaterThan(Date.parse(known.validUntil));
  });
});
