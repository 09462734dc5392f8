/** Whole purchases between separate wallet, merchant and gateway, with everything that delays, doubles or declines them. */
import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../src/codec/hex.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { readError } from '../../src/set/message/error-exchange.ts';
import { decodeMessage, encodeMessage } from '../../src/set/message/message-wrapper.ts';
import type { OpenedCard } from '../../src/set/wallet/opened-card.ts';
import { AMOUNT, createParties, DESCRIPTION, ORDER_ID, openWorld, type World } from './purchase-fixture.ts';

const parties = createParties();
const open = (options: Parameters<typeof openWorld>[0] = {}) => openWorld({ parties, ...options });

async function purchase(options: Parameters<typeof openWorld>[0] = {}, forMs = 5000): Promise<World> {
  const world = await open(options);
  await world.order();
  void world.pay();
  await world.run(forMs);
  return world;
}

function errorIn(answer: Uint8Array) {
  const { message } = decodeMessage(answer);
  return message.type === 'Error' ? readError(message.value, parties.newTrust()).errorCode : message.type;
}

function sent(world: World, kind: string) {
  return world.carried.filter((carried) => carried.kind === kind);
}

describe('a SET purchase between separate wallet, merchant and gateway', () => {
  it('pays an order: the card is charged once, customer and shop learn it', async () => {
    const world = await purchase();
    expect(world.refusals).toEqual([]);
    expect(world.carried.map(({ kind }) => kind)).toEqual(['PInitReq', 'AuthReq', 'PReq']);
    expect(world.cardRequests).toMatchObject([{ type: 'purchase', amount: AMOUNT, pan: parties.card.pan }]);
    const [payment] = world.payments;
    expect(world.payments).toEqual([
      { paymentId: 'pay-1', status: 'paid', reason: '', amount: AMOUNT, xid: payment!.xid },
    ]);
    expect(world.orders).toMatchObject([{ status: 'paid', orderId: ORDER_ID, amount: AMOUNT }]);
    expect(Buffer.from(world.orders[0]!.xid).toString('hex')).toBe(payment!.xid);
    expect(world.wallet.state.payments.size + world.merchant.state.orders.size + world.gateway.state.open.size).toBe(0);
  });

  it.each([
    ['05', 'declined'],
    ['54', 'expiredCard'],
    ['13', 'amountError'],
    ['91', 'noReply'],
    ['77', 'unspecifiedFailure'],
  ])('tells both sides of a decline: response code %s is %s', async (code, reason) => {
    const world = await purchase({ acquirer: () => code });
    expect(world.payments).toMatchObject([{ status: 'declined', reason }]);
    expect(world.orders).toMatchObject([{ status: 'declined', reason }]);
  });

  it('waits for an order that the merchant does not know yet, asking again with growing pauses', async () => {
    const world = await open();
    void world.pay();
    await world.run(3000);
    expect(world.payments).toEqual([]);
    expect(sent(world, 'PInitReq').length).toBeGreaterThan(2);
    expect(sent(world, 'PInitReq').length).toBeLessThan(8);
    await world.order();
    await world.run(10_000);
    expect(world.payments).toMatchObject([{ status: 'paid' }]);
    expect(world.cardRequests).toHaveLength(1);
  });

  it('gives an order up at the deadline when it never becomes known, and charges nothing', async () => {
    const world = await open();
    void world.pay();
    await world.run(120_000);
    expect(world.payments).toMatchObject([{ status: 'failed', reason: 'DEADLINE' }]);
    await world.order();
    await world.run(120_000);
    expect(world.cardRequests).toEqual([]);
  });

  it('drops an order that nobody pays', async () => {
    const world = await open();
    await world.order();
    await world.run(700_000);
    expect(world.orders).toMatchObject([{ status: 'expired' }]);
    void world.pay();
    await world.run(5000);
    expect(world.cardRequests).toEqual([]);
  });

  it('fails when the amount or the description is not what the merchant offered', async () => {
    for (const changes of [{ amount: { currency: 'EUR', minor: 1n } }, { description: DESCRIPTION.subarray(1) }]) {
      const world = await open();
      await world.order();
      void world.pay(changes);
      await world.run(5000);
      expect(world.payments).toMatchObject([{ status: 'failed', reason: 'SET_signatureFailure' }]);
      expect(world.cardRequests).toEqual([]);
    }
  });

  it('does not pay another merchant than it was told to', async () => {
    const world = await open();
    await world.order();
    void world.pay({ merchant: { url: 'http://shop', merchantId: 'SHOP-2' } });
    await world.run(70_000);
    expect(sent(world, 'PReq')).toEqual([]);
    expect(world.payments).toMatchObject([{ status: 'failed', reason: 'DEADLINE' }]);
  });

  it('refuses a second payment under the same id', async () => {
    const world = await purchase({ acquirer: () => undefined }, 1000);
    await expect(world.pay()).rejects.toMatchObject({ code: 'PAYMENT_ID_INVALID' });
  });

  it('orders only once the card is open, and then the same transaction', async () => {
    let card: OpenedCard | undefined;
    const world = await purchase({ openCard: () => card }, 3000);
    expect(sent(world, 'PReq')).toEqual([]);
    card = parties.card;
    await world.run(5000);
    expect(world.payments).toMatchObject([{ status: 'paid' }]);
    const xids = sent(world, 'PInitReq').map(({ answer }) => decodeMessage(answer).header.messageIds?.xid);
    expect(xids.every((xid) => equalBytes(xid!, xids[0]!))).toBe(true);
  });
});

