/**
 * Secure delivery (src/delivery): making and opening packages against nothing but AES-GCM with the same reads and writes, in turns; the
 * memory of it for a large file; and serving a package against the plainest static file server. Rates are measured on files in memory
 * (`/dev/shm`), where there is such a folder; the large file lies on the disk (`TMPDIR`), and `HANDSEL_BENCH_GB` changes its size (5).
 * Packages cost a SHA-256 beside the AES-GCM, which has another core to itself where one is free.
 */
import { execFile } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { contentOf } from '../src/delivery/package/content-digest.ts';
import { startChild } from './child.ts';
import type { Measurement } from './measurement.ts';

const MB = 1e6;
const IN_MEMORY = '/dev/shm';
/** Lies in the system's memory where that has a folder, so that the disk is not what is measured. */
const SMALL_BYTES = 256 * 1024 * 1024;
const LARGE_BYTES = Number(process.env.HANDSEL_BENCH_GB ?? 5) * 1e9;
const ROUNDS = 7;
/** Short, and at the mercy of two processes' turns. */
const DOWNLOADS = 41;
const CRYPTO_TARGET = 0.8;
const SERVE_TARGET = 0.95;
const MEMORY_TARGET_MB = 80;

interface Work {
  readonly seconds: number;
  readonly beforeMb: number;
  readonly peakMb: number;
}

export async function benchDelivery(): Promise<readonly Measurement[]> {
  const folders = [existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir(), tmpdir()].map((place) =>
    mkdtempSync(join(place, 'handsel-delivery-')),
  );
  const [quick, disk] = folders as [string, string];
  try {
    const file = (name: string) => join(quick, name);
    await fill(file('small'), SMALL_BYTES);
    await work('make', file('small'), file('package'));
    await work('bare-make', file('small'), file('bare'));
    await work('stream-make', file('small'), file('stream'));
    const making = await inTurns(
      () => rate(work('make', file('small'), file('made'))),
      () => rate(work('stream-make', file('small'), file('made'))),
    );
    const parallelMaking = await inTurns(
      () => rate(work('make', file('small'), file('made'))),
      () => rate(work('bare-make', file('small'), file('made'))),
    );
    const opening = await inTurns(
      () => rate(work('open', file('package'), file('opened'))),
      () => rate(work('stream-open', file('stream'), file('opened'))),
    );
    const parallelOpening = await inTurns(
      () => rate(work('open', file('package'), file('opened'))),
      () => rate(work('bare-open', file('bare'), file('opened'))),
    );
    const digestMb = await digestRate(file('small'));
    const serving = await benchServing(file('package'));
    for (const name of ['small', 'package', 'bare', 'stream', 'made', 'opened']) rmSync(file(name), { force: true });
    const memory = await benchLarge((name) => join(disk, name));
    return [
      ...compared('making a package', STREAMS, making, null),
      ...compared('opening a package', STREAMS, opening, null),
      ...compared('making a package', THREADS, parallelMaking, CRYPTO_TARGET),
      ...compared('opening a package', THREADS, parallelOpening, CRYPTO_TARGET),
      told('content digest of the description (SHA-256, read once before)', digestMb, 'MB/s'),
      ...compared('serving a package', 'a plain static file server', serving, SERVE_TARGET),
      ...memory,
    ];
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

const told = (name: string, value: number, unit: string): Measurement => ({
  ...{ name: `delivery: ${name}`, value, unit, better: 'higher', target: null, met: null },
});

interface Compared {
  readonly oursMb: number;
  readonly plainMb: number;
  readonly ratio: number;
}

const STREAMS = 'AES-GCM alone, file to file in Node’s streams';
const THREADS = 'AES-GCM alone, on as many threads';

function compared(
  what: string,
  against: string,
  { oursMb, plainMb, ratio }: Compared,
  target: number | null,
): Measurement[] {
  return [
    told(`${what} (beside ${against})`, oursMb, 'MB/s'),
    told(`${what}: ${against}`, plainMb, 'MB/s'),
    {
      ...{ name: `delivery: ${what}, of ${against}`, value: ratio, unit: 'of it', better: 'higher' },
      ...{ target, met: target === null ? null : ratio >= target },
    },
  ];
}

/**
 * One after the other, each round in the other order, so that both meet the same machine; the best of each: what other programs take away
 * is not theirs.
 */
async function inTurns(ours: () => Promise<number>, plain: () => Promise<number>, rounds = ROUNDS): Promise<Compared> {
  const rates = { ours: 0, plain: 0 };
  const measure = { ours, plain };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? (['ours', 'plain'] as const) : (['plain', 'ours'] as const);
    for (const which of order) rates[which] = Math.max(rates[which], await measure[which]());
  }
  return { oursMb: rates.ours, plainMb: rates.plain, ratio: rates.ours / rates.plain };
}

const rate = async (done: Promise<Work>) => SMALL_BYTES / MB / (await done).seconds;

async function work(act: string, source: string, target: string): Promise<Work> {
  const script = fileURLToPath(new URL('./delivery-process.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, act, source, target]);
  return JSON.parse(stdout) as Work;
}

async function digestRate(file: string): Promise<number> {
  const start = performance.now();
  await contentOf(file);
  return SMALL_BYTES / MB / ((performance.now() - start) / 1000);
}

/** Content that does not compress, and that costs little to make. */
async function fill(file: string, size: number): Promise<void> {
  const piece = Buffer.alloc(1024 * 1024);
  for (let at = 0; at < piece.length; at += 4) piece.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  const pieces = function* () {
    for (let at = 0; at < size; at += piece.length) yield piece.subarray(0, Math.min(piece.length, size - at));
  };
  await pipeline(pieces, createWriteStream(file));
}

async function benchServing(file: string): Promise<Compared> {
  const server = await startChild<{ readonly ours: string; readonly plain: string }>('./delivery-server.ts', [file]);
  try {
    await download(server.ready.plain);
    return await inTurns(
      () => download(server.ready.ours),
      () => download(server.ready.plain),
      DOWNLOADS,
    );
  } finally {
    await server.end();
  }
}

/** Megabytes a second, counted and thrown away. */
function download(url: string): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (answer) => {
      let size = 0;
      answer.on('data', (chunk: Uint8Array) => {
        size += chunk.length;
      });
      answer.once('end', () => resolve(size / MB / ((performance.now() - start) / 1000)));
      answer.once('error', reject);
    }).once('error', reject);
  });
}

async function benchLarge(file: (name: string) => string): Promise<readonly Measurement[]> {
  await fill(file('large'), LARGE_BYTES);
  const made = await work('make', file('large'), file('large-package'));
  rmSync(file('large'));
  const opened = await work('open', file('large-package'), file('large'));
  const gb = LARGE_BYTES / 1e9;
  const weighed = (what: string, { beforeMb, peakMb }: Work): Measurement[] => {
    const value = peakMb - beforeMb;
    const name = `delivery: memory of ${what} of ${gb} GB, over the process before it`;
    return [
      { name, value, unit: 'MB', better: 'lower', target: MEMORY_TARGET_MB, met: value <= MEMORY_TARGET_MB },
      { ...told(`memory of ${what} of ${gb} GB, the whole process`, peakMb, 'MB'), better: 'lower' },
    ];
  };
  return [
    ...weighed('making a package', made),
    ...weighed('opening a package', opened),
    told(`making a package of ${gb} GB, with the disk`, LARGE_BYTES / MB / made.seconds, 'MB/s'),
    told(`opening a package of ${gb} GB, with the disk`, LARGE_BYTES / MB / opened.seconds, 'MB/s'),
  ];
}
