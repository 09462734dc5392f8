/**
 * A station that is killed while it downloads goes on where it was; a merchant and a trustee that are killed meanwhile come back. Real
 * processes; the package comes from a web server of the test that is slow, breaks off, and counts what it gave.
 */
import { createReadStream, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeliveryView } from '../../src/party/customer/delivery-view.ts';
import { addGoods } from '../../src/party/merchant/catalogue-entry.ts';
import { createPatience } from '../patience.ts';
import { minorOf, restingBooks } from './books.ts';
import { configure, packagesOf, partOf } from './delivery-fixture.ts';
import { type RealNetwork, startRealNetwork } from './real-network.ts';
import { patiently, sha256Of } from './sale.ts';

const SIZE = 24 * 1024 * 1024;
/** About two seconds for all of it. */
const PIECE = 256 * 1024;
const PAUSE_MS = 20;

let network: RealNetwork;
let web: Server;
const gave = { bytes: 0 };

/** Ranges, slowly; after half a package the connection breaks off. */
function slowWeb(folder: () => string): Server {
  return createServer(async (request, response) => {
    const file = join(folder(), request.url!.split('/').at(-1)!);
    const { size } = statSync(file);
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const [start, end] = [Number(first), Number(last)];
    response.writeHead(206, { 'content-range': `bytes ${start}-${end}/${size}`, 'content-length': end - start + 1 });
    let given = 0;
    for await (const piece of createReadStream(file, { start, end, highWaterMark: PIECE })) {
      if (response.destroyed) return;
      response.write(piece);
      gave.bytes += piece.length;
      given += piece.length;
      if (given > size / 2) return void response.destroy();
      await sleep(PAUSE_MS);
    }
    response.end();
  });
}

beforeAll(async () => {
  let folder = '';
  web = slowWeb(() => folder);
  await new Promise<void>((resolve) => void web.listen(0, '127.0.0.1', resolve));
  const { port } = web.address() as { port: number };
  const goods: { add?: Promise<unknown> } = {};
  network = await startRealNetwork((home) => {
    folder = packagesOf(home);
    configure(home, 'atlas', ({ delivery }) => {
      Object.assign(delivery.packages as object, { urls: [`http://127.0.0.1:${port}/`] });
    });
    const film = join(home, 'film.bin');
    const bytes = Buffer.alloc(SIZE);
    for (let at = 0; at < SIZE; at += 4) bytes.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at);
    writeFileSync(film, bytes);
    goods.add = addGoods(join(home, 'atlas/catalogue'), film, {
      ...{ price: ['2.00EUR'], floor: [], license: 'CC0-1.0', category: 'Film', keyword: [], concession: 'linear' },
      format: 'application/octet-stream',
    });
  });
  await goods.add;
  // Read anew with what was added.
  await network.end('atlas', 'SIGTERM');
}, 120_000);
afterAll(async () => {
  await network?.close();
  web?.close();
});

async function view(payment: string): Promise<DeliveryView> {
  return patiently(network, () => network.station().get<DeliveryView>(`/deliveries/${payment}`));
}

async function until(payment: string, wanted: (view: DeliveryView) => boolean): Promise<DeliveryView> {
  for (const isOver = createPatience(60_000); ; await sleep(50)) {
    const now = await view(payment);
    if (wanted(now)) return now;
    if (isOver()) throw new Error(`it never came about: ${JSON.stringify(now)}`);
  }
}

test('[ERI-27] killed in the middle of a download, station, merchant and trustee go on: fetched about once, paid once', async () => {
  const before = await restingBooks(network);
  const order = { merchant: network.urlOf('atlas'), sku: 'film', currency: 'EUR', quantity: 1, max: '3.00EUR' };
  const { payment } = await patiently(network, () =>
    network.station().post<{ payment: string }>('/purchases', { ...order, password: network.password }),
  );
  const some = (share: number) => (now: DeliveryView) =>
    (partOf(now).fetchedBytes ?? 0) > share * (partOf(now).totalBytes ?? Number.POSITIVE_INFINITY);
  await until(payment, some(0.2));
  await network.end('customer', 'SIGKILL');
  await until(payment, some(0.4));
  await Promise.all([network.end('atlas', 'SIGKILL'), network.end('north', 'SIGKILL')]);
  await until(payment, some(0.7));
  await network.end('customer', 'SIGKILL');
  // Killed, the station has forgotten the password, and says so: the wallet is opened for this payment once more.
  expect((await until(payment, ({ locked }) => locked === true)).phase).not.toBe('paid');
  await patiently(network, () =>
    network.station().post(`/payments/${payment}/approve`, { password: network.password }),
  );

  const done = await until(payment, (now) => partOf(now).phase === 'delivered');
  expect(done.locked).toBeUndefined();
  expect(sha256Of(partOf(done).file!)).toBe(partOf(done).sha256);
  const after = await restingBooks(network);
  expect(before.card - after.card).toBe(minorOf('2.00'));
  expect(after.merchant - before.merchant).toBe(minorOf('2.00'));
  // What was here was not fetched again: each break costs at most what was on its way.
  expect(gave.bytes).toBeLessThan(1.5 * SIZE);
}, 180_000);
