/** Downloads from real web servers, good, bad and dying: what is right is kept, what is wrong is named, nothing else is believed. */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemRandom } from '../../../src/crypto/random.ts';
import { fetchPackage, type PackageToFetch, recheckPackage } from '../../../src/delivery/package/fetch-package.ts';
import { layoutOf, segmentSpan } from '../../../src/delivery/package/layout.ts';
import type { FetchRange } from '../../../src/delivery/package/ranges.ts';
import { servePackage } from '../../../src/delivery/sender/serve-package.ts';
import { createClient } from '../../../src/transport/client.ts';
import { silentLog } from '../../../src/transport/log.ts';
import { serve } from '../../../src/transport/server.ts';
import { type MadePackage, makePackage, newFolder } from './package-fixture.ts';

const { folder, remove } = newFolder();
const client = createClient({ name: 'tester', limits: { maxBytes: 1000, timeoutMs: 5000 } });
const servers: Server[] = [];
let made: MadePackage;
let file: Buffer;
let layout: ReturnType<typeof layoutOf>;
const target = join(folder, 'bought', 'fetched.package');

beforeAll(async () => {
  made = await makePackage(folder, systemRandom(40_000), { segmentLength: 1000 });
  file = readFileSync(made.file);
  layout = layoutOf(made.bytes, made.manifest);
});
afterEach(() => {
  rmSync(target, { force: true });
  rmSync(`${target}.part`, { force: true });
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => {
  client.close();
  remove();
});

const fetch: FetchRange = (url, { start, end }, signal) => client.download(url, { from: start, to: end - 1 }, signal);

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/package`;
}

function wanted(urls: readonly string[], changes: Partial<PackageToFetch> = {}): PackageToFetch {
  const { bytes, manifest } = made;
  const signal = new AbortController().signal;
  return { ...{ urls, bytes, manifest, target, fetch, signal, pauseMs: 1, stalledMs: 300 }, ...changes };
}

interface Asked {
  readonly start: number;
  readonly end: number;
}

function rangeOf(request: IncomingMessage): Asked {
  const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  return { start: Number(start), end: Number(last) + 1 };
}

/** A server that knows ranges, of these bytes; `during` may spoil each answer. */
function ranged(
  bytes: Uint8Array,
  during?: (asked: Asked, response: ServerResponse, part: Buffer) => boolean,
): RequestListener {
  return (request, response) => {
    const asked = rangeOf(request);
    const part = Buffer.from(bytes.subarray(asked.start, asked.end));
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${asked.start}-${asked.start + part.length - 1}/${bytes.length}`);
    if (during?.(asked, response, part)) return;
    response.setHeader('content-length', part.length);
    response.end(part);
  };
}

async function expectWhole(urls: readonly string[], changes: Partial<PackageToFetch> = {}) {
  expect(await fetchPackage(wanted(urls, changes))).toEqual({ outcome: 'whole' });
  expect(readFileSync(target).equals(file)).toBe(true);
  expect(existsSync(`${target}.part`)).toBe(false);
}

