import { describe, expect, it } from 'vitest';
import { answerInitiation, authorizeAt, forgeAuthReq, purchaseOf } from './lying-parties.ts';
import {
  certifyGateway,
  certifyShop,
  createParties,
  openWorld,
  START,
  TIMES,
  WINDOW,
  type World,
} from './purchase-fixture.ts';

describe('a merchant that does not keep to its machine', () => {
  it('charges once with one payment instruction, however often it asks', async () => {
    const world = await openWorld();
    const bought = purchaseOf(world);
    expect(await authorizeAt(world, forgeAuthReq(world, bought))).toBe('approved');
    expect(await authorizeAt(world, forgeAuthReq(world, bought))).toBe('piPreviouslyUsed');
    expect(world.cardRequests).toHaveLength(1);
  });

  it('charges once even with an instruction that it had dated as late as the gateway takes it', async () => {
    const world = await openWorld();
    const bought = purchaseOf(world, { preqDateMs: START + TIMES.instructionMs - 60_000 });
    expect(await authorizeAt(world, forgeAuthReq(world, bought))).toBe('approved');

    await world.run(TIMES.instructionMs + 10_000);
    // Whatever else is bought makes the gateway forget what is past its time.
    expect(await authorizeAt(world, forgeAuthReq(world, purchaseOf(world)))).toBe('approved');
    expect(await authorizeAt(world, forgeAuthReq(world, bought))).toBe('piPreviouslyUsed');
    expect(world.cardRequests).toHaveLength(2);
  });

  it('gets no order from a wallet when it dates the purchase ahead', async () => {
    let asked = new Uint8Array();
    const world: World = await openWorld({
      onRequest(kind, bytes) {
        if (kind === 'PInitReq') asked = bytes.slice();
        return bytes;
      },
      onAnswer(kind, bytes) {
        if (kind !== 'PInitReq') return bytes;
        return answerInitiation(world, asked, { preqDateMs: world.clock.nowMs() + WINDOW.newMs + 1_000 });
      },
    });
    await world.order();
    void world.pay();
    await world.run(120_000);
    expect(world.carried.map(({ kind }) => kind)).not.toContain('PReq');
    expect(world.payments).toMatchObject([{ status: 'failed', reason: 'DEADLINE' }]);
  });

  it('is refused what the card network has no room for, though the cardholder signed it', async () => {
    const amount = { currency: 'EUR', minor: 10n ** 12n };
    const world = await openWorld();
    await world.order({ amount });
    void world.pay({ amount });
    await world.run(10_000);
    expect(world.payments).toMatchObject([{ status: 'declined', reason: 'amountError' }]);
    expect(world.cardRequests).toEqual([]);
  });

  const above = { currency: 'EUR', minor: 1251n };
  it.each([
    ['more than the cardholder signed for', 'amountError', { authReqAmt: above }],
    ['another sum than the cardholder signed for', 'amountError', { purchAmt: above, authReqAmt: above }],
    ['nothing', 'amountError', { authReqAmt: { currency: 'EUR', minor: 0n } }],
    ['another currency', 'amountError', { authReqAmt: { currency: 'GBP', minor: 1250n } }],
    ['the right to come again', 'invalidTransaction', { subsequentAuthInd: true }],
  ] as const)('is refused %s', async (_, code, change) => {
    const world = await openWorld();
    const bought = purchaseOf(world);
    const lie = forgeAuthReq(world, bought, {
      change: (data) => ({
        ...data,
        authReqItem: { ...data.authReqItem, authReqPayload: { ...data.authReqItem.authReqPayload, ...change } },
      }),
    });
    expect(await authorizeAt(world, lie)).toBe(code);
    expect(world.cardRequests).toEqual([]);
  });

  it.each(['xid', 'lidC', 'hod', 'order'] as const)(
    'is refused when it speaks of another purchase by its %s',
    async (what) => {
      const world = await openWorld();
      const bought = purchaseOf(world);
      const lie = forgeAuthReq(world, bought, {
        change: ({ authReqItem, ...data }) => {
          const { authTags, checkDigests } = authReqItem;
          const other = new Uint8Array(32).fill(7);
          const transIds = {
            ...authTags.transIds,
            ...(what === 'xid' && { xid: new Uint8Array(20).fill(7) }),
            ...(what === 'lidC' && { lidC: other.slice(0, 20) }),
          };
          const digests = {
            ...checkDigests,
            ...(what === 'hod' && { hod2: other }),
            ...(what === 'order' && { hOIData: other }),
          };
          return {
            ...data,
            authReqItem: { ...authReqItem, authTags: { ...authTags, transIds }, checkDigests: digests },
          };
        },
      });
      expect(await authorizeAt(world, lie)).toBe('piAuthMismatch');
      expect(world.cardRequests).toEqual([]);
    },
  );

  it('cannot use an instruction that was made for another merchant', async () => {
    const parties = createParties();
    const thief = certifyShop(parties.agency, parties.gate, 'THIEF-1');
    const world = await openWorld({ parties });
    expect(await authorizeAt(world, forgeAuthReq(world, purchaseOf(world), { brand: thief }), thief)).toBe('Error');
    expect(world.cardRequests).toEqual([]);
  });

  it('cannot speak in the name of another merchant', async () => {
    const parties = createParties();
    const thief = certifyShop(parties.agency, parties.gate, 'THIEF-1');
    const world = await openWorld({ parties });
    const lie = forgeAuthReq(world, purchaseOf(world), { brand: { ...thief, merchantId: 'SHOP-1' } });
    expect(await authorizeAt(world, lie)).toBe('Error');
    expect(world.cardRequests).toEqual([]);
  });

  it('cannot take an instruction to another gateway', async () => {
    const parties = createParties();
    const other = certifyGateway(parties.agency, 'GATE-2');
    const bought = purchaseOf(await openWorld({ parties }));
    const elsewhere = await openWorld({ parties: { ...parties, gate: other } });
    const brand = { ...parties.shop, gateway: certifyShop(parties.agency, other).gateway };
    const world = { ...elsewhere, parties: { ...parties, gate: other } };
    expect(await authorizeAt(world, forgeAuthReq(world, bought, { brand }), brand)).toBe('Error');
    expect(world.cardRequests).toEqual([]);
  });
});
