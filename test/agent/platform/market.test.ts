import { expect, test } from 'vitest';
import { orderIdOf, readAgreement } from '../../../src/agent/message/agreement.ts';
import { merchantListType, merchantsType } from '../../../src/agent/message/hosting.ts';
import { verifyOfferChain } from '../../../src/agent/message/offer-chain.ts';
import {
  completionNoticeType,
  completionType,
  payByCardType,
  paymentRefusalType,
  paymentRequestType,
} from '../../../src/agent/message/payment.ts';
import { readPaymentStart } from '../../../src/agent/message/payment-start.ts';
import { openToken } from '../../../src/agent/message/token.ts';
import { toHex } from '../../../src/codec/hex.ts';
import { decodeShape, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { readCertificate } from '../../../src/pki/certificate.ts';
import { createAgentWorld, good, type Owner, type Platform } from '../market-world.ts';

const ACKNOWLEDGED = new Uint8Array([0xf6]);

/** A market with three merchants of different list prices, and a customer's station; each with keys and a store of its own. */
async function openMarket(
  prices: Readonly<Record<string, [list: bigint, floor: bigint]>> = {
    ada: [900n, 500n],
    bob: [800n, 450n],
    cyd: [950n, 300n],
  },
) {
  const world = createAgentWorld();
  const market = await world.platform('https://market.test');
  const merchants: Record<string, Owner> = {};
  for (const [name, [listMinor, floorMinor]] of Object.entries(prices)) {
    const owner = world.owner(name);
    merchants[name] = owner;
    await world.deploy(market, owner, { goods: [good('words', { listMinor, floorMinor, stock: 2 })] });
    world.routes.set(owner.url, async () => ACKNOWLEDGED);
  }
  const station = world.owner('station');
  world.routes.set(station.url, async () => ACKNOWLEDGED);
  return { world, market, merchants, station };
}

async function complete(
  world: ReturnType<typeof createAgentWorld>,
  market: Platform,
  merchant: Owner,
  outcome: 'paid' | 'failed',
) {
  const request = readMessage(paymentRequestType, world.sentOf('payment-request').at(-1)!.body);
  const completion = {
    orderId: orderIdOf(request.value.agreement),
    merchant: merchant.name,
    outcome,
    ...(outcome === 'paid' ? { approvalCode: '123456', goodsUrl: `${merchant.url}/goods/1` } : { reason: 'declined' }),
    atMs: world.clock.nowMs(),
  };
  await market.post('completion', signMessage(completionType, completion, merchant.signer));
  await world.run(100);
}

function sellerOf(agreement: Uint8Array, merchants: Readonly<Record<string, Owner>>): Owner {
  return merchants[readAgreement(agreement).terms.merchant.id]!;
}

test('customer and merchant agents negotiate on a server of the network, and the best of three merchants is paid', async () => {
  const { world, market, merchants, station } = await openMarket();
  const { agent, itemKeys, code, mandate } = await world.launch(market, station);
  await world.run(100);

  expect(market.status(station, agent)).toMatchObject({ phase: 'paying', proposals: 3 });
  expect(world.warnings).toEqual([]);
  const [start] = world.sentOf('payment-start');
  expect(start!.to).toBe('https://station.test/agent/payment-start');
  const received = readPaymentStart(start!.body);
  const content = received.open(readCertificate(received.certificateChain[0]!).publicKey, station.keys.privateKey);
  const agreement = readAgreement(content.agreement);
  expect(agreement.price.minor).toBeLessThan(800n);
  expect(agreement.price.minor).toBeGreaterThanOrEqual(300n);
  expect(verifyOfferChain(content.chain, agreement).length).toBeGreaterThan(0);
  const itemKey = itemKeys.get(content.token.itemId)!;
  expect(openToken(content.token, { itemKey, mandateId: mandate.id })).toEqual(code);

  const seller = sellerOf(content.agreement, merchants);
  const [request] = world.sentOf('payment-request');
  expect(request!.to).toBe(`${seller.url}/agent/payment-request`);
  await complete(world, market, seller, 'paid');
  expect(market.status(station, agent)).toMatchObject({ phase: 'done', purchases: [{ outcome: 'paid' }] });
  const [notice] = world.sentOf('completion-notice');
  const told = readMessage(completionNoticeType, notice!.body);
  told.requireSignature(readCertificate(told.certificateChain[0]!).publicKey);
  expect(told.value.others).toHaveLength(2);
  expect(readMessage(completionType, told.value.completion).value.goodsUrl).toBe(`${seller.url}/goods/1`);
  expect([market.host.state.calls.size, market.host.state.talks.size, market.host.state.orders.size]).toEqual([
    0, 0, 0,
  ]);
});

test('in no order of deployment does another merchant win or the price change', async () => {
  const orders = [
    ['ada', 'bob', 'cyd'],
    ['cyd', 'bob', 'ada'],
    ['bob', 'cyd', 'ada'],
  ];
  const prices: Record<string, [bigint, bigint]> = { ada: [900n, 500n], bob: [800n, 450n], cyd: [950n, 300n] };
  const results = new Set<string>();
  for (const order of orders) {
    const { world, market, station } = await openMarket(Object.fromEntries(order.map((name) => [name, prices[name]!])));
    const { agent } = await world.launch(market, station, { strategy: 'pareto-seeking' });
    await world.run(100);
    const [purchase] = market.status(station, agent).purchases!;
    results.add(`${purchase!.merchant} ${purchase!.price}`);
  }
  expect(results.size).toBe(1);
});

test('no message shows a floor to the customer or a limit to a merchant', async () => {
  // Numbers that nothing else in the messages can be by chance.
  const { world, market, station } = await openMarket({ ada: [987_654n, 555_123n] });
  await world.launch(market, station, { priceLimitMinor: 777_321n, budgetMinor: 888_432n, strategy: 'pareto-seeking' });
  await world.run(100);
  const said = [...market.host.state.talks.values()].flatMap(({ offers }) =>
    offers.map(({ value }) => value.values.price),
  );
  expect(said.length).toBeGreaterThan(3);
  for (const secret of [555_123, 777_321, 888_432]) expect(said).not.toContain(secret);
  const call = [...market.host.state.calls.values()][0]!;
  const text = JSON.stringify([call.value, [...call.proposals.values()].map(({ value }) => value)], (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  expect(text).toContain('987654');
  for (const secret of ['555123', '777321', '888432']) expect(text).not.toContain(secret);
});

test('never agrees above the limit, outside a must-have, or with a merchant that is barred', async () => {
  const { world, market, merchants, station } = await openMarket({ ada: [900n, 600n] });
  const { agent } = await world.launch(market, station, { priceLimitMinor: 599n });
  await world.run(100);
  expect(market.status(station, agent)).toMatchObject({
    phase: 'failed',
    reason: 'no merchant agreed to acceptable terms',
  });

  const { agent: barred } = await world.launch(market, station, { merchantsBarred: ['ada'] }, 'second');
  const { agent: foreign } = await world.launch(
    market,
    station,
    { wanted: { terms: ['words'], category: '', mustHaves: { language: ['nl'] } } },
    'third',
  );
  const { agent: fine } = await world.launch(market, station, { priceLimitMinor: 600n }, 'fourth');
  await world.run(100);
  expect(market.status(station, barred).phase).toBe('failed');
  expect(market.status(station, foreign).phase).toBe('failed');
  expect(market.status(station, fine)).toMatchObject({ phase: 'paying', purchases: [{ merchant: 'ada Ltd' }] });
  expect(merchants.ada).toBeDefined();
});

test('open issues are negotiated with the price, within must-haves', async () => {
  const world = createAgentWorld();
  const market = await world.platform('https://market.test');
  const ada = world.owner('ada');
  await world.deploy(market, ada, {
    goods: [
      good('words', {
        choices: {
          licence: [
            { value: 'personal', surchargeMinor: 0n },
            { value: 'team', surchargeMinor: 200n },
            { value: 'resale', surchargeMinor: 900n },
          ],
          delivery: [
            { value: 'next day', surchargeMinor: 0n },
            { value: 'at once', surchargeMinor: 20n },
          ],
        },
      }),
    ],
  });
  const station = world.owner('station');
  const { agent } = await world.launch(market, station, {
    wanted: { terms: ['words'], category: 'Data', mustHaves: { licence: ['team', 'resale'] } },
    preferences: [
      { issue: 'price', weight: 50, worths: {} },
      { issue: 'delivery', weight: 30, worths: { 'at once': 100 } },
    ],
  });
  await world.run(100);
  expect(market.status(station, agent).phase).toBe('paying');
  const { value } = readMessage(
    payByCardType,
    readMessage(paymentRequestType, world.sentOf('payment-request')[0]!.body).value.payByCard,
  );
  const { terms } = readAgreement(value.agreement);
  expect(terms.values).toEqual({ licence: 'team', delivery: 'at once' });
  expect(terms.priceMinor).toBeGreaterThanOrEqual(400n + 220n);
});

test('promised stock is held, sold when paid, and free again when the payment fails or never comes', async () => {
  const { world, market, merchants, station } = await openMarket({ ada: [900n, 500n] });
  const ada = () => market.host.state.merchants.get('agent of ada')!;
  const first = await world.launch(market, station, {}, 'first');
  const second = await world.launch(market, station, {}, 'second');
  const third = await world.launch(market, station, {}, 'third');
  await world.run(100);
  expect(ada().held.get('words')).toBe(2);
  expect(market.status(station, first.agent).phase).toBe('paying');
  expect(market.status(station, second.agent).phase).toBe('paying');
  expect(market.status(station, third.agent)).toMatchObject({ phase: 'failed' });

  await complete(world, market, merchants.ada!, 'paid');
  expect([ada().sold.get('words'), ada().held.get('words')]).toEqual([1, 1]);
  await world.run(61_000);
  expect(ada().held.get('words')).toBeUndefined();
  const fourth = await world.launch(market, station, {}, 'fourth');
  await world.run(100);
  expect(market.status(station, fourth.agent).phase).toBe('paying');
  await complete(world, market, merchants.ada!, 'failed');
  expect(market.status(station, fourth.agent)).toMatchObject({ phase: 'failed', purchases: [{ outcome: 'failed' }] });
  expect([ada().sold.get('words'), ada().held.get('words')]).toEqual([1, undefined]);
});

test('a mandate for three purchases buys three times with a token each, and not a fourth time', async () => {
  const { world, market, merchants, station } = await openMarket();
  const { agent } = await world.launch(market, station, { count: 3 });
  const items = new Set<string>();
  for (let purchase = 1; purchase <= 3; purchase += 1) {
    await world.run(100);
    const starts = world.sentOf('payment-start');
    expect(starts).toHaveLength(purchase);
    const received = readPaymentStart(starts.at(-1)!.body);
    const content = received.open(readCertificate(received.certificateChain[0]!).publicKey, station.keys.privateKey);
    items.add(content.token.itemId);
    await complete(world, market, sellerOf(content.agreement, merchants), 'paid');
  }
  await world.run(1000);
  expect(items.size).toBe(3);
  expect(market.status(station, agent)).toMatchObject({ phase: 'done' });
  expect(world.sentOf('payment-start')).toHaveLength(3);
});

test('a budget that ends before the count does is an end like another, and says what was bought and what is left', async () => {
  const { world, market, merchants, station } = await openMarket({ ada: [400n, 400n] });
  const { agent } = await world.launch(market, station, { count: 3, priceLimitMinor: 400n, budgetMinor: 850n });
  for (let purchase = 1; purchase <= 2; purchase += 1) {
    await world.run(100);
    await complete(world, market, merchants.ada!, 'paid');
  }
  expect(market.status(station, agent)).toMatchObject({
    phase: 'done',
    reason: 'bought 2 of 3: the budget has 0.50 EUR left',
  });
});

test('an agent that fails says why its purchase failed, not that nobody else had what is wanted', async () => {
  const { world, market, station } = await openMarket({ ada: [900n, 500n] });
  world.routes.set(station.url, async (kind) => {
    if (kind === 'payment-start') throw new HandselError('PURSE_EXCEEDED', 'no');
    return ACKNOWLEDGED;
  });
  const { agent } = await world.launch(market, station);
  await world.run(100);
  expect(market.status(station, agent)).toMatchObject({
    phase: 'failed',
    reason: 'the station refused to pay: PURSE_EXCEEDED; no other merchant offers what is wanted',
  });
});

test('a merchant server that is away has not refused anything: it did not answer in time', async () => {
  const { world, market, merchants, station } = await openMarket({ ada: [900n, 500n] });
  world.routes.delete(merchants.ada!.url);
  const { agent } = await world.launch(market, station);
  await world.run(61_000);
  expect(market.status(station, agent)).toMatchObject({
    phase: 'failed',
    reason: 'the merchant did not answer in time',
  });
});

test('a market that does not answer is not taken for one where nobody offers what is wanted', async () => {
  const world = createAgentWorld();
  const station = world.owner('station');
  const own = await world.platform(station.url);
  const { agent } = await world.launch(own, station, { markets: ['https://elsewhere.test'] });
  await world.run(5_000);
  expect(own.status(station, agent)).toMatchObject({
    phase: 'failed',
    reason: 'the market https://elsewhere.test cannot be reached',
  });
});

test('preferences on something that nobody offers are named, others are not', async () => {
  const { world, market, station } = await openMarket({ ada: [900n, 500n] });
  const preferences = ['price', 'language', 'foo'].map((issue) => ({ issue, weight: 10, worths: {} }));
  const { agent } = await world.launch(market, station, { preferences });
  await world.run(100);
  expect(market.status(station, agent).notOffered).toEqual(['foo']);
  const { agent: other } = await world.launch(market, station, { preferences: preferences.slice(0, 2) }, 'second');
  await world.run(100);
  expect(market.status(station, other)).not.toHaveProperty('notOffered');
});

test('a market names the merchants that sell there to those it knows, and to them freshly asking only', async () => {
  const { world, market, station } = await openMarket({ bob: [900n, 500n], ada: [900n, 500n] });
  const nowMs = world.clock.nowMs();
  const asked = (by: Owner, atMs: number) => signMessage(merchantsType, { atMs }, by.signer);
  const answer = world.door.merchants(market.host.state, asked(station, nowMs), nowMs);
  expect(decodeShape(merchantListType, answer)).toEqual([
    { id: 'ada', name: 'ada Ltd' },
    { id: 'bob', name: 'bob Ltd' },
  ]);
  const refused = (body: Uint8Array, code: string) =>
    expect(() => world.door.merchants(market.host.state, body, nowMs)).toThrow(expect.objectContaining({ code }));
  refused(asked(station, nowMs - 600_000), 'MESSAGE_NOT_FRESH');
  refused(asked(createAgentWorld().owner('station'), nowMs), 'CRYPTOGRAPHIC_FAILURE');
});

test('when the station refuses to pay, the goods are free again and another merchant is tried', async () => {
  const { world, market, station } = await openMarket();
  let refusals = 0;
  world.routes.set(station.url, async (kind) => {
    if (kind === 'payment-start' && refusals++ === 0) return market.post('offer', new Uint8Array()); // any refusal of ours
    return ACKNOWLEDGED;
  });
  const { agent } = await world.launch(market, station);
  await world.run(100);
  const status = market.status(station, agent);
  expect(status.purchases!.map(({ outcome }) => outcome)).toEqual(['failed', 'agreed']);
  expect(status.purchases![0]!.merchant).not.toBe(status.purchases![1]!.merchant);
  const held = [...market.host.state.merchants.values()].reduce(
    (sum, merchant) => sum + (merchant.held.get('words') ?? 0),
    0,
  );
  expect(held).toBe(1);
});

/** What the station says when the person does not approve the last payment that was started. */
async function refuse(
  { world, market }: { world: ReturnType<typeof createAgentWorld>; market: Platform },
  by: Owner,
  agent: string,
  why: 'rejected' | 'expired' | 'recalled',
) {
  const hosted = market.host.state.customers.get(agent)!;
  const orderId = Buffer.from(hosted.purchases.at(-1)!.orderId, 'hex');
  const value = { agent, orderId, why, atMs: world.clock.nowMs() };
  return market.post('payment-refusal', signMessage(paymentRefusalType, value, by.signer));
}

test('a payment the person rejects is over for the agent at once: the goods are free, and another merchant is tried', async () => {
  const { world, market, station } = await openMarket({ ada: [900n, 500n], bob: [800n, 450n] });
  const { agent } = await world.launch(market, station);
  await world.run(100);
  await expect(refuse({ world, market }, world.owner('stranger'), agent, 'rejected')).rejects.toMatchObject({
    code: 'AGENT_UNKNOWN',
  });
  await refuse({ world, market }, station, agent, 'rejected');
  await world.run(100);
  expect(market.status(station, agent)).toMatchObject({
    phase: 'paying',
    purchases: [{ outcome: 'failed' }, { outcome: 'agreed' }],
  });
  await refuse({ world, market }, station, agent, 'rejected');
  await world.run(100);
  expect(market.status(station, agent)).toMatchObject({ phase: 'failed', reason: 'the person rejected the payment' });
  expect([...market.host.state.merchants.values()].map(({ held }) => held.size)).toEqual([0, 0]);
});

test('an agent recalled while its payment waited for the person holds nothing any more, in whichever order it hears of it', async () => {
  for (const recallFirst of [true, false]) {
    const { world, market, station } = await openMarket({ ada: [900n, 500n] });
    const { agent } = await world.launch(market, station);
    await world.run(100);
    if (recallFirst) await world.recall(market, station, agent);
    await refuse({ world, market }, station, agent, 'recalled');
    if (!recallFirst) await world.recall(market, station, agent);
    await world.run(100);
    expect(market.status(station, agent).phase).toBe(recallFirst ? 'recalled' : 'failed');
    expect(market.host.state.merchants.get('agent of ada')!.held.size).toBe(0);
    expect(market.host.state.calls.size).toBe(0);
  }
});

test('a recalled agent buys nothing, and only its owner can recall it or see it', async () => {
  const { world, market, station } = await openMarket();
  const stranger = world.owner('stranger');
  // A second market that never answers keeps the agent waiting for proposals.
  const { agent } = await world.launch(market, station, { markets: [market.url, 'https://elsewhere.test'] });
  expect(market.status(station, agent).phase).toBe('calling');
  await expect(world.recall(market, stranger, agent)).rejects.toMatchObject({ code: 'AGENT_UNKNOWN' });
  expect(() => market.status(stranger, agent)).toThrow(expect.objectContaining({ code: 'AGENT_UNKNOWN' }));
  expect((await world.recall(market, station, agent)).phase).toBe('recalled');
  await world.run(60_000);
  expect(market.status(station, agent).phase).toBe('recalled');
  expect(world.sentOf('payment-start')).toEqual([]);
  expect(market.host.state.calls.size).toBe(0);
});

test('proposals are collected to their deadline even when a market never answers', async () => {
  const { world, market, station } = await openMarket();
  const { agent } = await world.launch(market, station, { markets: [market.url, 'https://elsewhere.test'] });
  await world.run(1_500);
  expect(market.status(station, agent).phase).toBe('calling');
  await world.run(1_000);
  expect(market.status(station, agent).phase).toBe('paying');
});

test('a launch is refused with a mandate of another signer, for another agent, or a certificate for another key', async () => {
  const { world, market, station } = await openMarket();
  const other = world.owner('other');
  await expect(
    world.launch(market, { ...station, certificate: other.certificate }, { agentThumb: new Uint8Array(32) }, 'x'),
  ).rejects.toMatchObject({ code: 'MANDATE_OF_ANOTHER' });
  const forged = { ...station, signer: { ...station.signer, privateKey: other.keys.privateKey } };
  await expect(world.launch(market, forged, {}, 'y')).rejects.toMatchObject({ code: 'CRYPTOGRAPHIC_FAILURE' });
  const untrusted = createAgentWorld().owner('station');
  await expect(world.launch(market, untrusted, {}, 'z')).rejects.toMatchObject({ code: 'CRYPTOGRAPHIC_FAILURE' });
});

test('a completion by anyone but the merchant of the order is refused', async () => {
  const { world, market, merchants, station } = await openMarket({ ada: [900n, 500n], bob: [5000n, 4500n] });
  const { agent } = await world.launch(market, station);
  await world.run(100);
  await expect(complete(world, market, { ...merchants.bob!, name: 'ada' }, 'paid')).rejects.toMatchObject({
    code: 'ORDER_UNKNOWN',
  });
  expect(market.status(station, agent).phase).toBe('paying');
});

test('private keys of agents are nowhere in the journal in the open', async () => {
  const { world, market, station } = await openMarket();
  await world.launch(market, station);
  const stored = toHex(market.host.state.customers.values().next().value!.sealedKey);
  expect(stored).not.toContain('0201010420');
  expect(stored.length).toBeGreaterThan(200);
});

test('a merchant agent taken back in the middle ends its negotiations, and the customer takes the next best', async () => {
  const { world, market, merchants, station } = await openMarket({ ada: [700n, 300n], bob: [800n, 450n] });
  // A second market that never answers keeps the agent waiting while the cheapest merchant withdraws.
  const { agent } = await world.launch(market, station, { markets: [market.url, 'https://elsewhere.test'] });
  await world.recall(market, merchants.ada!, 'agent of ada');
  await world.run(3_000);
  expect(market.status(station, agent)).toMatchObject({ phase: 'paying', purchases: [{ merchant: 'bob Ltd' }] });
});

test('every offer is recorded once, customer and merchant in turn', async () => {
  const { world, market, station } = await openMarket();
  const { agent } = await world.launch(market, station, { rounds: 10 });
  await world.run(100);
  const talks = [...market.host.state.talks.values()];
  expect(talks).toHaveLength(3);
  for (const { offers } of talks) {
    expect(offers.map(({ value }) => value.round)).toEqual(offers.map((_, turn) => Math.floor(turn / 2)));
  }
  expect(market.status(station, agent).offers).toBe(
    talks.reduce((sum, { offers }) => sum + Math.ceil(offers.length / 2), 0),
  );
});
