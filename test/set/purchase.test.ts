import { describe, expect, it } from 'vitest';
import { openWorld } from './purchase-fixture.ts';

describe('a SET purchase between separate wallet, merchant and gateway', () => {
  it('pays an order: the customer is charged once, both sides learn it', async () => {
    const world = await openWorld();
    await world.order();
    void world.pay();
    await world.run(5_000);
    expect(world.refusals).toEqual([]);
    expect(world.payments).toMatchObject([{ paymentId: 'pay-1', status: 'paid' }]);
    expect(world.orders).toMatchObject([{ status: 'paid' }]);
    expect(world.cardRequests).toHaveLength(1);
    expect(world.carried.map(({ kind }) => kind)).toEqual(['PInitReq', 'AuthReq', 'PReq']);
  });
});