describe('a package is fetched whole', () => {
  test('from the merchant’s own server', async () => {
    const server = await serve({
      routes: { 'GET /package': (request) => servePackage(request, { file: made.file, package: 'aa' }) },
      ...{ listen: { host: '127.0.0.1', port: 0 }, log: silentLog() },
      limits: { maxBytes: 1000, timeoutMs: 5000, perPeerPerSecond: 1000, burst: 1000 },
    });
    await expectWhole([`${server.url}/package`]);
    await server.close(0);
  });

  test('from a server that knows no ranges, and sends everything each time', async () => {
    let sent = 0;
    const url = await listen((_, response) => {
      sent++;
      response.setHeader('content-length', file.length);
      response.end(file);
    });
    await expectWhole([url]);
    expect(sent).toBe(2);
  });

  test('from a server that does not say how long it is', async () => {
    const url = await listen((_, response) => {
      response.write(file.subarray(0, 3000));
      response.end(file.subarray(3000));
    });
    await expectWhole([url]);
  });

  test('in any number of pieces, when the connection breaks again and again', async () => {
    let connections = 0;
    const url = await listen(
      ranged(file, (asked, response, part) => {
        connections++;
        if (asked.start === 0) return false;
        response.setHeader('content-length', part.length);
        response.write(part.subarray(0, 7000), () => response.destroy());
        return true;
      }),
    );
    await expectWhole([url]);
    expect(connections).toBeGreaterThan(5);
  });

  test('after being killed half-way, without asking again for what is here', async () => {
    const killed = new AbortController();
    const asked: Asked[] = [];
    const url = await listen(
      ranged(file, (range, response, part) => {
        asked.push(range);
        if (range.start === 0 || asked.length > 2) return false;
        response.setHeader('content-length', part.length);
        response.write(part.subarray(0, 20_500));
        setTimeout(() => killed.abort(new Error('killed')), 50);
        return true;
      }),
    );
    await expect(fetchPackage(wanted([url], { signal: killed.signal }))).rejects.toThrow('killed');
    expect(existsSync(target)).toBe(false);
    await expectWhole([url]);
    // Head and digests were kept; of the segments only those that had not been finished are asked for.
    expect(asked).toHaveLength(3);
    expect(asked[2]!.start).toBe(segmentSpan(20, made.manifest, layout).start);
  });

  test('with a partial file that was damaged meanwhile: exactly that is fetched again', async () => {
    const partial = Buffer.from(file);
    for (const number of [3, 4, 30]) partial[segmentSpan(number, made.manifest, layout).start + 5]! ^= 1;
    writeFileSync(`${target}.part`, partial);
    const asked: Asked[] = [];
    const url = await listen(
      ranged(file, (range) => {
        asked.push(range);
        return false;
      }),
    );
    await expectWhole([url]);
    expect(asked).toEqual([
      { start: segmentSpan(3, made.manifest, layout).start, end: segmentSpan(4, made.manifest, layout).end },
      segmentSpan(30, made.manifest, layout),
    ]);
  });

  test('though the partial file is garbage, or longer than the package', async () => {
    writeFileSync(`${target}.part`, systemRandom(file.length + 10_000));
    await expectWhole([await listen(ranged(file))]);
    expect(statSync(target).size).toBe(file.length);
  });

  test('though a cache serves some segments wrong: the next address has them right', async () => {
    const spoiled = Buffer.from(file);
    for (const number of [0, 17, 39]) spoiled[segmentSpan(number, made.manifest, layout).start]! ^= 0xff;
    const asked: Asked[] = [];
    const good = ranged(file, (range) => {
      asked.push(range);
      return false;
    });
    await expectWhole([await listen(ranged(spoiled)), await listen(good)]);
    expect(asked).toEqual([0, 17, 39].map((number) => segmentSpan(number, made.manifest, layout)));
  });

  test('though the first address is away, refuses, errs, stalls, or has another file', async () => {
    const away = await listen(() => {});
    servers.pop()!.close();
    const status = (code: number) => listen((_, response) => response.writeHead(code).end());
    const stalled = await listen((_, response) => void response.writeHead(206).flushHeaders());
    const good = await listen(ranged(file));
    for (const bad of [away, await status(404), await status(403), await status(500), await status(416), stalled]) {
      await expectWhole([bad, good], { tries: 2 });
      rmSync(target);
    }
  });

  test('once: what is here is not fetched again, and is fetched again when it was damaged', async () => {
    const url = await listen(ranged(file));
    await expectWhole([url]);
    expect(await fetchPackage(wanted([]))).toEqual({ outcome: 'whole' });
    expect(await recheckPackage(wanted([]))).toBe(true);
    const damaged = Buffer.from(file);
    damaged[damaged.length - 1]! ^= 1;
    writeFileSync(target, damaged);
    expect(await recheckPackage(wanted([]))).toBe(false);
    await expectWhole([url]);
  });
});

