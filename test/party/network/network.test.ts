import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readJsonFile } from '../../../src/party/configuration/configuration.ts';
import { issuedCards } from '../../../src/party/configuration/issued-cards.ts';
import { agentOrderSchema } from '../../../src/party/customer/agent-order.ts';
import type { AgentView } from '../../../src/party/customer/station.ts';
import { type RunningNetwork, startNetwork } from '../../../src/party/network/network.ts';
import type { RunningOperator } from '../../../src/party/operator/operator.ts';
import type { TracedMessage } from '../../../src/transport/trace.ts';
import { provisionSettlingAtOnce, readableLog, temporaryFolder } from './network-fixture.ts';

const { folder, remove } = temporaryFolder();
const home = join(folder, 'home');
const { log, lines } = readableLog();
const messages: TracedMessage[] = [];
let running: RunningNetwork;
let pan: string;

async function start(): Promise<void> {
  const { network } = await provisionSettlingAtOnce(home);
  running = await startNetwork(home, network, { log, tracer: { record: (message) => void messages.push(message) } });
  await Promise.all(running.parties.map(({ ready }) => ready));
}

beforeAll(async () => {
  await start();
  pan = readJsonFile(join(home, 'south/issuer/cards.json'), issuedCards)[0]!.pan;
});
afterAll(async () => {
  await running.close();
  remove();
});

const operator = (name: string) => running.parties.find((party) => party.name === name) as RunningOperator;

async function balance(name: 'north' | 'south', host: 'issuer' | 'acquirer', account: string): Promise<bigint> {
  const { [host]: books } = await operator(name).accounts();
  expect(books.violations).toEqual([]);
  return BigInt(books.accounts.find((one) => one.account === account)!.balance);
}

async function buy(want: string, max: string): Promise<AgentView> {
  const { station } = running.customer;
  const mandate = await station.send(
    agentOrderSchema.parse({ want, max, password: running.password, proposalsMs: 5000 }),
  );
  return vi.waitFor(
    async () => {
      const view = await station.status(mandate);
      expect(['done', 'failed']).toContain(view.agent);
      expect(view.payments.every(({ status }) => status !== 'paying' && status !== 'paid')).toBe(true);
      return view;
    },
    { timeout: 20_000, interval: 50 },
  );
}

test('an agent buys at a merchant of the other operator: goods as agreed, money where it belongs, settled at close of business', async () => {
  const view = await buy('emoji', '3.00EUR');
  const receipt = view.payments[0]!.receipt!;
  expect(receipt).toMatchObject({ merchant: { id: 'atlas' }, beaten: [{ merchant: 'lexicon' }] });
  const [item] = receipt.bought.items;
  expect(createHash('sha256').update(readFileSync(item!.file)).digest('hex')).toBe(item!.sha256);

  const minor = BigInt(receipt.paid.amount.replace('.', ''));
  expect(await balance('south', 'issuer', 'customer')).toBe(-minor);
  expect(await balance('north', 'acquirer', 'merchant:atlas:EUR')).toBe(minor);
  const owed = 'clearing:EUR:200002';
  expect(await balance('north', 'acquirer', owed)).toBe(-minor);
  await operator('north').closeOfBusiness();
  await vi.waitFor(async () => expect(await balance('north', 'acquirer', owed)).toBe(0n), { timeout: 10_000 });
});

test('after a restart of everything the books are the same, and the next sale is charged once', async () => {
  const before = await balance('south', 'issuer', 'customer');
  await running.close();
  await start();
  expect(await balance('south', 'issuer', 'customer')).toBe(before);
  const { paid } = (await buy('emoji', '3.00EUR')).payments[0]!.receipt!;
  expect(await balance('south', 'issuer', 'customer')).toBe(before - BigInt(paid.amount.replace('.', '')));
});

test('neither logs nor traces nor any file but the list of its issuer have the card number', () => {
  const files = readdirSync(home, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  expect(files.filter((file) => readFileSync(file, 'latin1').includes(pan))).toEqual([
    join(home, 'south/issuer/cards.json'),
  ]);
  expect(lines.filter((line) => line.includes(pan))).toEqual([]);
  expect(messages.filter(({ bytes }) => Buffer.from(bytes).toString('latin1').includes(pan))).toEqual([]);
  expect(messages.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['PInitReq', 'PReq', 'AuthReq', 'ISO0200']));
});
