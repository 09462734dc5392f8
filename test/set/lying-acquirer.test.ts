import { describe, expect, it } from 'vitest';
import { responseTo } from '../../src/set/message/card-message-codec.ts';
import { ORDER_ID, openWorld } from './purchase-fixture.ts';

describe('an acquirer that does not keep to the rules', () => {
  it('approves nothing with the answer to another request: the right one is waited for', async () => {
    let lies = 3;
    const world = await openWorld({
      acquirer: (request) => {
        if (lies === 0) return '05';
        lies -= 1;
        return { ...responseTo(request, '00', 'OK1234'), stan: 4711 };
      },
    });
    await world.order();
    void world.pay();
    await world.run(10_000);
    expect(lies).toBe(0);
    expect(world.payments).toMatchObject([{ status: 'declined' }]);
    expect(world.gateway.state.open.size).toBe(0);
  });

  it.each([
    ['another amount', { amount: { currency: 'EUR', minor: 1n } }],
    ['another purchase', { retrievalReference: 'OTHER0000001' }],
  ])('approves nothing by approving %s', async (_, change) => {
    const world = await openWorld({
      acquirer: (request) =>
        request.type === 'reverse' ? '00' : { ...responseTo(request, '00', 'OK1234'), ...change },
    });
    await world.order();
    void world.pay();
    await world.run(60_000);
    expect(world.payments).toMatchObject([{ status: 'declined' }]);
    expect(world.cardRequests.at(-1)).toMatchObject({ type: 'reverse' });
  });

  it('that answers nothing fit in time has not approved, and is told to undo whatever it did', async () => {
    const world = await openWorld({
      acquirer: (request) =>
        request.type === 'reverse' ? '00' : { ...responseTo(request, '00', 'OK1234'), stan: 4711 },
    });
    await world.order();
    void world.pay();
    await world.run(60_000);
    expect(world.payments).toMatchObject([{ status: 'declined' }]);
    expect(world.cardRequests.at(-1)).toMatchObject({ type: 'reverse' });
    expect(world.gateway.state.open.size).toBe(0);
  });

  it('that cannot give an authorization back now can be asked again later', async () => {
    let broken = true;
    const world = await openWorld({ acquirer: ({ type }) => (type === 'reverse' && broken ? '96' : '00') });
    await world.order({ captureNow: false });
    void world.pay();
    await world.run(5_000);
    await world.merchant.submit({ type: 'reverse', orderId: ORDER_ID });
    await world.run(5_000);
    expect(world.orders.at(-1)).toMatchObject({ status: 'unreversed', reason: 'unspecifiedFailure' });

    broken = false;
    await world.merchant.submit({ type: 'reverse', orderId: ORDER_ID });
    await world.run(5_000);
    expect(world.orders.at(-1)).toMatchObject({ status: 'reversed' });
    expect([...world.gateway.state.used.values()]).toMatchObject([{ status: 'reversed' }]);
  });
});
