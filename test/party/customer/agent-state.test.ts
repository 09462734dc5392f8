/** One word and a reason for how an agent fares: the station's books before the market's word, and codes put into words. */
import { describe, expect, test } from 'vitest';
import type { Terms } from '../../../src/agent/guard/allowance.ts';
import {
  emptyGuard,
  type GuardedPayment,
  type Mandated,
  type PaymentStatus,
} from '../../../src/agent/guard/guard-record.ts';
import type { AgentStatus } from '../../../src/agent/message/hosting.ts';
import { type PlatformWord, RECALLED_BY_PERSON, reasonOf, stateOf } from '../../../src/party/customer/agent-state.ts';
import { fullIdentity } from '../../../src/party/owner/full-identity.ts';
import { meantMerchants } from '../../../src/party/owner/merchant-names.ts';

const terms = {
  ...{ mandateId: 'm', currency: 'EUR', count: 2, expiresAtMs: 1000, budgetMinor: 500n },
  purse: { name: 'food', limitMinor: 100n },
} as unknown as Terms;
const mandate = (over: Partial<Mandated> = {}) =>
  ({ terms, recalled: false, recalledFor: '', committedMinor: 53n, ...over }) as Mandated;
const word = (phase: AgentStatus['phase'], reason?: string): PlatformWord => ({
  ...{ agent: 'm', role: 'customer', phase },
  ...(reason && { reason }),
});
const paid = (...statuses: PaymentStatus[]) => statuses.map((status) => ({ status })) as unknown as GuardedPayment[];
const recalled = mandate({ recalled: true, recalledFor: RECALLED_BY_PERSON });

test.each<[string, Mandated, PaymentStatus[], PlatformWord, number]>([
  ['awaiting-approval', mandate(), ['paid', 'awaiting-approval'], word('paying'), 0],
  ['paying', recalled, ['paying'], word('recalled'), 0],
  ['done', mandate(), ['paid', 'paid'], 'unreachable', 2000],
  ['recalled', recalled, ['recalled'], word('paying'), 0],
  ['failed', mandate({ recalled: true, recalledFor: 'PLATFORM_BUSY' }), [], 'no such agent', 0],
  ['done', mandate(), ['paid'], word('done', 'bought 1 of 2: no'), 0],
  ['done', mandate(), ['paid'], word('failed'), 0],
  ['failed', mandate(), ['declined'], word('failed'), 0],
  ['expired', mandate(), ['expired'], word('failed'), 2000],
  ['expired', mandate(), [], 'no such agent', 1000],
  ['done', mandate(), ['paid'], 'no such agent', 1000],
  ['negotiating', mandate(), [], word('negotiating'), 0],
  ['launching', mandate(), [], 'no such agent', 0],
  ['unreachable', mandate(), [], 'unreachable', 0],
])('%s', (state, given, statuses, heard, nowMs) => {
  expect(stateOf(given, paid(...statuses), heard, nowMs)).toBe(state);
});

describe('reasons', () => {
  const guard = emptyGuard();
  guard.purses.set('food', 53n);
  guard.mandates.set('m', mandate());

  test.each<[string, Mandated, PlatformWord]>([
    ['the purse food has 0.47 EUR left', mandate(), word('failed', 'the station refused to pay: PURSE_EXCEEDED')],
    [
      'the budget has 4.47 EUR left; then',
      mandate(),
      word('failed', 'the station refused to pay: BUDGET_EXCEEDED; then'),
    ],
    ['not paid: the mandate has expired', mandate(), word('failed', 'the station refused to pay: MANDATE_EXPIRED')],
    ['not paid: SOMETHING_ELSE', mandate(), word('failed', 'the station refused to pay: SOMETHING_ELSE')],
    ['the market cannot be reached', mandate({ recalled: true, recalledFor: 'EXPIRED' }), 'unreachable'],
    [
      'the market did not take the agent: PLATFORM_BUSY',
      mandate({ recalled: true, recalledFor: 'PLATFORM_BUSY' }),
      'unreachable',
    ],
    [RECALLED_BY_PERSON, recalled, word('recalled', 'recalled by its owner')],
  ])('%s', (words, given, heard) => {
    expect(reasonOf(given, heard, guard)).toBe(words);
  });

  test('none where nobody gave one', () => {
    expect(reasonOf(mandate(), word('done'), guard)).toBeUndefined();
    expect(reasonOf(mandate(), 'unreachable', guard)).toBeUndefined();
  });
});

test('the beginning of an identity is enough where one only begins so, and the whole one always', () => {
  const how = { what: 'agent', unknown: 'MANDATE_UNKNOWN' };
  const all = ['abc', 'abcd', 'b'];
  expect(['abc', 'abcd', 'b'].map((given) => fullIdentity(given, all, how))).toEqual(all);
  expect(fullIdentity('abcd', ['abcde'], how)).toBe('abcde');
  const refused = (given: string, code: string) => {
    expect(() => fullIdentity(given, all, how)).toThrow(expect.objectContaining({ code }));
  };
  refused('ab', 'IDENTITY_AMBIGUOUS');
  refused('', 'MANDATE_UNKNOWN');
  refused('c', 'MANDATE_UNKNOWN');
});

test('merchants are meant by identity or name whatever the case, and one of several alike only exactly', () => {
  const known = [
    { id: 'atlas', name: 'Atlas Maps Ltd' },
    { id: 'Ada', name: 'Ada' },
    { id: 'ada', name: 'Another Ada' },
  ];
  expect(meantMerchants(['ATLAS', 'atlas maps ltd', 'Ada', 'ada'], known)).toEqual({
    names: ['atlas', 'atlas', 'Ada', 'ada'],
    unknown: [],
  });
  expect(meantMerchants(['ADA', 'atlsa'], known)).toEqual({ names: ['ADA', 'atlsa'], unknown: ['ADA', 'atlsa'] });
});
