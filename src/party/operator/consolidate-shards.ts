/** What several shards say, as one operator would. */
import type { LedgerView } from './operator-accounts.ts';
import type { AccountsStatement } from './operator-statement.ts';

/** No operator has a dot in its name: `north.1` is a shard of north. */
export const isBetweenShards = (counterparty: string) => counterparty.includes('.');

/** Of the accounts that every shard has for itself, the sum. Between shards there is what is under way, or nothing. */
export function oneLedger(views: readonly LedgerView[]): LedgerView {
  const accounts = new Map<string, LedgerView['accounts'][number]>();
  for (const one of views.flatMap((view) => view.accounts)) {
    const account =
      one.kind === 'clearing' && isBetweenShards(one.account) ? `between-shards:${one.currency}` : one.account;
    const before = accounts.get(account);
    const balance = String(BigInt(before?.balance ?? 0) + BigInt(one.balance));
    const held = String(BigInt(before?.held ?? 0) + BigInt(one.held));
    accounts.set(account, { ...one, account, balance, held });
  }
  return {
    accounts: [...accounts.values()],
    holds: views.reduce((sum, { holds }) => sum + holds, 0),
    violations: violationsOf(views),
  };
}

export function oneStatement(statements: readonly AccountsStatement[]): AccountsStatement {
  return {
    customers: statements.flatMap(({ customers }) => customers),
    merchants: statements.flatMap(({ merchants }) => merchants),
    positions: statements.flatMap(({ positions }) => positions.filter(({ operator }) => !isBetweenShards(operator))),
    settlements: statements.flatMap(({ settlements }) => settlements).toSorted((a, b) => (a.at < b.at ? 1 : -1)),
    open: statements.reduce((sum, { open }) => sum + open, 0),
    violations: violationsOf(statements),
  };
}

function violationsOf(views: readonly Pick<LedgerView, 'violations'>[]): readonly string[] {
  return views.flatMap(({ violations }, shard) => violations.map((violation) => `shard ${shard}: ${violation}`));
}
