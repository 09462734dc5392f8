/** Parties away for a while, answers lost, payments shown again by others: between real parties, over real sockets. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemRandom } from '../../src/crypto/random.ts';
import { createWebFetch } from '../../src/transport/web-fetch.ts';
import { restingDeposits } from './deposit-books.ts';
import { type PartyWorld, startPartyWorld } from './party-world.ts';
import { buyLookups, LOOKUP, tradingSession } from './trading-session.ts';
import { until } from './until.ts';
import { contains } from './wire.ts';

let world: PartyWorld;

beforeAll(async () => {
  world = await startPartyWorld();
});
afterEach(async () => {
  world.cut.clear();
  await world.deposits().desk.closeAll();
});
afterAll(() => world?.close());

const url = () => `${world.paidUrlOf('atlas')}${LOOKUP}`;
const shown = (transaction = '') => world.deposits().desk.show(transaction);
const finished = (transaction = '') =>
  until(
    () => shown(transaction),
    ({ phase }) => phase === 'finished',
    45_000,
  );

describe('an operator away for a while', () => {
  test.each(['north', 'south'])(
    '%s: what is open is spent on, and settled when it is back',
    async (away) => {
      const before = await restingDeposits(world);
      const { transaction } = await world.deposits().desk.open({ url: url() });
      await world.stop(away);
      const { answers, failed } = await buyLookups(world, { times: 250 });
      expect([answers.length, failed]).toEqual([250, undefined]);
      const closing = world.deposits().desk.close(transaction!);
      await sleep(1500);
      expect(await shown(transaction)).toMatchObject({ phase: 'concluding' });
      await world.start(away);
      await closing;
      expect(await finished(transaction)).toMatchObject({ outcome: 'concluded', purchases: 250, paid: '0.10 USD' });
      const after = await restingDeposits(world);
      expect([after.merchant - before.merchant, after.southOwes - before.southOwes]).toEqual([10n, 10n]);
      expect(after.violations).toEqual([]);
    },
    60_000,
  );

  test.each(['north', 'south'])(
    '%s: what is not open yet is opened when it is back, once',
    async (away) => {
      await world.deposits().desk.rates({ renew: true });
      await world.stop(away);
      const buying = buyLookups(world, { times: 25 });
      await sleep(1500);
      await world.start(away);
      const { answers, failed } = await buying;
      expect([answers.length, failed]).toEqual([25, undefined]);
      const { deposits } = await world.deposits().desk.list({ finished: false });
      expect(deposits).toEqual([expect.objectContaining({ phase: 'open', purchases: 25 })]);
    },
    60_000,
  );

  test('a settlement reaches the other bank when it is back, and nobody owes anybody any more', async () => {
    await tradingSession(world, { times: 250 });
    const owed = await restingDeposits(world);
    expect(owed.southOwes).toBeGreaterThan(0n);
    await world.stop('north');
    const message = { kind: 'close', contentType: 'application/json', extension: 'json', body: new Uint8Array() };
    const closed = await world.clientAs('south').post(`${world.urlOf('south')}/operator/close-of-business`, message);
    expect(closed.status).toBe(200);
    await sleep(500);
    await world.start('north');
    const after = await until(
      () => restingDeposits(world),
      ({ north }) => north.settlements.some(({ state }) => state === 'received'),
    );
    expect([after.southOwes, after.northIsOwed, after.violations]).toEqual([0n, 0n, []]);
    const [paid] = (
      await until(
        () => restingDeposits(world),
        ({ south }) => south.settlements[0]?.state === 'paid',
      )
    ).south.settlements;
    expect(paid).toMatchObject({ operator: 'north', state: 'paid' });
    // What was owed at risk is free again for new deposits.
    const position = after.north.positions.find(({ operator, currency }) => operator === 'south' && currency === 'USD');
    expect(position!.atRisk).toBe('0.00 USD');
  }, 60_000);
});

test('a merchant away in the middle of it serves all of it when it is back, and takes each payment once', async () => {
  const { transaction } = await world.deposits().desk.open({ url: url() });
  const buying = buyLookups(world, { times: 400, atOnce: 4 });
  await sleep(150);
  await world.stop('atlas');
  await sleep(300);
  await world.start('atlas');
  const { answers, failed } = await buying;
  expect([answers.length, failed]).toEqual([400, undefined]);
  await world.deposits().desk.close(transaction!);
  expect(await finished(transaction)).toMatchObject({ purchases: 400, spent: '0.16 USD', paid: '0.16 USD' });
}, 60_000);

test('answers that are lost on their way are asked for with the same payments, and charged once', async () => {
  const { transaction } = await world.deposits().desk.open({ url: url() });
  const since = world.messages.length;
  const buying = buyLookups(world, { times: 200, atOnce: 2 });
  const isPaid = ({ kind, bytes }: { kind: string; bytes: Uint8Array }) =>
    kind === 'http-request' && contains(bytes, 'authorization');
  const paid = () => world.messages.slice(since).filter(isPaid);
  await until(paid, ({ length }) => length > 20);
  world.cut.add('atlas → customer http-answer');
  await sleep(800);
  world.cut.clear();
  const { answers, failed } = await buying;
  expect([answers.length, failed]).toEqual([200, undefined]);
  const different = new Set(paid().map(({ bytes }) => Buffer.from(bytes).toString('latin1')));
  expect(different.size).toBe(200);
  expect(paid().length).toBeGreaterThan(200);
  await world.deposits().desk.close(transaction!);
  expect(await finished(transaction)).toMatchObject({ purchases: 200, spent: '0.08 USD' });
}, 60_000);

test('a deposit nobody uses is closed by itself, and what is left comes back', async () => {
  const { transaction } = await world.deposits().desk.open({ url: url(), idleMs: 1000 });
  await buyLookups(world, { times: 25 });
  const ended = await finished(transaction);
  expect(ended).toMatchObject({ outcome: 'concluded', purchases: 25, paid: '0.01 USD', unused: '1.07 USD' });
  const { atlas, south } = await restingDeposits(world);
  expect(atlas.deposits[0]).toMatchObject({ transaction, purchases: 25 });
  expect(south.customers[0]!.held).toBe('0.00 EUR');
});

describe('a payment that somebody else overheard', () => {
  const strangers = () =>
    createWebFetch({
      anchorsPem: world.identityOf('lexicon').clientTls.anchorsPem,
      timeoutMs: 5000,
      maxBytes: 1 << 20,
    });
  const authorizationIn = (bytes: Uint8Array) =>
    /^authorization: (.*)$/m.exec(Buffer.from(bytes).toString())![1]!.trim();

  test('buys nothing new: the same answer for the same request, nothing for another', async () => {
    const { transaction } = await world.deposits().desk.open({ url: url() });
    const { answers } = await buyLookups(world, { times: 3 });
    const { bytes } = world.messages.findLast(({ kind, to }) => kind === 'http-request' && to === 'atlas')!;
    const web = strangers();
    try {
      const headers = { authorization: authorizationIn(bytes) };
      const again = await web.fetch(url(), { headers });
      expect([again.status, Buffer.from(await again.arrayBuffer())]).toEqual([200, Buffer.from(answers[2]!.body)]);
      const other = await web.fetch(url().replace('France', 'Chile'), { headers });
      expect([other.status, await other.text()]).toEqual([402, expect.not.stringContaining('Chile')]);
    } finally {
      web.close();
    }
    await world.deposits().desk.close(transaction!);
    expect(await finished(transaction)).toMatchObject({ purchases: 3 });
  });

  test('changed in any byte buys nothing, and harms neither side', async () => {
    const { transaction } = await world.deposits().desk.open({ url: url() });
    const bought = await buyLookups(world, { times: 3 });
    const { bytes } = world.messages.findLast(({ kind, to }) => kind === 'http-request' && to === 'atlas')!;
    const whole = Buffer.from(authorizationIn(bytes).replace('Payment ', ''), 'base64url').toString();
    const credential = JSON.parse(whole) as { payload: { token: string } };
    const web = strangers();
    try {
      for (let times = 0; times < 40; times++) {
        const token = Buffer.from(credential.payload.token, 'base64url');
        const at = systemRandom(2);
        token[(at[0]! * 256 + at[1]!) % token.length]! ^= 1 << (at[0]! % 8);
        const changed = { ...credential, payload: { ...credential.payload, token: token.toString('base64url') } };
        const authorization = `Payment ${Buffer.from(JSON.stringify(changed)).toString('base64url')}`;
        const answer = await web.fetch(url(), { headers: { authorization } });
        const body = Buffer.from(await answer.arrayBuffer());
        // What changes only the words of a purchase that was taken is that purchase again, and gets its answer.
        if (answer.status === 200) expect(body).toEqual(Buffer.from(bought.answers[2]!.body));
        else expect(answer.status).toBe(402);
      }
    } finally {
      web.close();
    }
    expect((await buyLookups(world, { times: 5 })).answers).toHaveLength(5);
    await world.deposits().desk.close(transaction!);
    expect(await finished(transaction)).toMatchObject({ purchases: 8, outcome: 'concluded' });
  });
});