describe('what is wrong is named', () => {
  const faulty = (fault: string, segments: readonly { first: number; last: number }[] = []) => ({
    outcome: 'faulty',
    fault,
    segments,
  });

  test('segment by segment, when a cache serves them wrong', async () => {
    const spoiled = Buffer.from(file);
    for (const number of [5, 6, 20]) spoiled[segmentSpan(number, made.manifest, layout).end - 1]! ^= 1;
    const fetched = await fetchPackage(wanted([await listen(ranged(spoiled))]));
    expect(fetched).toEqual(
      faulty('segments', [
        { first: 5, last: 6 },
        { first: 20, last: 20 },
      ]),
    );
    expect(existsSync(target)).toBe(false);
    // The rest is kept: only these are asked for when it is sent again.
    const asked: Asked[] = [];
    await expectWhole([
      await listen(
        ranged(file, (range) => {
          asked.push(range);
          return false;
        }),
      ),
    ]);
    expect(asked).toHaveLength(2);
  });

  test('as the whole, when more is wrong than can be listed', async () => {
    const long = await makePackage(folder, systemRandom(64 * 300), { segmentLength: 64, name: 'long' });
    const bytes = readFileSync(long.file);
    const places = layoutOf(long.bytes, long.manifest);
    for (let number = 0; number < 300; number += 2) bytes[segmentSpan(number, long.manifest, places).start]! ^= 1;
    const asked = { ...wanted([await listen(ranged(bytes))]), ...long, target: join(folder, 'long.fetched') };
    expect(await fetchPackage(asked)).toEqual(faulty('segments'));
  });

  test('as cut off, when the end is missing', async () => {
    const cut = file.subarray(0, segmentSpan(38, made.manifest, layout).end + 10);
    const url = await listen((request, response) => {
      const { start, end } = rangeOf(request);
      const part = cut.subarray(start, end);
      response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${file.length}` });
      response.end(part);
    });
    expect(await fetchPackage(wanted([url]))).toEqual(faulty('unreachable', [{ first: 39, last: 39 }]));
  });

  test('as another package, when head, digests, size or encoding are others', async () => {
    const other = await makePackage(folder, systemRandom(40_000), { segmentLength: 1000, name: 'other' });
    const swapped = readFileSync(other.file);
    const wrongDigests = Buffer.from(file);
    wrongDigests[layout.digests.start]! ^= 1;
    const zipped: RequestListener = (_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(file));
    };
    const liars: readonly RequestListener[] = [
      ranged(swapped),
      ranged(wrongDigests),
      ranged(Buffer.concat([file, file])),
      ranged(file.subarray(0, 20_000)),
      (_, response) =>
        void response.writeHead(200, { 'content-length': file.length + 1 }).end(Buffer.concat([file, file])),
      (_, response) => void response.writeHead(200, { 'content-length': 10 }).end(file.subarray(0, 10)),
      zipped,
    ];
    for (const liar of liars) {
      expect(await fetchPackage(wanted([await listen(liar)]))).toEqual(faulty('package'));
      expect(existsSync(target)).toBe(false);
    }
  });

  test('as unreachable, when nobody answers, nothing comes, or another range than was asked for', async () => {
    const silent = await listen((_, response) => void response.writeHead(206).flushHeaders());
    const shifted = await listen((request, response) => {
      const { start, end } = rangeOf(request);
      response
        .writeHead(206, { 'content-range': `bytes ${start + 1}-${end}/${file.length}` })
        .end(file.subarray(start + 1, end + 1));
    });
    expect(await fetchPackage(wanted([silent], { tries: 1 }))).toEqual(faulty('unreachable'));
    expect(await fetchPackage(wanted([shifted]))).toEqual(faulty('unreachable'));
    expect(await fetchPackage(wanted([]))).toEqual(faulty('unreachable'));
  });

  test('and more than was asked for is not taken, however much comes', async () => {
    let sent = 0;
    const url = await listen((request, response) => {
      const { start, end } = rangeOf(request);
      response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${file.length}` });
      response.write(file.subarray(start, end));
      const flood = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
        if (!response.destroyed) response.once('drain', flood);
      };
      flood();
    });
    await expectWhole([url]);
    expect(statSync(target).size).toBe(file.length);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test('a disk that takes no more is nobody else’s fault', async () => {
    const url = await listen(ranged(file));
    const stored = fetchPackage(wanted([url], { target: join(made.file, 'below-a-file', 'x') }));
    await expect(stored).rejects.toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
  });
});
