import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { fromUtf8, utf8 } from '../../src/codec/hex.ts';
import { silentLog } from '../../src/transport/log.ts';
import type { Handler } from '../../src/transport/route.ts';
import { type RunningServer, serve } from '../../src/transport/server.ts';
import type { TracedMessage } from '../../src/transport/trace.ts';
import { createWebFetch } from '../../src/transport/web-fetch.ts';
import { createAuthority, type TestAuthority } from './openssl-certificates.ts';

let agency: TestAuthority;
let stranger: TestAuthority;
const closers: (() => unknown)[] = [];

beforeAll(() => {
  agency = createAuthority('Agency');
  stranger = createAuthority('Stranger');
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => {
  agency.remove();
  stranger.remove();
});

const echo: Handler = async ({ peer, body, header, target }) => ({
  contentType: 'text/plain',
  headers: { 'x-seen': header('x-own') ?? '' },
  body: utf8(`${peer?.subject ?? 'nobody'} ${target} ${fromUtf8(body)}`),
});

async function start(port = 0): Promise<RunningServer> {
  const server = await serve({
    routes: { 'GET /echo': echo, 'POST /echo': echo },
    listen: { host: '127.0.0.1', port },
    tls: { ...agency.issue('/C=NL/O=Shop/CN=merchant'), anchorsPem: agency.anchorsPem, requireClient: false },
    limits: { maxBytes: 10_000, timeoutMs: 2000, perPeerPerSecond: 1000, burst: 1000 },
    log: silentLog(),
  });
  closers.push(() => server.close(0));
  return server;
}

function fetchWith(more: Partial<Parameters<typeof createWebFetch>[0]> = {}) {
  const web = createWebFetch({ anchorsPem: agency.anchorsPem, timeoutMs: 2000, maxBytes: 1000, ...more });
  closers.push(() => web.close());
  return web.fetch;
}

test('a server under our own anchors is asked, and sees no certificate of ours', async () => {
  const { url } = await start();
  const answer = await fetchWith()(`${url}/echo?a=1`, { method: 'POST', body: 'hello', headers: { 'x-own': 'yes' } });
  expect([answer.status, answer.headers.get('x-seen')]).toEqual([200, 'yes']);
  expect(await answer.text()).toBe('nobody /echo?a=1 hello');
});

test('a server under anchors nobody trusts is not', async () => {
  const { url } = await start();
  const asked = fetchWith({ anchorsPem: stranger.anchorsPem })(`${url}/echo`);
  await expect(asked).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
});

test('an answer above the bound is refused, and so is one that does not come in time', async () => {
  const { url } = await start();
  const long = fetchWith()(`${url}/echo`, { method: 'POST', body: 'x'.repeat(2000) });
  await expect(long).rejects.toMatchObject({ code: 'ANSWER_TOO_LARGE' });
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  closers.push(
    () => silent.closeAllConnections(),
    () => silent.close(),
  );
  const { port } = silent.address() as AddressInfo;
  const never = fetchWith({ timeoutMs: 100 })(`http://127.0.0.1:${port}/`);
  await expect(never).rejects.toMatchObject({
    code: 'PEER_UNREACHABLE',
    message: expect.stringContaining('in time'),
  });
});

test('why nobody answered is said', async () => {
  const { url } = await start();
  const why = (address: string) =>
    fetchWith()(address).then(
      () => 'answered',
      (error: Error) => error.message,
    );
  expect(await why(url.replace('https:', 'http:'))).toContain('is its URL one with https?');
  expect(await why('http://127.0.0.1:1/')).toContain('nobody listens there');
  const rude = createTcpServer((socket) => socket.on('error', () => {}).end('hello\r\n\r\n'));
  await new Promise<void>((resolve) => rude.listen(0, '127.0.0.1', resolve));
  closers.push(() => rude.close());
  const { port } = rude.address() as AddressInfo;
  expect(await why(`http://127.0.0.1:${port}/`)).toContain('what it answered is no HTTP');
  expect(await why(`https://127.0.0.1:${port}/`)).toContain('is its URL one with http?');
});

test('a kept connection to a server that was started anew does not fail what can be asked again', async () => {
  const first = await start();
  const ask = fetchWith();
  expect((await ask(`${first.url}/echo`)).status).toBe(200);
  await first.close(0);
  const second = await start(first.port);
  expect((await ask(`${second.url}/echo`)).status).toBe(200);
});

test('redirects are given as they are', async () => {
  const server = createServer((_, response) => response.writeHead(302, { location: 'https://elsewhere.test/' }).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const answer = await fetchWith()(`http://127.0.0.1:${port}/`);
  expect([answer.status, answer.headers.get('location')]).toEqual([302, 'https://elsewhere.test/']);
});

test('requests and answers are traced as they crossed the wire', async () => {
  const { url } = await start();
  const messages: TracedMessage[] = [];
  const trace = {
    tracer: { record: (one: TracedMessage) => void messages.push(one) },
    name: 'me',
    nameOf: () => 'shop',
  };
  await fetchWith({ trace })(`${url}/echo?q=1`, { method: 'POST', body: 'hello', headers: { 'x-own': 'yes' } });
  expect(messages.map(({ from, to, kind }) => `${from} → ${to} ${kind}`)).toEqual([
    'me → shop http-request',
    'shop → me http-answer',
  ]);
  const [request = '', answer = ''] = messages.map(({ bytes }) => fromUtf8(bytes));
  const [head = [], body] = [request.split('\r\n\r\n')[0]?.split('\r\n'), request.split('\r\n\r\n')[1]];
  expect([head[0], head.includes('x-own: yes'), body]).toEqual(['POST /echo?q=1', true, 'hello']);
  expect([answer.slice(0, 5), answer.split('\r\n\r\n')[1]]).toEqual(['200\r\n', 'nobody /echo?q=1 hello']);
});