describe('an answer that comes late', () => {
  const slow = { acquirer: () => undefined };

  it('PRes says that the order was received, and an inquiry learns the end', async () => {
    let code: string | undefined;
    const world = await purchase({ acquirer: () => code, answerWaitMs: 2000 }, 4000);
    expect(decodeMessage(sent(world, 'PReq')[0]!.answer).message.type).toBe('PRes');
    expect(world.payments).toEqual([]);
    code = '00';
    await world.run(40_000);
    expect(sent(world, 'InqReq').length).toBeGreaterThan(1);
    expect(world.payments).toMatchObject([{ status: 'paid' }]);
    expect(world.orders).toMatchObject([{ status: 'paid' }]);
  });

  it('a silent network is a decline, and whatever it did is reversed until it says so', async () => {
    let answers = false;
    const world = await purchase({ acquirer: ({ type }) => (answers || type === 'test' ? '00' : undefined) }, 40_000);
    expect(world.payments).toMatchObject([{ status: 'declined', reason: 'noReply' }]);
    answers = true;
    await world.run(120_000);
    const [first] = world.cardRequests;
    const reversals = world.cardRequests.filter(({ type }) => type === 'reverse');
    expect(reversals.length).toBeGreaterThan(0);
    expect(reversals.at(-1)).toMatchObject({ original: { stan: first!.stan, transmittedAt: first!.transmittedAt } });
    expect(world.gateway.state.open.size).toBe(0);
  });

  it('tells at the deadline that the end is not known yet, and the end when it is', async () => {
    let lost = true;
    const world = await purchase(
      {
        onAnswer(kind, bytes) {
          if (lost && kind !== 'PInitReq' && kind !== 'AuthReq') throw new Error('lost');
          return bytes;
        },
      },
      100_000,
    );
    expect(world.orders).toMatchObject([{ status: 'paid' }]);
    expect(world.payments).toMatchObject([{ status: 'pending' }]);
    lost = false;
    await world.run(120_000);
    expect(world.payments).toMatchObject([{ status: 'pending' }, { status: 'paid' }]);
    expect(world.cardRequests).toHaveLength(1);
  });

  it('an inquiry about an order that was never placed closes it: a PReq that comes later charges nothing', async () => {
    let late: Uint8Array | undefined;
    const world = await purchase(
      {
        onRequest(kind, bytes) {
          if (kind !== 'PReq') return bytes;
          late = bytes;
          throw new Error('held back');
        },
      },
      90_000,
    );
    expect(world.payments.at(-1)).toMatchObject({ status: 'failed', reason: 'ORDER_NOT_RECEIVED' });
    expect(world.orders).toMatchObject([{ status: 'failed', reason: 'NOT_ORDERED' }]);
    expect(errorIn(await world.shopEndpoint(late!))).toBe('unknownXID');
    await world.run(5000);
    expect(world.cardRequests).toEqual([]);
  });

  it('an unsigned Error decides nothing about an order', async () => {
    const body = Uint8Array.from(Buffer.from('a1' + '00', 'hex'));
    expect(() => readError(body, parties.newTrust())).toThrow();
    const world = await purchase(
      { ...slow, onAnswer: (kind, bytes) => (kind === 'PReq' ? unsignedError(bytes) : bytes), answerWaitMs: 500 },
      30_000,
    );
    expect(world.payments).toEqual([]);
    expect(world.wallet.state.payments.size).toBe(1);
  });
});

/** An Error as anybody on the way could make it, in answer to whatever the bytes answer. */
function unsignedError(answer: Uint8Array): Uint8Array {
  const { header } = decodeMessage(answer);
  const nonce = Buffer.concat([Buffer.from([4, 32]), systemRandom(32)]);
  const tbs = Buffer.concat([Buffer.from([0x0a, 1, 8]), nonce, Buffer.from([0xa3, 3, 4, 1, 0])]);
  const body = Uint8Array.from([0xa1, tbs.length + 2, 0x30, tbs.length, ...tbs]);
  return encodeMessage({ name: 'Error', body, nowMs: header.date.getTime(), rrpid: header.rrpid! });
}

