/** A merchant that lies with its goods, and lines that break: what the station writes to its disk is what was agreed, or nothing. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { utf8 } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { fetchGoods, type GoodsOrder } from '../../../src/party/customer/fetch-goods.ts';
import { fileNamesOf } from '../../../src/party/files/file-names.ts';
import type { Client, Download } from '../../../src/transport/client.ts';
import { temporaryFolder } from '../network/network-fixture.ts';

const goods = utf8('what was agreed');
const orderId = 'ab'.repeat(20);
const order: GoodsOrder = {
  ...{ merchantUrl: 'https://ada.test', orderId, xid: new Uint8Array(20), index: 0, fileName: 'goods.txt' },
  sha256: sha256(goods),
  sizeBytes: goods.length,
};
const partial = `.${orderId}-0.part`;

const { folder, remove } = temporaryFolder();
afterAll(remove);
let at = 0;
let directory: string;
beforeEach(() => {
  directory = join(folder, String(at++));
  mkdirSync(directory);
});

/** A merchant that answers each download in turn, and what it was asked for. */
function merchant(
  ...answers: readonly { readonly status: number; readonly body: Iterable<Uint8Array> | AsyncIterable<Uint8Array> }[]
) {
  const asked: (number | undefined)[] = [];
  const download = async (_url: string, { from }: { readonly from?: number } = {}, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    asked.push(from);
    const { status, body } = answers[asked.length - 1]!;
    const stream = body instanceof Readable ? body : Readable.from(body);
    return { status, contentType: '', headers: {}, stream } as unknown as Download;
  };
  return { client: { download } as unknown as Client, asked };
}

test('goods come under their name, and a broken download goes on where it stopped', async () => {
  writeFileSync(join(directory, partial), goods.subarray(0, 4));
  const { client, asked } = merchant({ status: 206, body: [goods.subarray(4)] });
  expect(readFileSync(await fetchGoods(client, order, directory))).toEqual(Buffer.from(goods));
  expect(asked).toEqual([4]);
});

test('an endless download is cut where it passes the agreed size, and nothing of it is kept', async () => {
  let sent = 0;
  const endless = async function* () {
    for (;;) {
      sent += 10;
      yield new Uint8Array(10);
    }
  };
  const { client } = merchant({ status: 200, body: endless() });
  await expect(fetchGoods(client, order, directory)).rejects.toMatchObject({ code: 'GOODS_WRONG' });
  expect(sent).toBeLessThan(1_000_000);
  expect(readdirSync(directory)).toEqual([]);
});

test('a resumed download of other bytes begins anew, and only a whole one can be the wrong goods', async () => {
  writeFileSync(join(directory, partial), utf8('lie '));
  const wrong = utf8('something else!');
  const { client, asked } = merchant(
    { status: 206, body: [goods.subarray(4)] },
    { status: 200, body: [wrong] },
    { status: 200, body: [goods] },
  );
  await expect(fetchGoods(client, order, directory)).rejects.toMatchObject({ code: 'GOODS_NOT_READY' });
  await expect(fetchGoods(client, order, directory)).rejects.toMatchObject({ code: 'GOODS_WRONG' });
  expect(readFileSync(await fetchGoods(client, order, directory))).toEqual(Buffer.from(goods));
  expect(asked).toEqual([4, undefined, undefined]);
});

test.each([
  [429, 'GOODS_NOT_READY'],
  [503, 'GOODS_NOT_READY'],
  [416, 'GOODS_NOT_READY'],
  [400, 'GOODS_REFUSED'],
])('status %i is %s', async (status, code) => {
  const { client } = merchant({ status, body: [] });
  await expect(fetchGoods(client, order, directory)).rejects.toMatchObject({ code });
});

test('a merchant that says nothing does not keep the station from stopping', async () => {
  const silent = new Readable({ read() {} });
  silent.push(goods.subarray(0, 1));
  const stop = new AbortController();
  const { client } = merchant({ status: 200, body: silent });
  const fetched = fetchGoods(client, order, directory, stop.signal);
  setTimeout(() => stop.abort(), 10);
  await expect(fetched).rejects.toMatchObject({ name: 'AbortError' });
});

test('file names stay in their folder, are not hidden, and no two goods of one order have the same', () => {
  const text = 'text/plain';
  expect(fileNamesOf([{ sku: '../../etc/passwd', mediaType: text }])).toEqual(['_.._etc_passwd.txt']);
  expect(fileNamesOf([{ sku: '...', mediaType: 'constructor' }])).toEqual(['goods']);
  const alike = ['a/b', 'a_b', 'A_B', 'a_b (2)'].map((sku) => ({ sku, mediaType: text }));
  expect(fileNamesOf(alike)).toEqual(['a_b.txt', 'a_b (2).txt', 'A_B (3).txt', 'a_b__2_.txt']);
});
