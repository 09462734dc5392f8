import { describe, expect, test } from 'vitest';
import { isAtRest, noticesOf, stateOf } from '../opera.ts';
import { openShop, whyFailed } from '../shop.ts';

describe('a purchase by card', () => {
  test('[CITI-F12] gives the ticket and takes the money', async () => {
    const shop = await openShop();
    await shop.purchase();
    const { ada, house, bank } = shop;
    expect(whyFailed(ada)).toEqual([]);
    expect(whyFailed(house)).toEqual([]);
    expect(noticesOf(ada, 'received')).toHaveLength(1);
    expect([...bank.payments.values()]).toMatchObject([{ minor: 8900n, status: 'captured' }]);
    expect([ada, house].map(isAtRest)).toEqual([true, true]);
    expect([ada, house].map((agent) => stateOf(agent).dealings.size)).toEqual([0, 0]);
    expect(shop.trusted.breaches).toEqual([]);
  });
});
