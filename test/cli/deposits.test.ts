/** `handsel fetch`, `deposit`, `statement` and `rates` as a person types them, against a network that runs. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../party/network/network-fixture.ts';
import { handsel, killAll } from './handsel-process.ts';

const { folder, remove } = temporaryFolder();
const home = join(folder, 'home');
const FACTS = 'atlas/paid/country-facts?find=France';

beforeAll(async () => {
  const network = handsel('start', '--no-sale', '--home', home);
  await network.printed('All parties stay up');
});
afterAll(() => {
  killAll();
  remove();
});

const run = (...args: string[]) => handsel(...args, '--home', home).ended;

async function json<T = Record<string, unknown>>(...args: string[]): Promise<T> {
  const { code, out, err } = await run(...args, '--json');
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as T;
}

describe('fetch', () => {
  test('the body goes to standard output, what was paid to standard error', async () => {
    const { code, out, err } = await run('fetch', FACTS);
    expect(code).toBe(0);
    expect(out).toMatch(/^FR,FRA,250,France,/);
    expect(err).toMatch(/^paid 0\.0004 USD \(0\.000367986 EUR\) to atlas: purchase \d+ of deposit south\.\d+\.1\n$/);
  });

  test('many requests within a limit of their own are summed, and their deposit is closed', async () => {
    const { code, out, err } = await run('fetch', FACTS, '--repeat', '50', '--at-once', '8', '--max', '0.05EUR');
    expect(code).toBe(0);
    expect(out.match(/^FR,FRA/gm)).toHaveLength(50);
    expect(err).toMatch(/^50 requests\npaid 0\.02 USD \(0\.018399265 EUR\) to atlas: 50 purchases of deposit/);
    expect(err).toMatch(/settled {2}atlas {2}50 purchases for 0\.02 USD, charged 0\.0\d EUR of 0\.05 EUR\n$/);
  });

  test('a limit that is used up ends it, after what was paid was said', async () => {
    const { code, out, err } = await run('fetch', FACTS, '--repeat', '30', '--max', '0.01EUR');
    expect(code).toBe(1);
    expect(out.match(/^FR,FRA/gm)).toHaveLength(25);
    expect(err).toContain('25 requests\n');
    expect(err).toContain('0.00 EUR of 0.01 EUR is left under the limit (LIMIT_EXCEEDED)\n');
    expect(err).toContain('`handsel deposit list` shows the limits');
  });

  test('--json gives an object an answer, and the sums on standard error', async () => {
    const { code, out, err } = await run('fetch', FACTS, '--repeat', '2', '--json');
    expect(code).toBe(0);
    const answers = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(answers).toHaveLength(2);
    expect(answers[0]).toMatchObject({ status: 200, paid: { merchant: 'atlas', price: '0.0004 USD' } });
    expect(answers[0].body).toContain('FR,FRA,250,France');
    expect(JSON.parse(err)).toMatchObject({ requests: 2, paid: [{ purchases: 2, price: '0.0008 USD' }] });
  });

  test('-o writes the body into a file, and a refusal of the server fails', async () => {
    const file = join(folder, 'facts.csv');
    expect(await run('fetch', FACTS, '-o', file)).toMatchObject({ code: 0, out: '' });
    expect(readFileSync(file, 'utf8')).toMatch(/^FR,FRA,250,France,/);
    const none = join(folder, 'none.csv');
    expect((await run('fetch', 'https://127.0.0.1:1/', '-o', none)).code).toBe(1);
    expect(existsSync(none)).toBe(false);
    const missing = await run('fetch', 'atlas/paid/nothing');
    expect(missing.code).toBe(1);
    expect(missing.err).toMatch(/answers 404\nnothing was paid\n$/);
  });

  test('what is cut off is counted, and a note after a body without a last line begins on a line of its own', async () => {
    const { out } = await run('fetch', 'atlas/paid/country-facts?find=a');
    expect(out.trimEnd().split('\n')).toHaveLength(21);
    expect(out).toMatch(/\n… and \d+ more: look for something more exact\n$/);
    expect((await run('fetch', 'atlas/paid/nothing')).err).toMatch(/^\n.* answers 404\n/);
  });

  test('what cannot be meant is said in words', async () => {
    for (const [args, words] of [
      [['nobody/x'], /known are atlas, lexicon \(SELLER_UNKNOWN\)\n {2}Name one of these/],
      [['ftp://x/y'], /not with ftp:\/\/ \(URL_MALFORMED\)/],
      [[''], /no address to fetch from/],
      [[FACTS, '--max', '0.001EUR'], /whole multiples of 0\.01 EUR/],
      [[FACTS, '--max', '1XYZ'], /no currency XYZ/],
      [[FACTS, '--max', 'much'], /write an amount above zero/],
      [[FACTS, '--max-price', '0'], /write a price above zero/],
      [[FACTS, '--repeat', '0'], /write a whole number from 1 to 1,000,000/],
      [[FACTS, '--at-once', '17'], /write a whole number from 1 to 16/],
      [[FACTS, '--max', '1USD'], /limits of this station are in EUR/],
      [[FACTS, '--max-price', '0.5EUR'], /PRICE_ABOVE_LIMIT\)\n {2}Say a higher --max, .*--max-price/],
      [[FACTS, '--max-price', '0.0001EUR'], /atlas asks 0\.0004 USD, more than 0\.0001087 USD \(OFFER_REFUSED\)/],
      [[FACTS, '--header', 'nonsense'], /write NAME:VALUE/],
      [['https://127.0.0.1:1/'], /PEER_UNREACHABLE/],
    ] as const) {
      const { code, out, err } = await run('fetch', ...args);
      expect([out, err]).toEqual(['', expect.stringMatching(words)]);
      expect(code).toBeGreaterThan(0);
    }
  });
});

describe('deposit', () => {
  test('one is opened, listed, shown and closed', async () => {
    const opened = await json('deposit', 'open', FACTS, '--amount', '2EUR', '--for', '1h');
    expect(opened).toMatchObject({ phase: 'open', deposit: '2.00 EUR', merchant: 'atlas', operator: 'north' });
    const transaction = String(opened.transaction);
    const { deposits, limits } = await json<{ deposits: unknown[]; limits: unknown[] }>('deposit', 'list');
    expect(deposits).toContainEqual(opened);
    expect(limits).toEqual([expect.objectContaining({ total: '20.00 EUR' })]);

    const { out } = await run('deposit', 'close', transaction);
    expect(out).toBe(`${transaction}  settled  atlas  0 purchases for 0.00 USD, charged 0.00 EUR of 2.00 EUR\n`);
    const shown = await run('deposit', 'show', transaction);
    expect(shown.out).toContain('0.00 EUR charged, 2.00 EUR returned');
    expect(shown.out).toContain('ruled  Both have the same list of 0 purchases.');
    expect((await run('deposit', 'list', '--all')).out).toContain(`${transaction}  settled`);
  });

  test('more than the limit allows is not set aside', async () => {
    const { code, err } = await run('deposit', 'open', FACTS, '--amount', '500EUR');
    expect([code, err]).toEqual([1, expect.stringContaining('(LIMIT_EXCEEDED)')]);
  });

  test('a merchant is told where to see a deposit that is over', async () => {
    await run('fetch', FACTS);
    const { deposits } = await json<{ deposits: { transaction: string }[] }>('deposit', 'list');
    const { transaction } = deposits.at(-1)!;
    await run('deposit', 'close', '--all');
    const { code, err } = await handsel('deposit', 'close', transaction, '--config', join(home, 'atlas')).ended;
    expect([code, err]).toEqual([
      1,
      expect.stringContaining('(DEPOSIT_NOT_OPEN)\n  `handsel statement --config FILE`'),
    ]);
  });

  test('to close none or all at once has to be said', async () => {
    expect(await run('deposit', 'close')).toMatchObject({ code: 2, err: expect.stringContaining('say --all') });
    expect(await run('deposit', 'show', 'south.99.9')).toMatchObject({ code: 1 });
  });
});

test('statements are those of customer, merchant and both operators', async () => {
  await run('deposit', 'close', '--all');
  const customer = await json<{ deposits: { transaction: string; paid: string; charged: string }[] }>('statement');
  const [last] = customer.deposits;
  const at = (party: string) => ['statement', '--config', join(home, party)];
  const atlas = await json<{ deposits: unknown[] }>(...at('atlas'));
  expect(atlas.deposits).toContainEqual(expect.objectContaining({ transaction: last!.transaction, paid: last!.paid }));
  expect((await run(...at('south'))).out).toContain(`${last!.transaction}  `);
  expect((await run(...at('south'))).out).toMatch(/north {2}is owed 0\.\d\d USD/);
  expect((await run(...at('north'))).out).toMatch(/south {2}owes us 0\.\d\d USD; at risk 0\.\d\d USD of 10000\.00 USD/);
  expect((await run(...at('customer'))).out).toContain('customer, with an account at south');
  expect(await run(...at('market'))).toMatchObject({ code: 1, err: expect.stringContaining('CONFIGURATION_INVALID') });
  expect((await run('statement', '--config', join(home, 'nobody'))).err).toContain('Check the path');
  const shards = await handsel('operator', 'shards', '--config', join(home, 'south')).ended;
  expect(shards).toMatchObject({ code: 1, err: expect.stringContaining('(SHARDS_NONE)') });
});

test('money a customer brought is booked once for its reference, and not twice differently', async () => {
  const fund = (...words: string[]) =>
    handsel('operator', 'fund', ...words, '--reference', 'r/1', '--config', join(home, 'south')).ended;
  const balance = async () => {
    const { out } = await handsel('operator', 'accounts', '--config', join(home, 'south'), '--json').ended;
    const { deposits } = JSON.parse(out) as { deposits: { accounts: { account: string; balance: string }[] } };
    return Number(deposits.accounts.find(({ account }) => account === 'customer:customer')!.balance);
  };
  const before = await balance();
  for (let times = 0; times < 2; times++) {
    expect(await fund('customer', '50EUR')).toMatchObject({ code: 0, out: '50.00 EUR is booked for customer\n' });
  }
  expect(await balance()).toBe(before + 5000);
  expect((await fund('customer', '60EUR')).err).toContain('(REFERENCE_USED)');
  const other = (...words: string[]) =>
    handsel('operator', 'fund', ...words, '--reference', 'r/2', '--config', join(home, 'south')).ended;
  expect((await other('nobody', '50EUR')).err).toContain('no account of a customer nobody is kept here');
  expect((await other('customer', '5USD')).err).toContain('the account of customer is kept in EUR, not in USD');
  expect(await other('customer', '-5EUR')).toMatchObject({ code: 2, err: expect.stringContaining('above zero') });
  expect(await balance()).toBe(before + 5000);
});

test('rates are those of the bank, and show a price in the customer’s money', async () => {
  expect(await json('rates', '0.0004USD')).toMatchObject({ stale: false, shown: '0.000367986 EUR' });
  const { out } = await run('rates');
  expect(out).toMatch(/^1 EUR buys 1\.087 USD\n1 EUR buys 0\.8547 GBP\nvalid until /);
  expect(await run('rates', '5JPY')).toMatchObject({ code: 1, out: expect.stringContaining('no rate for 5 JPY') });
  expect((await run('rates', '5XTS')).code).toBeGreaterThan(0);
});

test('every one of these commands has help with examples', async () => {
  for (const words of [['fetch'], ['deposit'], ['deposit', 'open'], ['deposit', 'close'], ['statement'], ['rates']]) {
    const { code, out } = await handsel(...words, '--help').ended;
    expect([code, out]).toEqual([0, expect.stringContaining(`$ handsel ${words[0]}`)]);
  }
});
