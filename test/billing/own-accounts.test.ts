/** An operator's own accounts and billing system, as docs/billing.md has them, under real parties. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMessage } from '../../src/crypto/signed-message.ts';
import { loggedOnType } from '../../src/deposit/message/initiation.ts';
import { parseAmount } from '../../src/money/amount.ts';
import { openAccountsElsewhere } from '../../src/party/operator/operator-accounts-elsewhere.ts';
import { type PartyWorld, startPartyWorld } from '../e2e/party-world.ts';
import { until } from '../e2e/until.ts';
import { silentLog } from './bookings.ts';

const example = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../examples/billing/${name}`, import.meta.url)), 'utf8');
let world: PartyWorld;
const folder = () => dirname(world.configurationOf('south'));
interface Kept {
  readonly balances: Readonly<Record<string, string>>;
  readonly holds: Readonly<Record<string, { readonly minor: string; readonly status: string }>>;
}
const kept = (): Kept =>
  existsSync(join(folder(), 'accounts.json'))
    ? JSON.parse(readFileSync(join(folder(), 'accounts.json'), 'utf8'))
    : { balances: {}, holds: {} };

beforeAll(async () => {
  world = await startPartyWorld();
  await world.stop('south');
  for (const name of ['own-billing.mjs', 'own-accounts.mjs']) writeFileSync(join(folder(), name), example(name));
  const file = world.configurationOf('south');
  const configuration = JSON.parse(readFileSync(file, 'utf8'));
  const options = { file: 'accounts.json', currency: 'EUR', balances: { customer: '1000' } };
  configuration.deposits.accounts = { kind: 'module', file: 'own-accounts.mjs', options };
  configuration.deposits.billing = { adapters: [{ kind: 'module', name: 'own', file: 'own-billing.mjs' }] };
  writeFileSync(file, JSON.stringify(configuration));
  await world.start('south');
});
afterAll(() => world?.close());

const facts = () => `${world.paidUrlOf('atlas')}/paid/country-facts?find=France`;

async function fetched(times: number, max: string) {
  const order = {
    urls: [facts()],
    times,
    atOnce: 4,
    method: 'GET',
    headers: {},
    body: new Uint8Array(),
    own: { max: parseAmount(max) },
  };
  let failed: string | undefined;
  for await (const event of world.deposits().fetch(order)) if (event.type === 'failed') failed = event.code;
  return failed;
}

test.each(['own-billing.mjs', 'own-accounts.mjs'])('%s stands in the document as it is run here', (name) => {
  const document = readFileSync(fileURLToPath(new URL('../../docs/billing.md', import.meta.url)), 'utf8');
  const block = new RegExp(`<!-- example: ${name} -->\n\`\`\`js\n([^]*?)\n\`\`\``).exec(document)?.[1];
  expect(block).toBe(example(name).trimEnd());
});

describe('accounts of the operator’s own', () => {
  test('[ERI-G] hold the deposit, are debited with what was used of it, and get the rest back', async () => {
    expect(await fetched(250, '0.50EUR')).toBeUndefined();
    // What was there when the customer logged on.
    const loggedOn = world.messages.find(({ from, kind }) => from === 'south' && kind === 'deposit-log-onAnswer');
    expect(readMessage(loggedOnType, loggedOn!.bytes).value.available).toEqual({ currency: 'EUR', minor: 1000n });
    const { balances, holds } = await until(
      async () => kept(),
      ({ holds }) => Object.values(holds)[0]?.status === 'posted',
    );
    expect(balances).toEqual({ customer: '990' });
    expect(holds).toEqual({ 'south.1.1': expect.objectContaining({ minor: '50', status: 'posted' }) });
    const lines = await until(
      async () =>
        readFileSync(join(folder(), 'billing.jsonl'), 'utf8')
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
      (told) => told.length === 3,
    );
    expect(lines.map(({ id }) => id).sort()).toEqual([
      'clearing:south.1.1',
      'funding:account:south.1.1',
      'withdrawal:south.1.1',
    ]);
    // What was withdrawn here has come in from there.
    expect(
      lines
        .filter(({ entry }) => entry.account === 'customer:customer')
        .map(({ entry }) => entry.minor)
        .sort(),
    ).toEqual(['-10', '10']);
  });

  test('decline what is not covered there, and nobody else hears of it', async () => {
    const before = world.messages.length;
    const opened = world.deposits().desk.open({ url: facts(), amount: parseAmount('9.91EUR') });
    await expect(opened).rejects.toMatchObject({ code: 'CREDIT_EXCEEDED' });
    const kinds = world.messages.slice(before).map(({ kind }) => kind);
    expect(kinds).toContain('deposit-initiation');
    expect(kinds).not.toContain('deposit-amended-initiation');
    expect(kept()).toMatchObject({ balances: { customer: '990' }, holds: { 'south.2.1': { status: 'declined' } } });
  });

  test('know over a restart what they held, and give it back when nothing was bought', async () => {
    await world.deposits().desk.open({ url: facts(), amount: parseAmount('9.90EUR') });
    await world.stop('south');
    await world.start('south');
    expect(kept().holds['south.3.1']).toMatchObject({ minor: '990', status: 'held' });
    await world.deposits().desk.closeAll();
    const { balances } = await until(
      async () => kept(),
      ({ holds }) => holds['south.3.1']?.status === 'released',
    );
    expect(balances).toEqual({ customer: '990' });
  });
});

describe('the module', () => {
  const open = (name: string, text: string, options = {}) => {
    writeFileSync(join(folder(), name), text);
    return openAccountsElsewhere(
      { kind: 'module', file: name, options },
      {
        ...{ operator: 'south', timeZone: 'UTC', path: (file: string) => join(folder(), file), log: silentLog },
        currencyOf: (customer) => (customer === 'alice' ? 'EUR' : undefined),
      },
    );
  };

  test('is refused unless it does all four', async () => {
    await expect(open('none.mjs', 'export const createAccounts = () => ({ hold() {} });')).rejects.toThrow(
      'lookUp, hold, post, release',
    );
    await expect(open('other.mjs', 'export const accounts = 1;')).rejects.toThrow(
      'exports no function "createAccounts"',
    );
  });

  test.each([
    ['{ currency: "EUR", minor: 5n }', 5n],
    ['{ currency: "EUR", minor: -5n }', 0n],
    ['{ currency: "EUR", minor: 10n ** 30n }', 10n ** 15n],
    ['{ currency: "USD", minor: 5n }', 'CUSTOMER_UNKNOWN'],
    ['undefined', 'CUSTOMER_UNKNOWN'],
    ['await Promise.reject(new Error("away"))', 'ANSWER_PENDING'],
  ])('that finds %s says %s', async (found, expected) => {
    const text = `export const createAccounts = () => ({ lookUp: async () => (${found}), hold() {}, post() {}, release() {} });`;
    const elsewhere = await open(`found-${String(expected)}-${found.length}.mjs`, text);
    const looked = elsewhere!.lookUp('alice');
    if (typeof expected === 'bigint') expect(await looked).toEqual({ currency: 'EUR', minor: expected });
    else await expect(looked).rejects.toMatchObject({ code: expected });
  });
});
