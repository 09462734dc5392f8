/** What a person reads of agents and purchases. */
import { expect, test } from 'vitest';
import { ageWords, headLine, outcomeLines, purchaseLines, summaryLines } from '../../src/cli/agent-words.ts';
import type { AgentSummary } from '../../src/party/customer/agent-view.ts';
import type { AgentView } from '../../src/party/customer/station.ts';

const summary: AgentSummary = {
  ...{
    mandate: 'm',
    state: 'awaiting-approval',
    want: 'emoji',
    max: '3.00 EUR',
    budget: '8.00 EUR',
    count: 3,
    bought: 1,
  },
  ...{ spent: '0.86 EUR', setAside: '0.53 EUR', committed: '1.39 EUR', recalled: false, ageMs: 125_000 },
  ...{ expires: '2030-01-01T00:00:00.000Z', waiting: ['p'] },
};
const view: AgentView = {
  ...summary,
  ...{ agent: 'paying', proposals: 2, offers: 9, payments: [], warnings: [], local: false },
};

test('a line an agent: its state, what it was sent for, spent apart from set aside, of which budget, and its age', () => {
  expect(summaryLines(summary)).toEqual([
    'm  waiting for you  emoji, at most 3.00 EUR each, 1 of 3 bought: 0.86 EUR of 8.00 EUR spent, 0.53 EUR set aside, sent 2 min ago',
    '  waits for you: handsel agent approve p',
  ]);
  const failed: AgentSummary = {
    ...summary,
    state: 'failed',
    reason: 'no luck',
    count: 1,
    setAside: '0.00 EUR',
    waiting: [],
  };
  expect(summaryLines(failed)).toEqual(['m  failed: no luck  emoji, at most 3.00 EUR: 0.86 EUR spent, sent 2 min ago']);
  const head = '1 of 3 bought, 0.86 EUR of 8.00 EUR spent, 0.53 EUR set aside, sent 2 min ago, until';
  expect(headLine(view)).toContain(head);
});

test('an end says why it is not more, and which preferences did not count', () => {
  const none: AgentView = { ...view, state: 'failed', reason: 'the purse food has 0.47 EUR left', bought: 0 };
  expect(outcomeLines(none)).toEqual(['nothing was bought: the purse food has 0.47 EUR left']);
  expect(outcomeLines({ ...view, state: 'negotiating' })).toEqual(['nothing was bought yet: negotiating']);
  const payments = [{ payment: 'p', status: 'paid' as const, product: 'Emoji', merchant: 'atlas', price: '0.53 EUR' }];
  const some: AgentView = { ...view, state: 'done', reason: 'bought 1 of 3: the budget has 0.10 EUR left', payments };
  expect(outcomeLines({ ...some, warnings: ['no offer had foo'] })).toEqual([
    'paid: Emoji from atlas for 0.53 EUR',
    'bought 1 of 3: the budget has 0.10 EUR left',
    'warning: no offer had foo',
  ]);
});

test('purchases are told with their file, the totals and what is left in purses', () => {
  const lines = purchaseLines({
    purchases: [
      {
        payment: 'p',
        date: '2030-01-01T12:00:00.000Z',
        product: 'Emoji',
        merchant: 'atlas',
        price: '0.53 EUR',
        files: ['/goods/a'],
      },
      { payment: 'q', date: '', product: 'Words', merchant: 'ada', price: '1.00 USD', files: [] },
    ],
    totals: ['0.53 EUR', '1.00 USD'],
    purses: [{ name: 'food', limit: '1.00 EUR', committed: '0.53 EUR', left: '0.47 EUR' }],
  });
  expect(lines[0]).toMatch(/^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d {2}0\.53 EUR {2}Emoji, atlas {2}\/goods\/a$/);
  expect(lines.slice(1)).toEqual([
    'at some time  1.00 USD  Words, ada  the goods are not here yet',
    'total  0.53 EUR',
    'total  1.00 USD',
    'purse food  0.47 EUR of 1.00 EUR left',
  ]);
  expect(purchaseLines({ purchases: [], totals: [], purses: [] })).toEqual(['nothing was bought yet']);
});

test('ages are told in the largest unit that fits', () => {
  expect([0, 999, 59_999, 60_000, 7_200_000, 90_000_000].map(ageWords)).toEqual([
    '0 s',
    '0 s',
    '59 s',
    '1 min',
    '2 h',
    '1 d',
  ]);
});
