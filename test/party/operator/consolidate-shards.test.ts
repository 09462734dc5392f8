/** What several shards say, put together. */
import { expect, test } from 'vitest';
import { oneLedger } from '../../../src/party/operator/consolidate-shards.ts';
import type { LedgerView } from '../../../src/party/operator/operator-accounts.ts';

const account = (name: string, kind: string, balance: string, held = '0') => ({
  ...{ account: name, kind, balance, held, currency: 'EUR' },
});
const view = (accounts: LedgerView['accounts'], violations: readonly string[] = []): LedgerView => {
  return { accounts, holds: 1, violations };
};

test('accounts that every shard has are one, and what two shards owe each other is nothing', () => {
  const one = view([
    account('customer:alice', 'customer', '-70', '5'),
    account('fx:EUR', 'suspense', '30'),
    account('clearing:EUR:north.1', 'clearing', '40'),
  ]);
  const other = view([
    account('fx:EUR', 'suspense', '-9'),
    account('clearing:EUR:north.0', 'clearing', '-40'),
    account('clearing:EUR:south', 'clearing', '49'),
  ]);
  expect(oneLedger([one, other])).toEqual({
    holds: 2,
    accounts: [
      account('customer:alice', 'customer', '-70', '5'),
      account('fx:EUR', 'suspense', '21'),
      account('between-shards:EUR', 'clearing', '0'),
      account('clearing:EUR:south', 'clearing', '49'),
    ],
    violations: [],
  });
});

test('what is wrong is said of the shard it is wrong in', () => {
  expect(oneLedger([view([]), view([], ['the sum is not zero'])]).violations).toEqual(['shard 1: the sum is not zero']);
});
