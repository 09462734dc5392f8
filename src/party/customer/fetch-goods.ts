/**
 * Fetches what was bought: streamed to disk, resumed where a connection broke, and put under its name only when its digest is
 * the one both agents signed. The order's XID, which only wallet, merchant and gateway know, shows who paid.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Client } from '../../transport/client.ts';

export interface GoodsOrder {
  /** The merchant's base URL. */
  readonly merchantUrl: string;
  /** LID-M, hexadecimal. */
  readonly orderId: string;
  /** XID of the SET transaction that paid. */
  readonly xid: Uint8Array;
  /** The agreed digest, 32 bytes. */
  readonly sha256: Uint8Array;
  /** The agreed size: not a byte more is taken. */
  readonly sizeBytes: number;
  /** Which of the order's items, from 0 on. */
  readonly index: number;
  /** Of our own making, see `file-names.ts`. */
  readonly fileName: string;
}

export class GoodsError extends HandselError {}

/** A merchant that sends nothing for so long has gone away. */
const STALLED_MS = 30_000;
/** Refusals that say nothing about the goods. */
const AGAIN_LATER = new Set([408, 416, 425, 429]);

async function sha256OfFile(file: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(file)) digest.update(chunk as Uint8Array);
  return digest.digest('hex');
}

/**
 * The path of the finished file; calling again after a crash goes on, or finds it done. One call at a time for a file.
 * @throws GoodsError `GOODS_REFUSED`, `GOODS_WRONG` (what came is not what was agreed) or `GOODS_NOT_READY`, or TransportError:
 * both of these to try later.
 */
export async function fetchGoods(
  client: Client,
  order: GoodsOrder,
  directory: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<string> {
  const file = join(directory, order.fileName);
  const expected = toHex(order.sha256);
  if (existsSync(file) && (await sha256OfFile(file)) === expected) return file;

  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const partial = join(directory, `.${order.orderId}-${order.index}.part`);
  const have = existsSync(partial) ? statSync(partial).size : 0;
  await download(client, order, { partial, have }, signal);

  const digest = await sha256OfFile(partial);
  if (digest !== expected) {
    rmSync(partial);
    // What was there before may have been damaged: only what came in one piece is the merchant's doing.
    if (have > 0) throw new GoodsError('GOODS_NOT_READY', 'the resumed download is damaged and begins anew');
    throw new GoodsError('GOODS_WRONG', `the goods have digest ${digest}, agreed was ${expected}`);
  }
  renameSync(partial, file);
  return file;
}

async function download(
  client: Client,
  { merchantUrl, orderId, xid, index, sizeBytes }: GoodsOrder,
  { partial, have }: { readonly partial: string; readonly have: number },
  outer: AbortSignal,
): Promise<void> {
  const stalled = new AbortController();
  const watch = setTimeout(() => stalled.abort(), STALLED_MS);
  const signal = AbortSignal.any([outer, stalled.signal]);
  try {
    const url = `${merchantUrl}/goods/${orderId}/${index}?xid=${toHex(xid)}`;
    const { status, stream } = await client.download(url, have > 0 ? { from: have } : {}, signal);
    if (status !== 200 && status !== 206) {
      stream.destroy();
      if (status === 416) rmSync(partial, { force: true });
      const later = status >= 500 || AGAIN_LATER.has(status);
      throw new GoodsError(later ? 'GOODS_NOT_READY' : 'GOODS_REFUSED', `the merchant answered with status ${status}`);
    }
    let size = status === 206 ? have : 0;
    const atMostAgreed = async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        watch.refresh();
        size += chunk.length;
        if (size > sizeBytes) throw new GoodsError('GOODS_WRONG', `more than the agreed ${sizeBytes} bytes came`);
        yield chunk;
      }
    };
    const sink = createWriteStream(partial, { flags: status === 206 ? 'a' : 'w', mode: 0o600 });
    await pipeline(stream, atMostAgreed, sink, { signal });
  } catch (error) {
    if (error instanceof GoodsError && error.code === 'GOODS_WRONG') rmSync(partial, { force: true });
    throw error;
  } finally {
    clearTimeout(watch);
  }
}