describe('repetition', () => {
  it('every request gets the same bytes again, and nothing happens twice', async () => {
    const world = await purchase();
    for (const { kind, request, answer } of world.carried) {
      const endpoint = kind === 'AuthReq' ? world.gateEndpoint : world.shopEndpoint;
      expect(await endpoint(request)).toEqual(answer);
    }
    await world.run(5000);
    expect(world.cardRequests).toHaveLength(1);
    expect(world.orders).toHaveLength(1);
  });

  it('is answered from the journal too: hours later, and after a crash of every party', async () => {
    const before = await purchase();
    const { clock } = before;
    const disks = {
      wallet: before.journals.wallet.powerCut(),
      merchant: before.journals.merchant.powerCut(),
      gateway: before.journals.gateway.powerCut(),
    };
    await clock.run(clock.nowMs() + 8 * 3_600_000);
    const world = await open({ clock, disks });
    for (const { kind, request, answer } of before.carried) {
      const endpoint = kind === 'AuthReq' ? world.gateEndpoint : world.shopEndpoint;
      expect(await endpoint(request)).toEqual(answer);
    }
    expect(world.cardRequests).toEqual([]);
  });

  it('refuses other bytes under the RRPID of a request that was answered', async () => {
    const world = await purchase();
    const { request } = sent(world, 'PReq')[0]!;
    const { header, message } = decodeMessage(request);
    const { messageIds, rrpid } = header;
    const later = encodeMessage({
      ...{ name: message.type, body: message.value, nowMs: header.date.getTime() + 1000 },
      ...{ messageIds: messageIds!, rrpid: rrpid! },
    });
    expect(errorIn(await world.shopEndpoint(later))).toBe('badMessageHeader');
    expect(world.cardRequests).toHaveLength(1);
  });

  it('an old message that was never handled is refused by its date', async () => {
    const world = await open();
    const other = await purchase({}, 5000);
    await world.run(7 * 3_600_000);
    for (const { kind, request } of other.carried) {
      const endpoint = kind === 'AuthReq' ? world.gateEndpoint : world.shopEndpoint;
      expect(errorIn(await endpoint(request))).toBe('messageTooOld');
    }
  });
});

describe('crashes', () => {
  it.each(['wallet', 'merchant', 'gateway'] as const)(
    '%s: a power cut while the card network is asked loses and doubles nothing',
    async (who) => {
      const before = await purchase({ acquirer: () => undefined }, 1000);
      const disks = {
        wallet: before.journals.wallet.powerCut(),
        merchant: before.journals.merchant.powerCut(),
        gateway: before.journals.gateway.powerCut(),
      };
      expect(before.cardRequests.length).toBeGreaterThan(0);
      const world = await open({ clock: before.clock, disks });
      await world.run(70_000);
      expect(world.payments).toMatchObject([{ status: 'paid' }]);
      expect(world.orders).toMatchObject([{ status: 'paid' }]);
      // The acquirer is asked again under the same trace number, which is how it knows a repetition.
      const stans = new Set([...before.cardRequests, ...world.cardRequests].map(({ stan }) => stan));
      expect(stans.size).toBe(1);
      expect(world[who].state).toBeDefined();
    },
  );
});

describe('giving back an authorization', () => {
  it('authorizes without capturing, and reverses the whole', async () => {
    const world = await open();
    await world.order({ captureNow: false });
    void world.pay();
    await world.run(5000);
    expect(world.payments).toMatchObject([{ status: 'paid' }]);
    expect(world.orders).toMatchObject([{ status: 'authorized' }]);
    expect(world.cardRequests).toMatchObject([{ type: 'authorise' }]);

    await world.merchant.submit({ type: 'reverse', orderId: ORDER_ID });
    await world.run(5000);
    expect(world.refusals).toEqual([]);
    expect(world.orders.at(-1)).toMatchObject({ status: 'reversed' });
    expect(world.cardRequests[1]).toMatchObject({
      type: 'reverse',
      amount: AMOUNT,
      approvalCode: 'OK1234',
      original: { type: 'authorise', stan: world.cardRequests[0]!.stan },
    });
    expect([...world.gateway.state.used.values()]).toMatchObject([{ status: 'reversed' }]);
  });

  it('a captured payment cannot be reversed', async () => {
    const world = await purchase();
    const reverse = world.merchant.submit({ type: 'reverse', orderId: ORDER_ID });
    await expect(reverse).rejects.toMatchObject({ code: 'ORDER_NOT_REVERSIBLE' });
  });

  it('a CapToken works once, also under another RRPID and from an older state of the merchant', async () => {
    const world = await open();
    await world.order({ captureNow: false });
    void world.pay();
    await world.run(5000);
    const disk = world.journals.merchant.powerCut();
    const [first, second] = [1, 2].map(() => open({ clock: world.clock, disks: { merchant: disk } }));
    // Two merchants that both think the authorization is theirs to give back, at one gateway.
    const requests: Uint8Array[] = [];
    for (const merchant of [await first!, await second!]) {
      await merchant.merchant.submit({ type: 'reverse', orderId: ORDER_ID });
      await merchant.run(100);
      requests.push(sent(merchant, 'AuthRevReq')[0]!.request);
    }
    const reversal = world.gateEndpoint(requests[0]!);
    await world.run(1000);
    expect(decodeMessage(await reversal).message.type).toBe('AuthRevRes');
    expect(decodeMessage(await world.gateEndpoint(requests[1]!)).message.type).toBe('AuthRevRes');
    expect(world.cardRequests.filter(({ type }) => type === 'reverse')).toHaveLength(1);
  });
});
