/** What programs may ask of deposits at the person's endpoint: everything is read at the door, and nothing is asked of a station without them. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { type StationClient, stationClient } from '../../../src/cli/station-client.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { serveControl } from '../../../src/party/customer/control.ts';
import type { Station } from '../../../src/party/customer/station.ts';
import type { CustomerDepositsRunning } from '../../../src/party/purse/customer-deposits.ts';
import type { FetchEvent, FetchOrder } from '../../../src/party/purse/paid-fetch.ts';
import { silentLog } from '../../../src/transport/log.ts';
import type { RunningServer } from '../../../src/transport/server.ts';
import { until } from '../../e2e/until.ts';
import { temporaryFolder } from '../network/network-fixture.ts';

const { folder: home, remove } = temporaryFolder();
mkdirSync(join(home, 'customer'));
const file = join(home, 'customer', 'control.json');
let control: RunningServer;
afterEach(() => control.close(0));
afterAll(remove);

async function clientOf(deposits: Partial<CustomerDepositsRunning> | undefined): Promise<StationClient> {
  control = await serveControl({
    ...{ station: {} as Station, listen: { host: '127.0.0.1', port: 0 }, file, log: silentLog() },
    ...(deposits && { deposits: deposits as CustomerDepositsRunning }),
  });
  return stationClient({ home });
}

const answer = (body: string): FetchEvent => ({
  ...{ type: 'answer', url: 'https://shop.test/', status: 200, contentType: 'text/plain' },
  body: Buffer.from(body),
});

async function linesOf(client: StationClient, order: unknown) {
  const lines: { readonly type: string; readonly body?: string }[] = [];
  for await (const line of client.lines<(typeof lines)[number]>('/deposits/fetch', order)) lines.push(line);
  return lines;
}

test('a station without deposits says so', async () => {
  const client = await clientOf(undefined);
  await expect(client.get('/deposits')).rejects.toMatchObject({ code: 'DEPOSITS_MISSING' });
  await expect(linesOf(client, { urls: ['https://shop.test/'] })).rejects.toMatchObject({ code: 'DEPOSITS_MISSING' });
});

test('an order is given on with what was left out, and answers come as they are made', async () => {
  let asked: FetchOrder | undefined;
  const client = await clientOf({
    async *fetch(order) {
      asked = order;
      yield answer('one\n');
      yield answer('two'.repeat(100_000));
    },
  });
  const lines = await linesOf(client, {
    urls: ['https://shop.test/'],
    max: '0.05EUR',
    maxPrice: '0.0004EUR',
    times: 2,
  });
  expect(asked).toMatchObject({
    ...{ urls: ['https://shop.test/'], times: 2, atOnce: 1, method: 'GET', headers: {} },
    own: { max: { currency: 'EUR', minor: 5n }, maxPrice: { currency: 'EUR', nano: 400_000n } },
  });
  expect(lines.map(({ body }) => Buffer.from(body!, 'base64').toString())).toEqual(['one\n', 'two'.repeat(100_000)]);
});

test('what is no order is refused in words before anything is fetched', async () => {
  const client = await clientOf({
    fetch: () => {
      throw new Error('fetched');
    },
  });
  const urls = ['https://shop.test/'];
  for (const order of [
    {},
    { urls: [] },
    { urls: ['file:///etc/passwd'] },
    { urls: Array.from({ length: 65 }, () => urls[0]) },
    { urls, times: 0 },
    { urls, times: 1_000_001 },
    { urls, atOnce: 17 },
    { urls, max: '0EUR' },
    { urls, max: '5' },
    { urls, maxPrice: '-1EUR' },
    { urls, method: 'get it' },
    { urls, body: 'not base64!' },
    { urls, more: true },
  ]) {
    await expect(linesOf(client, order)).rejects.toMatchObject({ code: 'REQUEST_MALFORMED' });
  }
});

test('what goes wrong altogether is the last line', async () => {
  const client = await clientOf({
    // biome-ignore lint/correctness/useYield: it fails before it gives anything
    async *fetch() {
      throw new HandselError('RATES_MISSING', 'no rates');
    },
  });
  expect(await linesOf(client, { urls: ['https://shop.test/'] })).toEqual([
    { type: 'failed', code: 'RATES_MISSING', detail: 'no rates' },
  ]);
});

test('when nobody reads on, nothing more is fetched', async () => {
  let made = 0;
  let over = false;
  const client = await clientOf({
    async *fetch() {
      try {
        for (;;) yield answer(`${made++} ${'x'.repeat(10_000)}`);
      } finally {
        over = true;
      }
    },
  });
  for await (const _ of client.lines('/deposits/fetch', { urls: ['https://shop.test/'] })) break;
  await until(
    () => over,
    (is) => is,
  );
  expect(made).toBeLessThan(10_000);
});
