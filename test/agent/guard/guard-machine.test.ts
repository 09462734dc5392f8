import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Terms } from '../../../src/agent/guard/allowance.ts';
import {
  createGuard,
  type GuardInput,
  type VerifiedClaim,
  walletKeyOf,
} from '../../../src/agent/guard/guard-machine.ts';
import type { GuardState } from '../../../src/agent/guard/guard-record.ts';
import { wrapWalletKey } from '../../../src/agent/guard/wallet-key.ts';
import { plainToken, sealToken, type Token } from '../../../src/agent/message/token.ts';
import { decodeCborExact, encodeCborExact } from '../../../src/codec/cbor.ts';
import type { CborValue } from '../../../src/codec/cbor-value.ts';
import { toHex, utf8 } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';

const guard = createGuard({
  approvalMs: 60_000,
  refuse: ({ paymentId }, { mandateId }, why) => ({
    ...{
      id: `refusal ${paymentId}`,
      to: 'https://market.test',
      kind: 'payment-refusal',
      body: utf8(`${mandateId} ${why}`),
    },
  }),
  payOrder: ({ paymentId }) => ({ id: `pay ${paymentId}`, to: 'local:wallet', kind: 'pay', body: utf8(paymentId) }),
});

const walletKey = systemRandom(32);
const terms: Terms = {
  mandateId: 'm1',
  scenario: 'unattended',
  wanted: { terms: ['map'], category: '', mustHaves: { licence: ['free'] } },
  quantity: 1,
  currency: 'EUR',
  priceLimitMinor: 1000n,
  budgetMinor: 1500n,
  count: 3,
  merchantsAllowed: [],
  merchantsBarred: ['crook'],
  expiresAtMs: 100_000,
  cardId: 'main',
  agentThumb: 'aa',
  local: false,
};

/** A station that gave one mandate, with as many tokens as asked for. */
function station(over: Partial<Terms> = {}, items = 4) {
  let state = guard.initial();
  const env = { nowMs: 1_000, random: systemRandom };
  const act = (input: GuardInput, nowMs = env.nowMs) => {
    const decision = guard.decide(state, input, { ...env, nowMs });
    for (const record of decision.records) guard.apply(state, record);
    return decision;
  };
  const all = { ...terms, ...over };
  const code = systemRandom(32);
  const wrappedWalletKey = wrapWalletKey({ walletKey, code, mandateId: all.mandateId, random: systemRandom });
  const itemKeys = Array.from({ length: items }, (_, i) => ({ itemId: `i${i}`, key: systemRandom(32) }));
  const launch = { id: `launch ${all.mandateId}`, to: 'https://market.test', kind: 'launch', body: utf8('launch') };
  act({ type: 'mandate', terms: all, itemKeys, wrappedWalletKey, launch });
  const tokenOf = (index: number): Token =>
    sealToken({
      itemKey: itemKeys[index]!.key,
      mandateId: all.mandateId,
      itemId: `i${index}`,
      code,
      random: systemRandom,
    });
  const claimOf = (index: number, minor: bigint, also: Partial<VerifiedClaim> = {}): VerifiedClaim => ({
    mandateId: all.mandateId,
    agentThumb: 'aa',
    token: tokenOf(index),
    paymentId: `p${index}`,
    price: { currency: 'EUR', minor },
    merchant: 'atlas',
    merchantUrl: 'https://atlas.test',
    product: { sku: 'map', name: 'A map', category: '', keywords: [], attributes: {} },
    quantity: 1,
    values: { licence: 'free' },
    agreement: utf8(`agreement ${index}`),
    ...also,
  });
  const claim = (index: number, minor: bigint, also: Partial<VerifiedClaim> = {}, nowMs?: number) =>
    act({ type: 'claim', claim: claimOf(index, minor, also) }, nowMs);
  const restart = () => {
    state = guard.restore(guard.snapshot(state)) as GuardState;
  };
  return { act, claim, claimOf, code, tokenOf, restart, get: () => state };
}

const refused = (code: string) => expect.objectContaining({ code });

