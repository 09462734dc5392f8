import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { fromUtf8, utf8 } from '../../src/codec/hex.ts';
import { HandselError } from '../../src/handsel-error.ts';
import { downloadHead, requestedRange } from '../../src/transport/byte-range.ts';
import { type Client, createClient } from '../../src/transport/client.ts';
import { silentLog } from '../../src/transport/log.ts';
import type { Routes } from '../../src/transport/route.ts';
import { type RunningServer, type ServerLimits, serve } from '../../src/transport/server.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const GENEROUS = { maxBytes: 1000, timeoutMs: 5000, perPeerPerSecond: 10_000, burst: 10_000 };
const GOODS = utf8('0123456789');

const routes: Routes = {
  'POST /echo': async ({ body }) => ({ contentType: 'text/plain', body }),
  'GET /hello/:name': async ({ params, query }) => ({
    contentType: 'text/plain',
    body: utf8(`${params.name} ${query.get('how') ?? ''}`),
  }),
  'POST /wrong': async () => {
    throw new HandselError('MANDATE_EXCEEDED', 'more than the mandate allows');
  },
  'POST /broken': async () => {
    throw new Error('the password is hunter2');
  },
  'GET /goods': async ({ header }) => {
    const range = requestedRange(header('range'), GOODS.length);
    const part = range === undefined ? GOODS : GOODS.subarray(range.start, range.end + 1);
    return { contentType: 'text/plain', body: Readable.from([part]), ...downloadHead(range, GOODS.length) };
  },
};

async function start(limits: Partial<ServerLimits> = {}, more: Routes = {}): Promise<RunningServer> {
  const server = await serve({
    routes: { ...routes, ...more },
    listen: { host: '127.0.0.1', port: 0 },
    limits: { ...GENEROUS, ...limits },
    log: silentLog(),
    monotonicMs: () => 0,
  });
  closers.push(() => server.close(0));
  return server;
}

function newClient(limits: { maxBytes?: number; timeoutMs?: number } = {}): Client {
  const client = createClient({ name: 'tester', limits: { maxBytes: 10_000, timeoutMs: 5000, ...limits } });
  closers.push(() => client.close());
  return client;
}

const message = (body: Uint8Array) => ({ kind: 'Test', contentType: 'text/plain', extension: 'txt', body });

/** What comes back on a plain socket until the server closes it. */
function raw(server: RunningServer, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (data) => {
      heard += data;
    });
    socket.on('close', () => resolve(heard));
    socket.on('error', reject);
  });
}

