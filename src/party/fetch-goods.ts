/**
 * Fetches what was bought: streamed to disk, resumed where a connection broke, and put under its name only when its digest is
 * the one both agents signed. The order's XID, which only wallet, merchant and gateway know, shows who paid.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { toHex } from '../codec/hex.ts';
import { HandselError } from '../handsel-error.ts';
import type { Client } from '../transport/client.ts';

export interface GoodsOrder {
  /** The merchant's base URL. */
  readonly merchantUrl: string;
  /** LID-M, hexadecimal. */
  readonly orderId: string;
  /** XID of the SET transaction that paid. */
  readonly xid: Uint8Array;
  /** The agreed digest, 32 bytes. */
  readonly sha256: Uint8Array;
  /** Which of the order's items, from 0 on. */
  readonly index: number;
  /** The item's name at the merchant. */
  readonly sku: string;
  readonly mediaType: string;
}

export class GoodsError extends HandselError {}

const ENDINGS: Readonly<Record<string, string>> = {
  'application/json': '.json',
  'application/geo+json': '.geojson',
  'text/csv': '.csv',
  'text/plain': '.txt',
  'text/tab-separated-values': '.tsv',
};

/** A file name of our own making from the merchant's words: no folders, no hidden files, bounded. */
export function fileNameOf({ sku, mediaType }: { readonly sku: string; readonly mediaType: string }): string {
  const plain = sku
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^\.+/, '')
    .slice(0, 64);
  return `${plain === '' ? 'goods' : plain}${ENDINGS[mediaType] ?? ''}`;
}

async function sha256OfFile(file: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(file)) digest.update(chunk as Uint8Array);
  return digest.digest('hex');
}

/**
 * The path of the finished file; calling again after a crash goes on, or finds it done.
 * @throws GoodsError `GOODS_REFUSED` or `GOODS_WRONG` (what came is not what was agreed), or TransportError to try later.
 */
export async function fetchGoods(client: Client, order: GoodsOrder, directory: string): Promise<string> {
  const file = join(directory, fileNameOf(order));
  const expected = toHex(order.sha256);
  if (existsSync(file) && (await sha256OfFile(file)) === expected) return file;

  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const partial = join(directory, `.${order.orderId}-${order.index}.part`);
  const have = existsSync(partial) ? statSync(partial).size : 0;
  const url = `${order.merchantUrl}/goods/${order.orderId}/${order.index}?xid=${toHex(order.xid)}`;
  const { status, stream } = await client.download(url, have > 0 ? { from: have } : {});
  if (status !== 200 && status !== 206) {
    stream.destroy();
    if (status === 416) rmSync(partial);
    const code = status >= 500 || status === 416 ? 'GOODS_NOT_READY' : 'GOODS_REFUSED';
    throw new GoodsError(code, `the merchant answered with status ${status}`);
  }
  await pipeline(stream, createWriteStream(partial, { flags: status === 206 ? 'a' : 'w', mode: 0o600 }));

  const digest = await sha256OfFile(partial);
  if (digest !== expected) {
    rmSync(partial);
    throw new GoodsError('GOODS_WRONG', `the goods have digest ${digest}, agreed was ${expected}`);
  }
  renameSync(partial, file);
  return file;
}
