/** The device's spender against the merchant's own machine and till: two implementations of one protocol, built apart (ERI-2). */
import { expect, test } from 'vitest';
import { utf8 } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import type { Payment } from '../../../src/deposit/customer/running-deposit.ts';
import { acknowledgementType, initiationType, openedType } from '../../../src/deposit/message/initiation.ts';
import { issueTemporaryCertificate } from '../../../src/deposit/message/temporary-certificate.ts';
import { convertAmount } from '../../../src/money/rate.ts';
import { seededRandom } from '../../world/seeded-random.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { openMerchantWorld } from '../merchant/merchant-world.ts';
import type { PayingCustomer } from '../merchant/paying-customer.ts';
import { allow, createCounterparts, HOUR, RATE, signerOf, startPurse } from './purse-world.ts';

async function startBoth() {
  const clock = createVirtualClock();
  const shop = await openMerchantWorld({ clock });
  const bank = createCounterparts(clock);
  const counterparts: typeof bank = {
    ...bank,
    async deliver(message) {
      if (message.kind === 'deposit-terminate') return { type: 'answered', body: await shop.terminate(message.body) };
      if (message.kind !== 'deposit-initiation') return bank.deliver(message);
      await bank.deliver(message); // so that the fake bank can settle the record
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

test('the merchant takes every purchase of the spender, whatever it costs and however many are under way', async () => {
  const { world, shop } = await startBoth();
  const transaction = await world.open({ depositMinor: 5000n });
  const dice = seededRandom(5);
  const deliver = async (payment: Payment, purchased: { units: number; request: Uint8Array }) => {
    if (payment.checkpoint !== undefined) await shop.checkpoint(payment.checkpoint);
    return shop.till.purchase(transaction, payment.token, purchased);
  };
  let units = 0;
  for (let i = 0; i < 120; i++) {
    const together = Array.from({ length: 1 + dice.below(6) }, (_, at) => ({
      units: 1 + dice.below(dice.chance(0.05) ? 5000 : 60),
      request: sha256(utf8(`${i} ${at}`)),
    }));
    await Promise.all(
      together.map(async (purchased) => {
        const payment = await world.spender.pay(transaction, purchased);
        const taken = await deliver(payment, purchased);
        expect(taken).toEqual({ number: payment.number, repeated: false });
        const same = world.spender.again(transaction, { number: payment.number, request: purchased.request });
        expect((await shop.till.purchase(transaction, same.token, purchased)).repeated).toBe(true);
        world.spender.paid(transaction, payment.number);
        units += purchased.units;
      }),
    );
    if (dice.chance(0.05)) await world.run(5000);
  }
  expect(shop.host.state.sessions.get(transaction)).toMatchObject({ units });
  expect(world.spender.released(transaction).units).toBe(units);
  const { count } = shop.host.state.sessions.get(transaction)!;
  const closing = world.spender.close(transaction);
  await world.run(1000);
  expect((await closing).outcome).toBe('concluded');
  expect(world.counterparts.records.get(transaction)).toMatchObject({ count, units });
  expect(shop.host.state.sessions.get(transaction)?.status).not.toBe('open');
});