describe('the wallet guard', () => {
  test('pays what the mandate covers, and tells the wallet once', () => {
    const { claim, get } = station();
    const decision = claim(0, 900n);
    expect(decision.send).toHaveLength(1);
    expect(get().payments.get('p0')?.status).toBe('paying');
    expect(() => claim(1, 900n, { paymentId: 'p0' })).toThrow(refused('AGREEMENT_USED'));
  });

  test.each<[string, (s: ReturnType<typeof station>) => void]>([
    ['MANDATE_UNKNOWN', (s) => s.claim(0, 1n, { mandateId: 'm2' })],
    ['AGENT_NOT_MANDATED', (s) => s.claim(0, 1n, { agentThumb: 'bb' })],
    ['PRODUCT_NOT_WANTED', (s) => s.claim(0, 1n, { values: { licence: 'costly' } })],
    ['QUANTITY_ABOVE_WANTED', (s) => s.claim(0, 1n, { quantity: 2 })],
    ['PAYEE_NOT_ALLOWED', (s) => s.claim(0, 1n, { merchant: 'crook' })],
    ['CURRENCY_NOT_ALLOWED', (s) => s.claim(0, 1n, { price: { currency: 'USD', minor: 1n } })],
    ['PRICE_ABOVE_LIMIT', (s) => s.claim(0, 1001n)],
    ['PRICE_ABOVE_LIMIT', (s) => s.claim(0, 0n)],
    ['MANDATE_EXPIRED', (s) => s.claim(0, 1n, {}, 100_000)],
    ['TOKEN_REFUSED', (s) => s.claim(0, 1n, { token: { ...s.tokenOf(1), itemId: 'i0' } })],
    ['TOKEN_REFUSED', (s) => s.claim(0, 1n, { token: plainToken({ itemId: 'i0', code: s.code }) })],
    ['TOKEN_REFUSED', (s) => s.claim(0, 1n, { token: { ...s.tokenOf(0), itemId: 'i99' } })],
  ])('refuses with %s and changes nothing', (code, attempt) => {
    const s = station();
    const before = toHex(guard.snapshot(s.get()));
    expect(() => attempt(s)).toThrow(refused(code));
    expect(toHex(guard.snapshot(s.get()))).toBe(before);
  });

  test('takes exactly the price limit, and a moment before expiry', () => {
    expect(station().claim(0, 1000n, {}, 99_999).send).toHaveLength(1);
  });

  test('of two agents racing for the last of a budget only one wins, and a failure gives it back', () => {
    const s = station();
    s.claim(0, 900n);
    expect(() => s.claim(1, 900n)).toThrow(refused('BUDGET_EXCEEDED'));
    s.act({ type: 'ended', paymentId: 'p0', outcome: 'declined', reason: 'declined', xid: '' });
    expect(s.claim(1, 900n).send).toHaveLength(1);
  });

  test('an order that was placed stays set aside until nobody can have it charged any more, whatever the merchant says', () => {
    const s = station();
    s.claim(0, 900n);
    const ended = s.act({ type: 'ended', paymentId: 'p0', outcome: 'failed', reason: 'SET_systemError', xid: 'aa' });
    expect(() => s.claim(1, 900n)).toThrow(refused('BUDGET_EXCEEDED'));
    s.restart();
    s.act(guard.fired(ended.timers![0]!), ended.timers![0]!.atMs);
    expect(s.claim(1, 900n).send).toHaveLength(1);
  });

  test('what was paid stays spent, however often the wallet repeats it', () => {
    const s = station();
    s.claim(0, 900n);
    for (const outcome of ['paid', 'paid', 'failed'] as const)
      s.act({ type: 'ended', paymentId: 'p0', outcome, reason: '', xid: '' });
    expect(s.get().payments.get('p0')?.status).toBe('paid');
    expect(() => s.claim(1, 900n)).toThrow(refused('BUDGET_EXCEEDED'));
  });

  test('a token is good for one purchase', () => {
    const s = station();
    s.claim(0, 100n);
    expect(() => s.claim(0, 100n, { paymentId: 'px' })).toThrow(refused('TOKEN_REFUSED'));
    s.act({ type: 'ended', paymentId: 'p0', outcome: 'failed', reason: '', xid: '' });
    expect(() => s.claim(0, 100n, { paymentId: 'py' })).toThrow(refused('TOKEN_REFUSED'));
  });

  test('mandates that share a budget share it across agents', () => {
    const purse = { name: 'pocket', limitMinor: 1000n };
    const s = station({ purse });
    const second = { ...terms, mandateId: 'm2', purse };
    const launch = { id: 'launch m2', to: 'https://market.test', kind: 'launch', body: utf8('launch') };
    const itemKeys = [{ itemId: 'i0', key: systemRandom(32) }];
    s.act({
      type: 'mandate',
      terms: { ...second, scenario: 'ask-person' },
      itemKeys,
      wrappedWalletKey: undefined,
      launch,
    });
    s.claim(0, 600n);
    const claim = { ...s.claimOf(0, 600n), mandateId: 'm2', paymentId: 'q0' };
    expect(() => s.act({ type: 'claim', claim })).toThrow(refused('PURSE_EXCEEDED'));
    expect(s.act({ type: 'claim', claim: { ...claim, price: { currency: 'EUR', minor: 400n } } }).records).toHaveLength(
      1,
    );
  });

  test('a recalled mandate pays no more, and what was under way ends as it would', () => {
    const s = station();
    s.claim(0, 100n);
    s.act({ type: 'recall', mandateId: 'm1', reason: 'changed my mind' });
    expect(() => s.claim(1, 100n)).toThrow(refused('MANDATE_RECALLED'));
    s.act({ type: 'ended', paymentId: 'p0', outcome: 'paid', reason: '', xid: '' });
    expect(s.get().payments.get('p0')?.status).toBe('paid');
  });

  test('what only waits for the person ends with the mandate: at its recall at once, its amount free, the agent told', () => {
    const purse = { name: 'pocket', limitMinor: 1000n };
    const s = station({ scenario: 'ask-person', purse });
    s.claim(0, 600n);
    s.claim(1, 100n);
    s.act({ type: 'approve', paymentId: 'p1' });
    const decision = s.act({ type: 'recall', mandateId: 'm1', reason: 'changed my mind' });
    expect(s.get().payments.get('p0')?.status).toBe('recalled');
    expect(decision.clearTimers).toEqual(['approval p0']);
    expect(decision.send?.map(({ id, body }) => `${id}: ${Buffer.from(body)}`)).toEqual(['refusal p0: m1 recalled']);
    expect(() => s.act({ type: 'approve', paymentId: 'p0' })).toThrow(refused('PAYMENT_NOT_WAITING'));
    // What was approved before may be with the merchant already.
    expect(s.get().payments.get('p1')?.status).toBe('paying');
    expect([s.get().mandates.get('m1')?.committedMinor, s.get().purses.get('pocket')]).toEqual([100n, 100n]);
  });

  test('what only waits for the person ends when the mandate expires, though there were more time to approve it', () => {
    const purse = { name: 'pocket', limitMinor: 1000n };
    const s = station({ scenario: 'ask-person', purse, expiresAtMs: 31_000 });
    const { timers } = s.claim(0, 600n);
    expect(timers?.[0]?.atMs).toBe(31_000);
    expect(() => s.act({ type: 'approve', paymentId: 'p0' }, 31_000)).toThrow(refused('MANDATE_EXPIRED'));
    s.restart();
    const decision = s.act(guard.fired(timers![0]!), 31_000);
    expect(decision.records).toMatchObject([
      { status: 'expired', reason: 'the mandate expired before it was approved' },
    ]);
    expect(decision.send?.map(({ body }) => `${Buffer.from(body)}`)).toEqual(['m1 expired']);
    expect([s.get().mandates.get('m1')?.committedMinor, s.get().purses.get('pocket')]).toEqual([0n, 0n]);
    expect(s.act(guard.fired(timers![0]!), 31_000).records).toEqual([]);
  });

  test('what the person rejects is told to the agent, and an answer to that ends no payment', () => {
    const s = station({ scenario: 'ask-person' });
    s.claim(0, 600n);
    const { send } = s.act({ type: 'reject', paymentId: 'p0', reason: 'too dear' });
    expect(send?.map(({ body }) => `${Buffer.from(body)}`)).toEqual(['m1 rejected']);
    const { id, to, kind } = send![0]!;
    expect(guard.received({ id, to, kind, outcome: { type: 'expired' } })).toEqual({ type: 'settled' });
  });

  test('a shared budget is in one currency', () => {
    const purse = { name: 'pocket', limitMinor: 1000n };
    const s = station({ purse });
    const launch = { id: 'launch m2', to: 'https://market.test', kind: 'launch', body: utf8('launch') };
    const give = (currency: string) =>
      s.act({
        ...{ type: 'mandate', itemKeys: [], wrappedWalletKey: undefined, launch },
        terms: { ...terms, mandateId: `m2 ${currency}`, currency, purse },
      });
    expect(() => give('JPY')).toThrow(refused('PURSE_CURRENCY'));
    expect(give('EUR').records).toHaveLength(1);
  });

  test('a launch the market refuses leaves a mandate that pays nothing', () => {
    const s = station();
    s.act(
      guard.received({ id: 'launch m1', to: '', kind: 'launch', outcome: { type: 'refused', code: 'NO', detail: '' } }),
    );
    expect(() => s.claim(0, 1n)).toThrow(refused('MANDATE_RECALLED'));
  });

  test('keeps one notice of completion, from the mandated agent only', () => {
    const s = station();
    s.claim(0, 100n);
    const notice = { type: 'notice', paymentId: 'p0', agentThumb: 'aa', notice: utf8('paid') } as const;
    expect(() => s.act({ ...notice, agentThumb: 'bb' })).toThrow(refused('AGENT_NOT_MANDATED'));
    expect(() => s.act({ ...notice, paymentId: 'p9' })).toThrow(refused('PAYMENT_UNKNOWN'));
    expect(s.act(notice).records).toHaveLength(1);
    expect(s.act(notice).records).toHaveLength(0);
  });

  test('goes on from a snapshot of a version that did not know when and why mandates were given and recalled', () => {
    const s = station();
    s.claim(0, 100n);
    const { mandates, ...others } = decodeCborExact(guard.snapshot(s.get())) as unknown as { mandates: object[] };
    const older = mandates.map((mandate) => ({ ...mandate, givenAtMs: undefined, recalledFor: undefined }));
    const { givenAtMs, recalledFor, ...rest } = guard
      .restore(encodeCborExact({ ...others, mandates: older } as unknown as CborValue))
      .mandates.get('m1')!;
    expect([givenAtMs, recalledFor]).toEqual([0, '']);
    expect(s.get().mandates.get('m1')).toMatchObject(rest);
  });

  test('asks the person first where the mandate says so, and lets go when nobody answers', () => {
    const s = station({ scenario: 'ask-person' });
    const asked = s.claim(0, 900n);
    expect(asked.send).toBeUndefined();
    expect(asked.timers?.[0]?.atMs).toBe(61_000);
    expect(() => s.claim(1, 900n)).toThrow(refused('BUDGET_EXCEEDED'));
    s.act(guard.fired(asked.timers![0]!));
    expect(s.get().payments.get('p0')?.status).toBe('expired');
    expect(() => s.act({ type: 'approve', paymentId: 'p0' })).toThrow(refused('PAYMENT_NOT_WAITING'));
    s.claim(1, 900n);
    expect(s.act({ type: 'approve', paymentId: 'p1' }).send).toHaveLength(1);
  });

  test('a token opens the wallet key with its item key only', () => {
    const s = station();
    const mandate = s.get().mandates.get('m1')!;
    expect(walletKeyOf(mandate, s.tokenOf(0))).toEqual(walletKey);
    expect(walletKeyOf(mandate, { ...s.tokenOf(0), itemId: 'i1' })).toBeUndefined();
    expect(walletKeyOf(mandate, { ...s.tokenOf(0), body: s.code })).toBeUndefined();
  });

  test('takes a code in clear from an agent on its own platform only', () => {
    const s = station({ local: true });
    expect(s.claim(0, 1n, { token: plainToken({ itemId: 'i0', code: s.code }) }).send).toHaveLength(1);
    const wrong = plainToken({ itemId: 'i1', code: systemRandom(32) });
    expect(() => s.claim(1, 1n, { token: wrong })).toThrow(refused('TOKEN_REFUSED'));
  });

  test('never commits above budget, count or purse, whatever comes in whatever order and across restarts', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('claim' as const), index: fc.nat(9), minor: fc.bigInt(1n, 1200n) }),
      fc.record({ kind: fc.constantFrom('paid', 'declined', 'failed'), index: fc.nat(9) }),
      fc.constant({ kind: 'restart' as const }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const s = station({ purse: { name: 'pocket', limitMinor: 1300n } }, 10);
        for (const each of steps) {
          try {
            if (each.kind === 'restart') s.restart();
            else if (each.kind === 'claim') s.claim(each.index, each.minor);
            else s.act({ type: 'ended', paymentId: `p${each.index}`, outcome: each.kind, reason: '', xid: '' });
          } catch (error) {
            expect(error).toHaveProperty('code');
          }
          const payments = [...s.get().payments.values()];
          const open = payments.filter(({ status }) => status === 'paying' || status === 'paid');
          const sum = open.reduce((total, { price }) => total + price.minor, 0n);
          expect(sum <= 1300n && open.length <= 3).toBe(true);
          expect(s.get().mandates.get('m1')?.committedMinor).toBe(sum);
        }
      }),
      { numRuns: 200 },
    );
  });
});
