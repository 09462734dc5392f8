/** When a trustee pays back: at the merchant's word or in its place, once for an order, whatever is asked again or restarted. */
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { encodeShape, linkOf, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { type Acceptance, acceptanceType } from '../../../src/delivery/message/acceptance.ts';
import type { Complaint } from '../../../src/delivery/message/complaint.ts';
import { type Handover, handoverType } from '../../../src/delivery/message/key-handover.ts';
import { refundClaimType, refundOrderType, refundReceiptType } from '../../../src/delivery/message/refund.ts';
import { bundleType, type Ruling } from '../../../src/delivery/message/ruling.ts';
import { receiveHandover } from '../../../src/delivery/trustee/receive.ts';
import { receiveRefundClaim, receiveRefundOrder } from '../../../src/delivery/trustee/receive-refund.ts';
import { paidBackType } from '../../../src/delivery/trustee/refund.ts';
import { createTrustee } from '../../../src/delivery/trustee/trustee-machine.ts';
import type { TrusteePolicy } from '../../../src/delivery/trustee/trustee-policy.ts';
import type { TrusteeRecord } from '../../../src/delivery/trustee/trustee-state.ts';
import type { Decision } from '../../../src/journal/machine.ts';
import { ada, bob, carl, dora, makeAcceptance, NOW, tess } from '../message/documents-fixture.ts';
import { identifyAll } from '../people.ts';
import { script } from '../scripted-machine.ts';

const coded = (code: string) => expect.objectContaining({ code });
const DAY = 86_400_000;
const GRACE = 7 * DAY;

function openTrustee(outcome: Ruling['outcome'] = 'refund') {
  const shown = makeAcceptance();
  const order = linkOf(shown.order);
  let proof: 'paid' | 'unproved' = 'paid';
  const policy: TrusteePolicy = {
    ...{ name: 'tess', signer: tess, identify: identifyAll, arbiters: new Set(['arno']), nowMs: () => trustee.nowMs },
    merchants: new Map([['ada', { url: 'https://ada.test' }]]),
    proof: { check: async () => proof },
    refunds: {
      route: 'local:pay-back',
      // What a ruling shows is for the arbiter's own tests.
      verify: () => ({
        ruling: { case: order, arbiter: 'arno', order, outcome, breaches: [], reasons: [], atMs: NOW },
        complaint: { acceptance: encodeShape(acceptanceType, shown) } as Complaint,
      }),
    },
  };
  const trustee = script(createTrustee(policy), NOW);
  const history = async (): Promise<readonly TrusteeRecord[]> => trustee.records;
  const bundle = encodeShape(bundleType, { complaint: new Uint8Array([1]), ruling: new Uint8Array([1]) });
  const sent = ({ send = [] }: Decision<TrusteeRecord>) => send.map(({ id }) => id);
  return {
    ...{ trustee, policy, order: toHex(order), shown, sent },
    isUnproved: () => {
      proof = 'unproved';
    },
    async claim(signer = carl) {
      const said = { bundle, trustee: 'tess', atMs: NOW };
      return trustee.act((await receiveRefundClaim(signMessage(refundClaimType, said, signer), policy)).input);
    },
    async merchantOrders(acceptance: Acceptance | null = shown, { signer = ada, merchant = 'ada' } = {}) {
      const said = { order, merchant, trustee: 'tess', atMs: NOW };
      const bytes = signMessage(
        refundOrderType,
        { ...said, ...(acceptance && { acceptance: encodeShape(acceptanceType, acceptance) }) },
        signer,
      );
      return trustee.act((await receiveRefundOrder(bytes, policy, history)).input);
    },
    passes(said: Partial<Handover> = {}) {
      const handover = {
        ...{ order, merchant: 'ada', trustee: 'tess', keyDigest: systemRandom(32), key: new Uint8Array(100) },
        ...{ deadlineMs: trustee.nowMs + 1000, atMs: trustee.nowMs, ...said },
      };
      return trustee.act(receiveHandover(signMessage(handoverType, handover, carl), policy).input);
    },
    paidBack(outcomeOfPayment: 'refunded' | 'impossible' = 'refunded') {
      const body = encodeShape(paidBackType, { outcome: outcomeOfPayment, reason: '' });
      return trustee.reply({ id: `refund:${toHex(order)}`, outcome: { type: 'answered', body } });
    },
    due: () => trustee.fire({ id: `refund:${toHex(order)}`, atMs: 0 }),
  };
}

const receiptIn = (bytes: Uint8Array | undefined) => readMessage(refundReceiptType, bytes!).value;

describe('at the merchant’s word', () => {
  test('it is paid back at once, and both get the same receipt', async () => {
    const { merchantOrders, claim, sent, paidBack, order } = openTrustee();
    expect(sent(await merchantOrders())).toEqual([`refund:${order}`]);
    expect(sent(await claim()), 'it is under way already').toEqual([]);
    const { answers = [], send } = paidBack();
    expect(answers.map(({ messageId }) => messageId)).toEqual([`refund-order:ada:${order}`, `refund-claim:${order}`]);
    expect(receiptIn(answers[0]!.body)).toMatchObject({ outcome: 'refunded', by: 'merchant', amount: { minor: 500n } });
    expect(send, 'it asked for it, so it is answered').toEqual([]);
    const again = await claim();
    expect([sent(again), receiptIn(again.answer).by]).toEqual([[], 'merchant']);
  });

  test('that comes before anybody has shown the payment counts when it is shown', async () => {
    const { trustee, merchantOrders, claim, passes, sent, order } = openTrustee();
    const without = () => merchantOrders(null);
    await expect(without(), 'an order that never was').rejects.toThrow(coded('REFUND_UNFIT'));
    passes();
    expect(sent(await without())).toEqual([]);
    trustee.restart();
    expect(sent(await claim())).toEqual([`refund:${order}`]);
    expect(trustee.state.refunds.get(order)).toMatchObject({ phase: 'paying', by: 'merchant' });
  });

  test('nobody else’s word counts, nor for what was not paid', async () => {
    const { merchantOrders, isUnproved } = openTrustee();
    await expect(merchantOrders(undefined, { signer: bob, merchant: 'bob' })).rejects.toThrow(coded('REFUND_UNFIT'));
    await expect(merchantOrders(undefined, { signer: bob })).rejects.toThrow(coded('REFUND_UNFIT'));
    await expect(merchantOrders(makeAcceptance())).rejects.toThrow(coded('REFUND_UNFIT'));
    isUnproved();
    await expect(merchantOrders()).rejects.toThrow(coded('PAYMENT_UNPROVED'));
  });
});

describe('in the merchant’s place', () => {
  test('it is paid back once the merchant had its time, also over restarts, and the merchant is told', async () => {
    const { trustee, claim, due, sent, paidBack, order } = openTrustee();
    const waiting = await claim();
    expect(waiting.timers).toEqual([{ id: `refund:${order}`, atMs: NOW + GRACE }]);
    expect([sent(waiting), waiting.answer]).toEqual([[], undefined]);
    trustee.restart();
    trustee.nowMs = NOW + GRACE;
    expect(sent(due())).toEqual([`refund:${order}`]);
    trustee.restart();
    const done = paidBack();
    expect(receiptIn(done.answers![0]!.body)).toMatchObject({ outcome: 'refunded', by: 'trustee' });
    expect(done.send).toMatchObject([{ to: 'https://ada.test/delivery/refund-receipt' }]);
    trustee.restart();
    expect([sent(due()), sent(await claim())]).toEqual([[], []]);
    expect(trustee.state.unfollowed.get('ada')).toEqual([NOW + GRACE]);
  });

  test('a merchant that comes in time does it itself, and nothing counts against it', async () => {
    const { trustee, claim, merchantOrders, due, sent, paidBack, order } = openTrustee();
    await claim();
    const own = await merchantOrders();
    expect([sent(own), own.clearTimers]).toEqual([[`refund:${order}`], [`refund:${order}`]]);
    expect(sent(due())).toEqual([]);
    paidBack();
    expect(trustee.state.unfollowed.size).toBe(0);
  });

  test('three that were left to it within half a year, and nothing new of that merchant is taken; later it is again', async () => {
    const { trustee, passes, policy } = openTrustee();
    for (const left of [1, 2, 3]) {
      const order = `${left}`.repeat(64);
      const paid = { evidence: new Uint8Array([1]), payee: 'ada', currency: 'EUR', minor: 5n };
      const own = { order, merchant: 'ada', granted: false, by: 'trustee', waiting: [], receipt: null } as const;
      trustee.state.refunds.set(order, { ...own, phase: 'paying', paid });
      passes({ order: systemRandom(32) });
      const body = encodeShape(paidBackType, { outcome: 'refunded', reason: '' });
      trustee.reply({ id: `refund:${order}`, outcome: { type: 'answered', body } });
    }
    expect(() => passes({ order: systemRandom(32) })).toThrow(coded('MERCHANT_UNTRUSTED'));
    trustee.restart();
    expect(() => passes({ order: systemRandom(32) })).toThrow(coded('MERCHANT_UNTRUSTED'));
    trustee.nowMs += 180 * DAY;
    expect(policy.nowMs()).toBe(trustee.nowMs);
    passes({ order: systemRandom(32) });
  });

  test('nothing is paid for somebody else’s ruling, for one that gives no money back, or for what was not paid', async () => {
    await expect(openTrustee().claim(dora)).rejects.toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
    for (const outcome of ['dismissed', 'released'] as const) {
      await expect(openTrustee(outcome).claim()).rejects.toThrow(coded('REFUND_UNFIT'));
    }
    const { claim, isUnproved } = openTrustee();
    isUnproved();
    await expect(claim()).rejects.toThrow(coded('PAYMENT_UNPROVED'));
  });

  test('what cannot be paid back so is said, and signed', async () => {
    const { trustee, merchantOrders, order } = openTrustee();
    await merchantOrders();
    const refused = { type: 'refused', code: 'PAYMENT_UNKNOWN', detail: '' } as const;
    const { answers } = trustee.reply({ id: `refund:${order}`, outcome: refused });
    expect(receiptIn(answers![0]!.body)).toMatchObject({ outcome: 'impossible', reason: 'PAYMENT_UNKNOWN' });
  });
});
