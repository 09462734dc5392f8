import { expect, test } from 'vitest';
import { createShop, type ShopInput } from '../../../src/agent/shop/shop-machine.ts';
import type { ShopOrder } from '../../../src/agent/shop/shop-record.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';

const NOTHING = new Uint8Array();

function openShop() {
  const shop = createShop({
    merchant: 'ada',
    signer: { privateKey: generateP256().privateKey },
    url: 'https://ada.test',
    openOrder: ({ orderId }) => ({ id: `order ${orderId}`, to: 'local:payment-server', kind: 'order', body: NOTHING }),
  });
  let state = shop.initial();
  const act = (input: ShopInput) => {
    const decision = shop.decide(state, input, { nowMs: 1000, random: systemRandom });
    for (const record of decision.records) shop.apply(state, record);
    return decision;
  };
  const order = (number: number, buyer: string, expiresAtMs = 2000) => {
    const orderId = number.toString(16).padStart(40, '0');
    const amount = { currency: 'EUR', minor: 100n };
    const made: ShopOrder = { orderId, items: [], amount, expiresAtMs, teller: null, buyer };
    return act({ type: 'order', order: made, description: NOTHING, answer: NOTHING });
  };
  const end = (number: number) =>
    act({ type: 'ended', orderId: number.toString(16).padStart(40, '0'), outcome: 'failed', reason: '', xid: '' });
  const restart = () => {
    state = shop.restore(shop.snapshot(state));
  };
  return { order, end, restart };
}

test('one buyer’s unpaid orders leave room for others’, also after a restart', () => {
  const { order, end, restart } = openShop();
  let number = 0;
  while (number < 5000) order(number++, 'flood');
  const refused = expect.objectContaining({ code: 'ORDERS_UNPAID' });
  expect(() => order(number, 'flood')).toThrow(refused);
  expect(order(number++, 'honest').send).toHaveLength(1);
  restart();
  expect(() => order(number, 'flood')).toThrow(refused);
  end(0);
  expect(order(number++, 'flood').send).toHaveLength(1);
  expect(() => order(number, 'flood')).toThrow(refused);
});

test('an order that can no longer be paid is not opened', () => {
  expect(() => openShop().order(1, 'late', 1000)).toThrow(expect.objectContaining({ code: 'ORDER_EXPIRED' }));
});
