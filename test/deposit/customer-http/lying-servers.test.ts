/** Servers that answer payments with whatever might hurt whoever asked. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { dialStream } from '../../../src/deposit/customer-http/dial-stream.ts';
import { createPayingFetch } from '../../../src/deposit/customer-http/paying-fetch.ts';
import { type ChargedServer, startCharged } from '../merchant-http/charged-server.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Passes on the challenges of a real server as its own, and answers payments itself. */
async function startLiar(answer: (res: ServerResponse) => void) {
  let charged: ChargedServer | undefined;
  const server = createServer(async (req, res) => {
    if (req.headers.authorization !== undefined) return answer(res);
    const refused = await fetch(`${charged!.url}${req.url}`);
    const challenge = refused.headers.get('www-authenticate')!;
    res.writeHead(402, { 'www-authenticate': challenge }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const realm = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  charged = await startCharged('node', { setup: { realm } });
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  }, charged.close);
  const { ends, clock } = charged;
  const payingFetch = createPayingFetch({ spender: ends.spender, clock, limits: { maxPrices: ['0.01 EUR'] } });
  const ask = () => Promise.race([payingFetch(`http://${realm}/weather`), pause(6000, undefined, { ref: false })]);
  return { ends, ask };
}

const PROBLEM = { 'content-type': 'application/problem+json' };

test('a refusal without an end is not read to its end', { timeout: 10_000 }, async () => {
  let written = 0;
  const { ask, ends } = await startLiar((res) => {
    res.writeHead(403, PROBLEM).write('{"type":"');
    const more = () => {
      while (!res.destroyed && written < 2e8 && res.write('x'.repeat(65_536))) written += 65_536;
    };
    res.on('drain', more);
    more();
  });
  const response = await ask();
  expect(response?.status).toBe(403);
  await response?.body?.cancel();
  expect(ends.told).toEqual([['refused', 1, 'NOT_TAKEN']]);
  expect(written).toBeLessThan(4_000_000);
});

test('a refusal that comes byte by byte does not keep the customer', { timeout: 10_000 }, async () => {
  const { ask } = await startLiar((res) => {
    res.writeHead(403, PROBLEM);
    const drip = setInterval(() => res.write(' '), 50);
    res.once('close', () => clearInterval(drip));
  });
  const response = await ask();
  expect(response?.status).toBe(403);
  await response?.body?.cancel();
});

test.each([
  ['body', '\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\n.\r\n'],
  ['head', '\r\nx-head: ', '.'],
])('nor does a %s to whoever asks for a stream', async (_, begun, more) => {
  const server = createServer();
  server.on('upgrade', (_, socket) => {
    socket.write(`HTTP/1.1 403 Forbidden${begun}`);
    const drip = setInterval(() => socket.write(more), 50);
    socket.on('error', () => {}).once('close', () => clearInterval(drip));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  closing.push(() => void server.close());
  const url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const dialled = dialStream(url, { headers: new Headers(), timeoutMs: 300 });
  const ended = dialled.then(
    () => 'answered',
    () => 'given up',
  );
  expect(await Promise.race([ended, pause(3000, 'still reading', { ref: false })])).toBe('given up');
});
