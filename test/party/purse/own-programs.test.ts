/** A till and a purse that programs of one's own open, between real parties: limits, deposits left idle, next starts, and what is refused. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  HandselError,
  type OpenPurse,
  type OpenTill,
  openPurse,
  openTill,
  type PurseOptions,
} from '../../../src/library/handsel.ts';
import { type PartyWorld, startPartyWorld } from '../../e2e/party-world.ts';
import { configure } from '../../e2e/trading-session.ts';
import { until } from '../../e2e/until.ts';

let world: PartyWorld;
let till: OpenTill;
let url: string;
let listener: RequestListener;
const server = createServer((req, res) => listener(req, res));
const purses = new Set<OpenPurse>();

const folderOf = (party: string) => join(world.home, party);

beforeAll(async () => {
  world = await startPartyWorld((home) => configure(home, 'scout', 'deposits', { idleSeconds: 1 }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  till = await openTill({ config: folderOf('bakery'), url, logLevel: 'silent' });
  listener = till.charge({ price: '0.0004 EUR' }, (req, res) => void res.end(req.payment!.reference));
});
afterEach(async () => {
  for (const purse of purses) await purse.close();
  purses.clear();
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await till?.close();
  await world?.close();
});

async function purseOf(options: Partial<PurseOptions> = {}): Promise<OpenPurse> {
  const purse = await openPurse({ config: folderOf('scout'), logLevel: 'silent', ...options });
  purses.add(purse);
  return purse;
}
async function close(purse: OpenPurse): Promise<void> {
  purses.delete(purse);
  await purse.close();
}
/** The deposit it was paid out of. */
const buy = async ({ payingFetch }: OpenPurse) => {
  const reference = await (await payingFetch(`${url}/rolls`)).text();
  return reference.split('/')[0]!;
};
const settled = (transaction: string) =>
  until(
    () => till.statement(),
    ({ deposits }) => deposits.some((one) => one.transaction === transaction && one.state === 'settled'),
  );

test('a deposit that is idle is closed, and the next request opens another', async () => {
  const purse = await purseOf();
  const first = await buy(purse);
  expect(await buy(purse)).toBe(first);
  await settled(first);
  expect(await buy(purse)).not.toBe(first);
});

test('without a limit of its own what is open is left to the next start, with one it is closed', async () => {
  const left = await purseOf();
  const open = await buy(left);
  await close(left);
  const next = await purseOf();
  expect(await buy(next)).toBe(open);
  await close(next);

  const own = await purseOf({ limit: '0.10EUR' });
  const transaction = await buy(own);
  expect(transaction).not.toBe(open);
  await close(own);
  await settled(transaction);
});

test('nobody is paid who is not among the merchants, and nothing that is too dear', async () => {
  const picky = await purseOf({ limit: '1EUR', merchants: ['atlas'] });
  await expect(buy(picky)).rejects.toMatchObject({ code: 'OFFER_REFUSED' });
  await close(picky);
  const poor = await purseOf({ limit: '1EUR', maxPrice: '0.0003EUR' });
  await expect(buy(poor)).rejects.toMatchObject({ code: 'OFFER_REFUSED' });
});

test('one charge is middleware of Express as well, and a misspelt option is refused', async () => {
  const inFront = till.charge({ price: '0.0001 EUR' });
  const before = listener;
  listener = (req, res) => inFront(req, res, () => res.end('let through'));
  try {
    expect((await fetch(url)).status).toBe(402);
    expect(await (await (await purseOf({ limit: '1EUR' })).payingFetch(url)).text()).toBe('let through');
  } finally {
    listener = before;
  }
  const misspelt = { prize: '0.0004 EUR' } as unknown as { readonly price: string };
  expect(() => till.charge(misspelt)).toThrow(HandselError);
});

test.each([
  [{ limit: '1' }, 'AMOUNT_MALFORMED'],
  [{ limit: '1USD' }, 'CONFIGURATION_INVALID'],
  [{ limit: '-1EUR' }, 'CONFIGURATION_INVALID'],
  [{ maxPrice: '0.01EUR' }, 'CONFIGURATION_INVALID'],
  [{ config: undefined as unknown as string }, 'CONFIGURATION_INVALID'],
])('no purse is opened with %j', async (options, code) => {
  await expect(purseOf(options)).rejects.toMatchObject({ code });
});

test.each([[undefined], ['bakery.example'], ['ftp://bakery.example']])('no till is opened at %j', async (at) => {
  const opened = openTill({ config: folderOf('bakery'), url: at as string });
  await expect(opened).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
});

test('a journal has one writer: a second till says so, and leaves the first one as it is', async () => {
  const second = openTill({ config: folderOf('bakery'), url, logLevel: 'silent' });
  await expect(second).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' });
  expect(await buy(await purseOf({ limit: '1EUR' }))).toMatch(/^south\./);
});
