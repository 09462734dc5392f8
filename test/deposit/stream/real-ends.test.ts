/** A stream with the device's own spender and the merchant's own till behind it. */
import { afterEach, expect, test } from 'vitest';
import { spendingIn, startBoth } from '../both-ends.ts';
import { closeStreams, readAll, startStreams, texts, ticks } from './charged-streams.ts';

afterEach(closeStreams);

test('three streams at once, with broken connections, are paid to the unit out of one deposit', async () => {
  const { world, shop } = await startBoth();
  const transaction = await world.open({ depositMinor: 5000n });
  const { spender, failures } = spendingIn({ world }, transaction);
  const streams = await startStreams(ticks(150), { setup: { till: shop.till }, paying: { spender, ahead: 3 } });
  const cutting = setInterval(streams.cut, 40);
  const read = async () => {
    const stream = await streams.payingStream(streams.url);
    const messages = await readAll(stream);
    return { messages, paidUnits: stream.paidUnits };
  };
  const all = await Promise.all([read(), read(), read()]);
  clearInterval(cutting);
  for (const { messages } of all) expect(messages).toEqual(texts(150));
  const paid = all.reduce((sum, { paidUnits }) => sum + paidUnits, 0);
  expect(shop.host.state.sessions.get(transaction)).toMatchObject({ units: paid });
  expect(world.spender.released(transaction).units).toBe(paid);
  expect(paid).toBeLessThanOrEqual(3 * 4 * (150 + 3));
  expect([failures, streams.faults]).toEqual([[], []]);
});
