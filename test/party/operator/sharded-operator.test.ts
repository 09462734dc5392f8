/** An operator whose accounts are cut into two shards, each behind a socket of its own: nobody outside can tell, and nothing differs in the end. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAmount } from '../../../src/money/amount.ts';
import type { OperatorAccounts } from '../../../src/party/operator/operator-accounts.ts';
import type { OperatorStatement } from '../../../src/party/operator/operator-statement.ts';
import type { ShardsView } from '../../../src/party/operator/sharded-accounts.ts';
import { type PartyWorld, startPartyWorld } from '../../e2e/party-world.ts';
import { until } from '../../e2e/until.ts';

let world: PartyWorld;

/** The customer's account is in one shard; lexicon's, and what is owed to north, in the other. */
function cutSouth(home: string): void {
  const file = join(home, 'south', 'party.json');
  const configuration = JSON.parse(readFileSync(file, 'utf8'));
  configuration.deposits.shards = [{}, {}];
  writeFileSync(file, JSON.stringify(configuration));
}

beforeAll(async () => {
  world = await startPartyWorld(cutSouth);
});
afterAll(() => world?.close());

async function ask<T>(path: `/operator/${string}`, as = 'south'): Promise<T> {
  const { status, body } = await world.clientAs(as).get(`${world.urlOf('south')}${path}`);
  const json = JSON.parse(Buffer.from(body).toString()) as T & { readonly code?: string };
  if (status !== 200) throw Object.assign(new Error(json.code), { code: json.code });
  return json;
}

async function buy(merchant: string, path: string): Promise<void> {
  const own = { max: parseAmount('0.50EUR') };
  const urls = [`${world.paidUrlOf(merchant)}${path}`];
  const order = { urls, times: 250, atOnce: 8, method: 'GET', headers: {}, body: new Uint8Array(), own };
  for await (const event of world.deposits().fetch(order)) if (event.type === 'failed') throw new Error(event.detail);
}

const balanceOf = ({ deposits }: OperatorAccounts, account: string) =>
  deposits?.accounts.find((one) => one.account === account)?.balance;

test('says what its shards are, to its own people only', async () => {
  const { shards, underWay } = await ask<ShardsView>('/operator/shards');
  expect(shards).toHaveLength(2);
  for (const shard of shards) expect(shard).toMatchObject({ state: 'running', restarts: 0, violations: [] });
  expect(underWay).toEqual([]);
  await expect(ask('/operator/shards', 'north')).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
  for (const path of ['/shard', '/shard/books', '/shard/statement', '/shard/positions']) {
    const { status } = await world.clientAs('north').get(`${shards[0]!.url}${path}`);
    expect(status).toBe(400);
  }
});

/** Which shard has whom, and so who stands first, is left to the names. */
const depositsOf = (customers: OperatorStatement['customers']) =>
  customers.find(({ name }) => name === 'customer')?.deposits ?? [];

test('moves money to a merchant in another shard, and to another operator whose positions are there', async () => {
  await buy('lexicon', '/paid/country-codes?find=France');
  await buy('atlas', '/paid/country-facts?find=France');
  const statement = await until(
    () => ask<OperatorStatement>('/operator/deposits'),
    ({ customers, merchants, positions }) =>
      depositsOf(customers).length === 2 &&
      merchants[0]?.deposits.length === 1 &&
      positions.some(({ operator, weOwe }) => operator === 'north' && weOwe === '0.10 USD'),
  );
  expect(statement).toMatchObject({ violations: [], open: { asAccountManager: 0, asAcquirer: 0 } });
  expect(statement.customers.map(({ name }) => name).sort()).toEqual(['customer', 'scout']);
  expect(statement.merchants).toEqual([expect.objectContaining({ name: 'lexicon' })]);
  expect(statement.positions.filter(({ operator }) => operator !== 'north')).toEqual([]);
  const accounts = await ask<OperatorAccounts>('/operator/accounts');
  expect(accounts.deposits).toMatchObject({ holds: 0, violations: [] });
  expect(balanceOf(accounts, 'clearing:USD:north')).toBe('10');
  expect(balanceOf(accounts, 'between-shards:EUR')).toBe('0');
  const { underWay } = await ask<ShardsView>('/operator/shards');
  expect(underWay).toEqual([]);
});

test('bills each movement once, in one book', async () => {
  const day = new Date().toISOString().slice(0, 10);
  const client = world.clientAs('south');
  const exported = async () => {
    const { status, body } = await client.get(
      `${world.urlOf('south')}/operator/billing?format=csv&from=${day}&to=${day}`,
    );
    return status === 200 ? Buffer.from(body).toString() : '';
  };
  const countOf = (text: string, type: string) => text.match(new RegExp(type, 'g'))?.length ?? 0;
  // The book is told after the accounts, in its own time.
  const text = await until(exported, (now) => countOf(now, 'clearing') >= 1);
  for (const [type, count] of [
    ['withdrawal', 2],
    ['deposit', 1],
    ['clearing', 1],
  ] as const) {
    expect(countOf(text, type), type).toBeGreaterThanOrEqual(count);
  }
});

test('tells merchants and operators numbers of sessions that have nothing to do with shards', async () => {
  const { customers } = await ask<OperatorStatement>('/operator/deposits');
  const numbers = depositsOf(customers).map(({ transaction }) => Number(transaction.split('.')[1]));
  expect(new Set(numbers).size).toBe(numbers.length);
  for (const number of numbers) expect(number).toBeGreaterThan(1_000_000);
});

test('pays what it owes from the shard that knows it', async () => {
  await world.clientAs('south').post(`${world.urlOf('south')}/operator/close-of-business`, {
    ...{ kind: 'close', contentType: 'application/json', extension: 'json', body: new Uint8Array() },
  });
  const { settlements } = await until(
    () => ask<OperatorStatement>('/operator/deposits'),
    (statement) => statement.settlements.some(({ state }) => state === 'paid'),
  );
  expect(settlements).toEqual([expect.objectContaining({ operator: 'north', amount: '0.10 USD', state: 'paid' })]);
});

test('comes back as it was, and refuses to come back in another number of parts, or whole', async () => {
  const before = await ask<OperatorAccounts>('/operator/accounts');
  const file = world.configurationOf('south');
  const original = readFileSync(file, 'utf8');
  await world.stop('south');
  for (const shards of [undefined, [{}], [{}, {}, {}]]) {
    const changed = JSON.parse(original);
    changed.deposits.shards = shards;
    writeFileSync(file, JSON.stringify(changed));
    await expect(world.start('south')).rejects.toMatchObject({ code: 'SHARDS_CHANGED' });
  }
  // What a start that failed had opened is closed again: the next one finds ports and files free.
  writeFileSync(file, original);
  await world.start('south');
  expect((await ask<OperatorAccounts>('/operator/accounts')).deposits).toEqual(before.deposits);
  await buy('lexicon', '/paid/country-codes?find=France');
});
