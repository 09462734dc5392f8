/**
 * The example of docs/deposits.md, exactly as it stands: a merchant's own server and an agent's own program, each a process that imports
 * `handsel`, between two operators that are processes, too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { merchantStatementOf, operatorStatementOf } from './deposit-books.ts';
import { type RealNetwork, startRealNetwork } from './real-network.ts';
import { until } from './until.ts';

const examples = fileURLToPath(new URL('../../examples/own-server/', import.meta.url));
const children = new Set<ChildProcess>();
let network: RealNetwork;
let port: number;

beforeAll(async () => {
  network = await startRealNetwork();
  // Beside those that the home was given: nobody else looks for any there.
  port = Number(new URL(network.urlOf('agency')).port) + 18;
});
afterEach(() => endAll());
afterAll(async () => {
  await endAll();
  await network?.close();
});

const folderOf = (party: string) => join(network.home, party);

function start(example: string, args: readonly string[]) {
  const child = spawn(process.execPath, [join(examples, example), ...args], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  children.add(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (text) => {
    said.out += text;
  });
  child.stderr.on('data', (text) => {
    said.err += text;
  });
  const ended = once(child, 'close').then(([code]) => ({ code, ...said }));
  return { child, said, ended };
}

async function endAll(): Promise<void> {
  const running = [...children].filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  children.clear();
  await Promise.all(
    running.map((child) => {
      child.kill('SIGTERM');
      return once(child, 'close');
    }),
  );
}

/** Resolves when it sells. */
async function sell(example: string): Promise<string> {
  const { said } = start(example, ['--config', folderOf('bakery'), '--port', `${port}`]);
  await until(
    () => said,
    ({ out, err }) => out.includes('sells at') || err !== '',
  );
  expect(said.err).toBe('');
  return `127.0.0.1:${port}`;
}

const buy = (...args: string[]) => start('agent.mjs', ['--config', folderOf('scout'), ...args]).ended;

const banks = {
  configurationOf: (name: string) => join(folderOf(name), 'party.json'),
  urlOf: (name: string) => network.urlOf(name),
};
const settled = async () =>
  until(
    () => merchantStatementOf(banks, 'bakery'),
    ({ open, deposits }) => open.length === 0 && deposits.every(({ state }) => state === 'settled'),
  );

test.each(['node-http.mjs', 'hono.mjs', 'fetch.mjs'])(
  '%s serves what the agent pays for, and nothing else',
  async (example) => {
    const at = await sell(example);
    const url = `http://${at}/lookup?find=dough`;
    expect((await fetch(url)).status).toBe(402);
    const { code, out, err } = await buy('--times', '4', url);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^(?:200 dough rises at six \(south\.\d+\.\d+\/\d+\)\n){4}$/);
    const [newest] = (await settled()).deposits;
    // 0.0016 EUR is less than half a cent.
    expect(newest).toMatchObject({ purchases: 4, paid: '0.00 EUR' });
  },
);

test('a body is paid for by its words, with Hono', async () => {
  const at = await sell('hono.mjs');
  const answer = await fetch(`http://${at}/translate`, { method: 'POST', body: 'rye and wheat' });
  const [, request = ''] = /request="([^"]+)"/.exec(answer.headers.get('www-authenticate') ?? '') ?? [];
  expect(JSON.parse(Buffer.from(request, 'base64url').toString())).toMatchObject({ amount: '300000', currency: 'eur' });
});

test('a stream is paid for while it runs, also where one request may cost less than what is asked for at once', async () => {
  const at = await sell('node-http.mjs');
  const { code, out, err } = await buy('--stream', `ws://${at}/flour`);
  expect([code, err]).toEqual([0, '']);
  expect(out.split('\n').slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, at) => `flour 0.${80 + at}`));
  const [newest] = (await settled()).deposits;
  expect(newest!.purchases).toBeGreaterThan(1);
});

test('the limit holds, a spent deposit is followed by another, and both banks say the same', async () => {
  const at = await sell('node-http.mjs');
  const before = await operatorStatementOf(banks, 'north');
  const { code, out, err } = await buy('--limit', '2.00EUR', '--times', '3000', `http://${at}/lookup?find=rye`);
  // The first deposit sets 1.00 EUR aside, which is 2500 lookups: the rest is paid out of the next one.
  expect([code, err]).toEqual([0, '']);
  const deposits = new Set(Array.from(out.matchAll(/\((south\.\d+\.\d+)\//g), ([, deposit]) => deposit));
  expect([out.split('\n').length - 1, deposits.size]).toEqual([3000, 2]);
  await settled();
  const credit = ({ merchants }: typeof before) => merchants.find(({ name }) => name === 'bakery')!.balance;
  const minor = (amount: string) => Number(amount.replace(/[^0-9]/g, ''));
  const after = await operatorStatementOf(banks, 'north');
  expect(minor(credit(after)) - minor(credit(before))).toBe(120);

  const little = await buy('--limit', '0.01EUR', '--times', '40', `http://${at}/lookup?find=rye`);
  expect(little.code).toBe(1);
  expect(little.err).toContain('LIMIT_EXCEEDED');
  expect(little.out.split('\n').length - 1).toBe(25);
  // Three thousand purchases, one after the other.
}, 240_000);

test('a till that is open says so to another that wants to be', async () => {
  await sell('node-http.mjs');
  const second = start('fetch.mjs', ['--config', folderOf('bakery'), '--port', `${port + 1}`]);
  const { code, err } = await second.ended;
  expect(code).not.toBe(0);
  expect(err).toContain('JOURNAL_LOCKED');
});