describe('the server', () => {
  test('answers bytes with bytes, and reads path parameters and queries', async () => {
    const server = await start();
    const client = newClient();
    const answer = await client.post(`${server.url}/echo`, message(utf8('ding')));
    expect([answer.status, answer.contentType, fromUtf8(answer.body)]).toEqual([200, 'text/plain', 'ding']);
    expect(fromUtf8((await client.get(`${server.url}/hello/J%C3%B6rg?how=well`)).body)).toBe('Jörg well');
  });

  test.each([
    ['an unknown path', 'GET', '/nothing', 404, 'ROUTE_UNKNOWN'],
    ['another method', 'GET', '/echo', 405, 'METHOD_NOT_ALLOWED'],
    ['a path that is not UTF-8', 'GET', '/hello/%ff', 400, 'REQUEST_MALFORMED'],
    ['a refusal of the protocol', 'POST', '/wrong', 400, 'MANDATE_EXCEEDED'],
    ['a defect, without its text', 'POST', '/broken', 500, 'INTERNAL'],
  ])('answers %s with problem details', async (_, method, path, status, code) => {
    const server = await start();
    const response = await fetch(server.url + path, { method, headers: { connection: 'close' } });
    const text = await response.text();
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.status).toBe(status);
    expect(JSON.parse(text)).toMatchObject({ type: `urn:handsel:problem:${code}`, status, code });
    expect(text).not.toContain('hunter2');
    if (status === 405) expect(response.headers.get('allow')).toBe('POST');
  });

  test.each([
    ['announced', 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n'],
    [
      'sent in chunks',
      `POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${`1f4\r\n${'x'.repeat(500)}\r\n`.repeat(3)}`,
    ],
  ])('refuses a body that is too large before it is read: %s', async (_, request) => {
    const server = await start();
    const heard = await raw(server, request);
    expect(heard).toMatch(/^HTTP\/1.1 413 /);
    expect(heard).toContain('BODY_TOO_LARGE');
  });

  test('takes a body of exactly the limit', async () => {
    const server = await start();
    expect((await newClient().post(`${server.url}/echo`, message(new Uint8Array(1000)))).status).toBe(200);
    expect((await newClient().post(`${server.url}/echo`, message(new Uint8Array(1001)))).status).toBe(413);
  });

  test.each([
    ['whose body trickles', 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc'],
    ['whose headers trickle', 'POST /echo HTTP/1.1\r\nhost: x\r\nx-slow: '],
  ])('cuts off a request %s', async (_, request) => {
    const server = await start({ timeoutMs: 100 });
    const heard = await raw(server, request);
    expect(heard).toMatch(/^HTTP\/1.1 408 /);
    expect(heard).toContain('REQUEST_TIMEOUT');
  });

  test.each([
    ['headers that are too large', `GET /hello/x HTTP/1.1\r\nhost: x\r\nx-big: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['what is not HTTP', 'hello?\r\n\r\n', 400],
    ['a target that is no path', 'GET http://[ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 400],
  ])('refuses %s', async (_, request, status) => {
    const server = await start();
    const heard = await raw(server, request);
    expect(heard).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(heard).toContain('application/problem+json');
  });

  test('lets each peer ask only so often', async () => {
    const server = await start({ perPeerPerSecond: 1, burst: 2 });
    const client = newClient();
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await client.get(`${server.url}/hello/x`)).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
    const response = await fetch(`${server.url}/hello/x`, { headers: { connection: 'close' } });
    expect(response.headers.get('retry-after')).toBe('1');
    await response.text();
  });

  test('accepts only so many connections', async () => {
    const server = await start({ maxConnections: 1, timeoutMs: 60_000 });
    const first = connect(server.port, '127.0.0.1');
    await new Promise((resolve) => first.once('connect', resolve));
    await expect(newClient().get(`${server.url}/hello/x`)).rejects.toThrow(
      expect.objectContaining({ code: 'PEER_UNREACHABLE' }),
    );
    first.destroy();
  });

  test('says "ask again" when the answer takes longer than the peer should wait', async () => {
    const never: Routes = { 'POST /never': () => new Promise(() => {}) };
    const server = await start({ timeoutMs: 50 }, never);
    const answer = await newClient().post(`${server.url}/never`, message(utf8('?')));
    expect(answer.status).toBe(503);
    expect(JSON.parse(fromUtf8(answer.body))).toMatchObject({ code: 'ANSWER_PENDING' });
  });

  test('tells the handler when the peer has gone', async () => {
    const seen = Promise.withResolvers<AbortSignal>();
    const waiting: Routes = {
      'POST /wait': ({ signal }) => {
        seen.resolve(signal);
        return new Promise(() => {});
      },
    };
    const server = await start({}, waiting);
    const leave = new AbortController();
    const asked = newClient().post(`${server.url}/wait`, message(utf8('?')), leave.signal);
    const signal = await seen.promise;
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
    leave.abort();
    await expect(asked).rejects.toThrow(expect.objectContaining({ code: 'PEER_UNREACHABLE' }));
    await aborted;
  });

  test('finishes running requests when it closes, and takes no new ones', async () => {
    const begun = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const slow: Routes = {
      'POST /slow': async ({ body }) => {
        begun.resolve();
        await go.promise;
        return { contentType: 'text/plain', body };
      },
    };
    const server = await start({}, slow);
    const asked = newClient().post(`${server.url}/slow`, message(utf8('done')));
    await begun.promise;
    const closed = server.close(60_000);
    await expect(newClient().get(`${server.url}/hello/x`)).rejects.toThrow(
      expect.objectContaining({ code: 'PEER_UNREACHABLE' }),
    );
    go.resolve();
    expect(fromUtf8((await asked).body)).toBe('done');
    await closed;
  });

  test('cuts what does not finish in time when it closes', async () => {
    const begun = Promise.withResolvers<void>();
    const stuck: Routes = {
      'POST /stuck': () => {
        begun.resolve();
        return new Promise(() => {});
      },
    };
    const server = await start({}, stuck);
    const asked = newClient().post(`${server.url}/stuck`, message(utf8('?')));
    const refused = expect(asked).rejects.toThrow(expect.objectContaining({ code: 'PEER_UNREACHABLE' }));
    await begun.promise;
    await server.close(10);
    await refused;
  });
});

describe('downloads', () => {
  test.each([
    [undefined, 200, '0123456789'],
    ['bytes=4-', 206, '456789'],
    ['bytes=2-4', 206, '234'],
    ['bytes=-3', 206, '789'],
    ['bytes=8-99', 206, '89'],
    ['bytes=0-1,4-5', 200, '0123456789'],
    ['items=0-1', 200, '0123456789'],
    ['bytes=4-2', 200, '0123456789'],
    ['bytes=10-', 416, ''],
    ['bytes=-0', 416, ''],
  ])('range %s gives %i', async (range, status, text) => {
    const server = await start();
    const headers: Record<string, string> = { connection: 'close', ...(range === undefined ? {} : { range }) };
    const response = await fetch(`${server.url}/goods`, { headers });
    const body = await response.text();
    expect(response.status).toBe(status);
    if (status === 416) expect(response.headers.get('content-range')).toBe('bytes */10');
    else expect(body).toBe(text);
  });

  test('go on where they stopped', async () => {
    const server = await start();
    const download = await newClient().download(`${server.url}/goods`, { from: 7 });
    expect(download.status).toBe(206);
    expect(Buffer.concat(await download.stream.toArray()).toString()).toBe('789');
  });
});

describe('the client', () => {
  test('uses a connection again', async () => {
    const ports = new Set<unknown>();
    const server = await start({ maxConnections: 1 });
    const client = newClient();
    for (let i = 0; i < 3; i++) ports.add((await client.get(`${server.url}/hello/x`)).status);
    expect([...ports]).toEqual([200]);
  });

  test('refuses an answer that is too large', async () => {
    const server = await start();
    const asked = newClient({ maxBytes: 5 }).post(`${server.url}/echo`, message(utf8('123456')));
    await expect(asked).rejects.toThrow(expect.objectContaining({ code: 'ANSWER_TOO_LARGE' }));
  });

  test('does not wait for ever', async () => {
    const never: Routes = { 'POST /never': () => new Promise(() => {}) };
    const server = await start({}, never);
    const asked = newClient({ timeoutMs: 50 }).post(`${server.url}/never`, message(utf8('?')));
    await expect(asked).rejects.toThrow(expect.objectContaining({ code: 'ANSWER_TIMEOUT' }));
  });

  test('does not follow redirects', async () => {
    const away: Routes = {
      'GET /away': async () => ({
        status: 302,
        contentType: 'text/plain',
        headers: { location: '/hello/x' },
        body: utf8(''),
      }),
    };
    const server = await start({}, away);
    expect((await newClient().get(`${server.url}/away`)).status).toBe(302);
  });
});
