/** Paying over HTTP with the device's own spender and the merchant's own till behind it: the ports fit what they were made for. */
import { expect, test } from 'vitest';
import { readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { createPayingFetch } from '../../../src/deposit/customer-http/paying-fetch.ts';
import type { Spender } from '../../../src/deposit/customer-http/spender.ts';
import { acknowledgementType, initiationType, openedType } from '../../../src/deposit/message/initiation.ts';
import { issueTemporaryCertificate } from '../../../src/deposit/message/temporary-certificate.ts';
import { convertAmount } from '../../../src/money/rate.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { allow, createCounterparts, HOUR, RATE, signerOf, startPurse } from '../customer/purse-world.ts';
import { openMerchantWorld } from '../merchant/merchant-world.ts';
import type { PayingCustomer } from '../merchant/paying-customer.ts';
import { startCharged } from '../merchant-http/charged-server.ts';

async function startBoth() {
  const clock = createVirtualClock();
  const shop = await openMerchantWorld({ clock });
  const bank = createCounterparts(clock);
  const counterparts: typeof bank = {
    ...bank,
    async deliver(message) {
      if (message.kind !== 'deposit-initiation') return bank.deliver(message);
      await bank.deliver(message);
      const { transaction, key, deposit, endsAtMs } = readMessage(initiationType, message.body).value;
      const there = convertAmount(deposit, RATE);
      const customer = { transaction, point: key, meet() {} } as unknown as PayingCustomer;
      const { value } = readMessage(acknowledgementType, await shop.inform(customer, { deposit: there, endsAtMs }));
      const certificate = issueTemporaryCertificate(
        { transaction, of: 'merchant', key: value.key, issuer: 'bank', notAfterMs: endsAtMs + HOUR },
        signerOf('bank'),
      );
      const available = { currency: 'USD', minor: 1n };
      const opened = { transaction, rate: RATE, deposit: there, certificate, url: value.url, available };
      return { type: 'answered', body: signMessage(openedType, opened, signerOf('bank')) };
    },
  };
  const world = await startPurse({ clock, counterparts });
  await allow(world);
  return { world, shop };
}

test('a hundred requests, twenty at a time, are served and paid to the unit', async () => {
  const { world, shop } = await startBoth();
  const transaction = await world.open({ depositMinor: 5000n });
  const server = await startCharged('node', { setup: { till: shop.till } });
  const { spender: purse } = world;
  const failures: unknown[] = [];
  const spender: Spender = {
    ensure: async () => transaction,
    pay: (of, item) => purse.pay(of, item),
    paid: (of, number) => purse.paid(of, number),
    failed: (of, number, failure) => {
      failures.push(failure);
      purse.failed(of, number);
    },
  };
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
  expect(purse.released(transaction).units).toBe(400);
  await server.close();
});
