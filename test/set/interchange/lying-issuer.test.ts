import { describe, expect, test } from 'vitest';
import { systemRandom } from '../../../src/crypto/random.ts';
import { type AcquirerInput, createAcquirerHost } from '../../../src/set/interchange/acquirer-host.ts';
import { responseTo } from '../../../src/set/message/card-message-codec.ts';
import { paymentKeyOf } from '../../../src/set/message/card-message-identity.ts';
import { purchase } from './card-fixture.ts';
import { ISSUERS } from './card-network.ts';

const machine = createAcquirerHost({ acquirerId: purchase.acquirerId, issuers: ISSUERS });
const key = paymentKeyOf(purchase);

/** An acquirer that has asked an issuer about a purchase. */
function asking() {
  const state = machine.initial();
  const decide = (input: AcquirerInput) => {
    const decision = machine.decide(state, input, { nowMs: Date.UTC(2026, 5, 1), random: systemRandom });
    for (const record of decision.records) machine.apply(state, record);
    return decision;
  };
  const currencies = [purchase.amount.currency];
  decide({ type: 'set-up', currencies });
  decide({ type: 'merchant', merchantId: purchase.merchantId, currencies, active: true });
  decide({ type: 'message', messageId: 'm', request: purchase });
  return {
    state,
    answer: (response: ReturnType<typeof responseTo>) => decide({ type: 'issuer-answer', about: 'ask', key, response }),
  };
}

describe('an issuer that does not keep to the rules', () => {
  test('charges nothing by approving another amount, another merchant or another request', () => {
    const honest = responseTo(purchase, '00', 'OK1234');
    const lies = [
      { amount: { ...purchase.amount, minor: purchase.amount.minor - 1n } },
      { amount: { ...purchase.amount, currency: 'USD' } },
      { merchantId: 'OTHER' },
      { stan: purchase.stan + 1 },
    ];
    const { state, answer } = asking();
    for (const lie of lies) {
      expect(() => answer({ ...honest, ...lie })).toThrow(expect.objectContaining({ code: 'ANSWER_UNFIT' }));
      expect(state.payments.get(key)).toMatchObject({ status: 'asking' });
    }
    answer(honest);
    expect(state.payments.get(key)).toMatchObject({ status: 'captured' });
  });

  test('may refuse without repeating what it was asked', () => {
    const { state, answer } = asking();
    const { type, stan, transmittedAt } = responseTo(purchase, '30');
    answer({ type, stan, transmittedAt, responseCode: '30' });
    expect(state.payments.has(key)).toBe(false);
  });
});
