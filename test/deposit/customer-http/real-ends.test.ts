/** Paying over HTTP with the device's own spender and the merchant's own till behind it: the ports fit what they were made for. */
import { expect, test } from 'vitest';
import { createPayingFetch } from '../../../src/deposit/customer-http/paying-fetch.ts';
import { spendingIn, startBoth } from '../both-ends.ts';
import { startCharged } from '../merchant-http/charged-server.ts';

test('a hundred requests, twenty at a time, are served and paid to the unit', async () => {
  const { world, shop } = await startBoth();
  const transaction = await world.open({ depositMinor: 5000n });
  const server = await startCharged('node', { setup: { till: shop.till } });
  const { spender, failures } = spendingIn({ world }, transaction);
  const payingFetch = createPayingFetch({ spender, clock: server.clock, limits: { maxPrices: ['0.01 EUR'] } });
  for (let round = 0; round < 5; round++) {
    const answers = Array.from({ length: 20 }, async (_, n) => {
      const body = `${round} ${n}`;
      return (await (await payingFetch(`${server.url}/weather`, { method: 'POST', body })).text()) === `echo ${body}`;
    });
    expect(await Promise.all(answers)).toEqual(answers.map(() => true));
  }
  expect(failures).toEqual([]);
  expect(shop.host.state.sessions.get(transaction)).toMatchObject({ count: 100, units: 400 });
  expect(world.spender.released(transaction).units).toBe(400);
  await server.close();
});
