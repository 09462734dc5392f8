/** What merchants and operators are shown of deposits, and who is shown it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAmount } from '../../../src/money/amount.ts';
import type { MerchantStatement } from '../../../src/party/merchant/merchant-statement.ts';
import type { OperatorStatement } from '../../../src/party/operator/operator-statement.ts';
import { type PartyWorld, startPartyWorld } from '../../e2e/party-world.ts';
import { until } from '../../e2e/until.ts';

let world: PartyWorld;

beforeAll(async () => {
  world = await startPartyWorld();
  const { desk, fetch } = world.deposits();
  const urls = [`${world.paidUrlOf('atlas')}/paid/country-facts?find=France`];
  const own = { max: parseAmount('0.50EUR') };
  const order = { urls, times: 250, atOnce: 8, method: 'GET', headers: {}, body: new Uint8Array(), own };
  for await (const event of fetch(order)) if (event.type === 'failed') throw new Error(event.detail);
  await desk.open({ url: urls[0]!, amount: parseAmount('3EUR') });
});
afterAll(() => world?.close());

async function statementOf<T>(party: string, kind: string, as = party): Promise<T> {
  const { status, body } = await world.clientAs(as).get(`${world.urlOf(party)}/${kind}/deposits`);
  const json = JSON.parse(Buffer.from(body).toString()) as T & { readonly code?: string };
  if (status !== 200) throw Object.assign(new Error(json.code), { code: json.code });
  return json;
}

test('a merchant sees what it earned, and of its customers transactions only', async () => {
  const atlas = await until(
    () => statementOf<MerchantStatement>('atlas', 'merchant'),
    ({ deposits }) => deposits.length === 1,
  );
  expect(atlas).toMatchObject({ operator: 'north', paid: '0.10 USD', purchases: 250 });
  expect(atlas.deposits).toEqual([
    expect.objectContaining({ transaction: 'south.1.1', earned: '0.10 USD', paid: '0.10 USD', state: 'settled' }),
  ]);
  expect(atlas.open).toEqual([expect.objectContaining({ state: 'open', purchases: 0, earned: '0.00 USD' })]);
  // The customer's name, not the word.
  expect(JSON.stringify(atlas)).not.toContain('"customer"');
});

test("the customer's operator sees what was withdrawn and returned, and whom it owes", async () => {
  const south = await statementOf<OperatorStatement>('south', 'operator');
  expect(south.customers).toEqual([
    expect.objectContaining({ name: 'customer', balance: '-0.10 EUR', held: '3.00 EUR' }),
    expect.objectContaining({ name: 'scout', balance: '0.00 EUR', held: '0.00 EUR', deposits: [] }),
  ]);
  expect(south.customers[0]!.deposits).toEqual([
    expect.objectContaining({ merchant: 'atlas', deposit: '0.50 EUR', withdrawn: '0.10 EUR', paid: '0.10 USD' }),
  ]);
  const owed = south.positions.find(({ operator, currency }) => operator === 'north' && currency === 'USD');
  expect(owed).toMatchObject({ weOwe: '0.10 USD', theyOwe: '0.00 USD' });
  expect(south).toMatchObject({ open: { asAccountManager: 1, asAcquirer: 0 }, settlements: [], violations: [] });
});

test("the merchant's operator sees its merchant and the other operator, and no customer", async () => {
  const north = await statementOf<OperatorStatement>('north', 'operator');
  expect(north.customers).toEqual([]);
  expect(north.merchants).toEqual([
    expect.objectContaining({ name: 'atlas', balance: '0.10 USD' }),
    expect.objectContaining({ name: 'bakery', balance: '0.00 EUR', deposits: [] }),
  ]);
  expect(north.merchants[0]!.deposits).toEqual([
    expect.objectContaining({ transaction: 'south.1.1', accountManager: 'south', paid: '0.10 USD' }),
  ]);
  const owed = north.positions.find(({ operator, currency }) => operator === 'south' && currency === 'USD');
  // What is open counts in full until it is cleared: 3.00 EUR are 3.26 USD.
  expect(owed).toMatchObject({ theyOwe: '0.10 USD', weOwe: '0.00 USD', atRisk: '3.36 USD' });
  expect(north.open).toEqual({ asAccountManager: 0, asAcquirer: 1 });
});

test('nobody but the party itself is shown any of it', async () => {
  for (const [party, kind] of [
    ['north', 'operator'],
    ['atlas', 'merchant'],
  ] as const) {
    for (const other of ['south', 'customer', 'lexicon']) {
      await expect(statementOf(party, kind, other)).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    }
  }
});
