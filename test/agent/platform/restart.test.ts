import { expect, test } from 'vitest';
import { orderIdOf } from '../../../src/agent/message/agreement.ts';
import { completionType, paymentRequestType } from '../../../src/agent/message/payment.ts';
import { restorePlatform, snapshotPlatform } from '../../../src/agent/platform/platform-snapshot.ts';
import { readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { createMemoryJournal } from '../../../src/journal/memory-journal.ts';
import { createAgentWorld, good } from '../market-world.ts';

const ACKNOWLEDGED = new Uint8Array([0xf6]);

test('a platform that lost its power goes on where it was, and the purchase ends once', async () => {
  const world = createAgentWorld();
  const journal = createMemoryJournal();
  const market = await world.platform('https://market.test', { journal });
  const ada = world.owner('ada');
  const station = world.owner('station');
  let reachable = false;
  const starts: Uint8Array[] = [];
  world.routes.set(ada.url, async () => ACKNOWLEDGED);
  world.routes.set(station.url, async (kind, body) => {
    if (!reachable) throw new Error('not reachable');
    if (kind === 'payment-start') starts.push(body);
    return ACKNOWLEDGED;
  });
  await world.deploy(market, ada, { goods: [good('words', { stock: 5 })] });
  const { agent } = await world.launch(market, station);
  await world.run(100);
  expect(market.status(station, agent).phase).toBe('paying');
  const before = snapshotPlatform(market.host.state);

  const again = await world.platform('https://market.test', {
    journal: createMemoryJournal({ disk: journal.powerCut() }),
  });
  expect(snapshotPlatform(again.host.state)).toEqual(before);
  reachable = true;
  await world.run(60_000);
  expect(starts.length).toBe(1);

  const request = readMessage(paymentRequestType, world.sentOf('payment-request')[0]!.body);
  const completion = {
    orderId: orderIdOf(request.value.agreement),
    merchant: 'ada',
    outcome: 'paid' as const,
    atMs: world.clock.nowMs(),
  };
  const body = signMessage(completionType, completion, ada.signer);
  await again.post('completion', body);
  await again.post('completion', body);
  await world.run(100);
  expect(again.status(station, agent)).toMatchObject({ phase: 'done', purchases: [{ outcome: 'paid' }] });
  expect(again.host.state.merchants.get('agent of ada')!.sold.get('words')).toBe(1);
  expect(world.sentOf('completion-notice')).toHaveLength(1);
});

test('a snapshot in the middle of a negotiation restores to the same state', async () => {
  const world = createAgentWorld();
  const market = await world.platform('https://market.test');
  await world.deploy(market, world.owner('ada'), { goods: [good('words', { stock: 3 })] });
  const station = world.owner('station');
  await world.launch(market, station, { markets: [market.url, 'https://elsewhere.test'] }, 'waiting');
  await world.launch(market, station, {}, 'paying');
  const bytes = snapshotPlatform(market.host.state);
  expect(market.host.state.talks.size).toBeGreaterThan(0);
  const restored = restorePlatform(bytes);
  expect(snapshotPlatform(restored)).toEqual(bytes);
  expect(restored).toEqual(market.host.state);
});
