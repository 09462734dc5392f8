/** What a person sees of agents at a real station, and what ends when: with a real market, real merchants and real cards. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { agentOrderSchema } from '../../../src/party/customer/agent-order.ts';
import type { AgentView } from '../../../src/party/customer/station.ts';
import { type RunningNetwork, startNetwork } from '../../../src/party/network/network.ts';
import { silentLog } from '../../../src/transport/log.ts';
import { provisionIn, temporaryFolder } from './network-fixture.ts';

const { folder, remove } = temporaryFolder();
let running: RunningNetwork;

beforeAll(async () => {
  const home = join(folder, 'home');
  const { network } = await provisionIn(home);
  running = await startNetwork(home, network, { log: silentLog() });
  await Promise.all(running.parties.map(({ ready }) => ready));
});
afterAll(async () => {
  await running.close();
  remove();
});

const station = () => running.customer.station;
const send = (order: Record<string, unknown> = {}) =>
  station().send(
    agentOrderSchema.parse({
      ...{ want: 'emoji', max: '3.00EUR', proposalsMs: 4000 },
      ...(order.scenario !== 'ask-person' && { password: running.password }),
      ...order,
    }),
  );
const until = (mandate: string, wanted: (view: AgentView) => boolean, timeout = 15_000) =>
  vi.waitFor(
    async () => {
      const view = await station().status(mandate);
      expect(view).toSatisfy(wanted);
      return view;
    },
    { timeout, interval: 50 },
  );
const waiting = ({ state }: AgentView) => state === 'awaiting-approval';
const delivered = ({ payments }: AgentView) => payments.some(({ status }) => status === 'delivered');
const purseLeft = async (name: string) => (await station().bought()).purses.find((purse) => purse.name === name)?.left;

test('a payment nobody approves ends with its mandate: the amount is free in budget and purse, and nothing waits', async () => {
  const purse = { name: 'pocket', limit: '2.00EUR' };
  const mandate = await send({ scenario: 'ask-person', byMs: 2000, validMs: 2500, proposalsMs: 1500, purse });
  const { payments, setAside, spent } = await until(mandate, waiting);
  expect([setAside, spent]).toEqual([payments[0]!.price, '0.00 EUR']);
  expect(await purseLeft('pocket')).not.toBe('2.00 EUR');

  const view = await until(mandate, ({ state }) => state === 'expired');
  expect(view).toMatchObject({ committed: '0.00 EUR', setAside: '0.00 EUR', waiting: [] });
  expect(view.payments).toMatchObject([{ status: 'expired', reason: 'the mandate expired before it was approved' }]);
  expect(await purseLeft('pocket')).toBe('2.00 EUR');
  const approved = station().approve(payments[0]!.payment, running.password);
  await expect(approved).rejects.toMatchObject({ code: 'PAYMENT_NOT_WAITING' });
});

test('at a recall, what waits for the person ends at once', async () => {
  const mandate = await send({ scenario: 'ask-person' });
  const { payments } = await until(mandate, waiting);
  await station().recall(mandate.slice(0, 13));
  const view = await station().status(mandate);
  expect(view).toMatchObject({ state: 'recalled', committed: '0.00 EUR', waiting: [] });
  expect(view.payments).toMatchObject([{ payment: payments[0]!.payment, status: 'recalled' }]);
  await until(mandate, ({ agent }) => agent === 'recalled');
});

test('an agent hears of a rejection at once, and does not go on paying', async () => {
  const mandate = await send({ scenario: 'ask-person', merchants: ['atlas'] });
  const { payments } = await until(mandate, waiting);
  await station().reject(payments[0]!.payment.slice(0, 12), 'too dear');
  const view = await until(mandate, ({ agent }) => agent === 'failed', 5000);
  expect(view).toMatchObject({ state: 'failed', committed: '0.00 EUR' });
  expect(view.reason).toBe('the person rejected the payment; no other merchant offers what is wanted');
  expect(view.payments).toMatchObject([{ status: 'failed', reason: 'too dear' }]);
});

test('the list tells how each agent fares, what was spent of what, and those that have ended last', async () => {
  const done = await send({ count: 2, budget: '5.00EUR' });
  const view = await until(done, (now) => now.state === 'done' && now.bought === 2, 25_000);
  const asking = await send({ scenario: 'ask-person', byMs: 20_000, validMs: 20_000 });
  await until(asking, waiting);
  const list = await station().list();
  const [first] = list;
  expect(first).toMatchObject({ mandate: asking, state: 'awaiting-approval', spent: '0.00 EUR' });
  expect(first!.setAside).not.toBe('0.00 EUR');
  expect(first!.ageMs).toBeLessThan(20_000);
  expect(list.slice(1).every(({ state }) => ['done', 'failed', 'expired', 'recalled'].includes(state))).toBe(true);
  const found = list.find(({ mandate }) => mandate === done)!;
  expect(found).toMatchObject({ count: 2, bought: 2, budget: '5.00 EUR', setAside: '0.00 EUR', spent: view.committed });
  await station().recall(asking);
});

test('identities may be shortened as far as they are still unmistakable', async () => {
  const mandates = (await station().list()).map(({ mandate }) => mandate);
  const ambiguous = [...'0123456789abcdef'].find((digit) => mandates.filter((one) => one.startsWith(digit)).length > 1);
  expect((await station().status(mandates[0]!.slice(0, 13))).mandate).toBe(mandates[0]);
  await expect(station().status('no such')).rejects.toMatchObject({ code: 'MANDATE_UNKNOWN' });
  await expect(station().status('')).rejects.toMatchObject({ code: 'MANDATE_UNKNOWN' });
  await expect(station().approve('no such', 'x')).rejects.toMatchObject({ code: 'PAYMENT_UNKNOWN' });
  if (ambiguous) await expect(station().recall(ambiguous)).rejects.toMatchObject({ code: 'IDENTITY_AMBIGUOUS' });
});

test('a purse that is used up is named with what it has left', async () => {
  const purse = { name: 'food', limit: '1.00EUR' };
  const first = await until(await send({ purse, merchants: ['atlas'] }), delivered);
  const left = await purseLeft('food');
  expect(Number(left!.slice(0, 4)) + Number(first.spent.slice(0, 4))).toBeCloseTo(1);
  const second = await until(await send({ purse, merchants: ['atlas'] }), ({ agent }) => agent === 'failed');
  expect(second.reason).toBe(`the purse food has ${left} left; no other merchant offers what is wanted`);
});

test('a merchant is meant whatever the case of its name; one that nobody knows is warned of', async () => {
  expect(await station().check({ merchants: ['LEXICON'], barred: ['Atlas'] })).toEqual([]);
  const [warning, ...more] = await station().check({ merchants: [], barred: ['Atlsa'] });
  expect(warning).toMatch(/^--not Atlsa: no merchant of that name is known; on the market are atlas, lexicon$/);
  expect(more).toEqual([]);
  const view = await until(await send({ barred: ['Atlas'] }), delivered);
  expect(view.payments.map(({ merchant }) => merchant)).toEqual(['lexicon']);
});

test('a preference on something nobody offers is said not to have counted', async () => {
  const view = await until(await send({ weights: { price: 50, foo: 50 } }), delivered);
  expect(view.warnings).toEqual(['no offer had foo: what you prefer of it did not count']);
});

test('an agent of the station’s own platform says that the market cannot be reached, and another is not even sent', async () => {
  const market = running.parties.find(({ name }) => name === 'market')!;
  const url = (market as unknown as { url: string }).url;
  await market.close();
  const local = await send({ local: true, byMs: 1000, proposalsMs: 500 });
  const view = await until(local, ({ agent }) => agent === 'failed');
  expect(view.reason).toBe(`the market ${url} cannot be reached`);
  await expect(send()).rejects.toMatchObject({ code: 'MARKET_UNREACHABLE', message: view.reason });
  // The station was set up with these: the limit holds although the market cannot be asked.
  expect(await station().check({ merchants: ['ATLAS'], barred: ['nobody'] })).toEqual([
    '--not nobody: no merchant of that name is known',
  ]);
});

test('purchases are listed with date, price and file, with totals and without what was not paid', async () => {
  const { purchases, totals } = await station().bought();
  expect(purchases.length).toBeGreaterThan(3);
  for (const { date, product, merchant, price, files } of purchases) {
    expect([date, product, merchant, price]).not.toContain('');
    expect(files).toHaveLength(1);
  }
  expect(purchases.map(({ date }) => date)).toEqual(purchases.map(({ date }) => date).sort());
  const sum = purchases.reduce((total, { price }) => total + Number(price.slice(0, 4)), 0);
  expect(totals).toEqual([`${sum.toFixed(2)} EUR`]);
});
