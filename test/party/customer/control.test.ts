/** The loopback endpoint against others on the same machine: no secret, no answer; no proof, no password. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { stationClient } from '../../../src/cli/station-client.ts';
import { serveControl } from '../../../src/party/customer/control.ts';
import type { Station } from '../../../src/party/customer/station.ts';
import { silentLog } from '../../../src/transport/log.ts';
import { temporaryFolder } from '../network/network-fixture.ts';

const { folder: home, remove } = temporaryFolder();
afterAll(remove);
mkdirSync(join(home, 'customer'));
const file = join(home, 'customer', 'control.json');
const listen = { host: '127.0.0.1', port: 0 };
const passwords: string[] = [];
const station = {
  cards: () => [{ id: 'main' }],
  approve: async (_: string, password: string) => void passwords.push(password),
} as unknown as Station;
const options = { home };

test('whoever has the control file is served, and after the end there is no file', async () => {
  const control = await serveControl({ station, listen, file, log: silentLog() });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const client = stationClient(options);
  expect(await client.get('/wallet')).toEqual([{ id: 'main' }]);
  await client.post('/payments/p/approve', { password: 'secret' });
  expect(passwords).toEqual(['secret']);
  await control.close();
  expect(existsSync(file)).toBe(false);
  expect(() => stationClient(options)).toThrow(expect.objectContaining({ code: 'STATION_NOT_RUNNING' }));
});

test('without the secret there is no answer, nor a leave for the pages of other sites', async () => {
  const control = await serveControl({ station, listen, file, log: silentLog() });
  const { secret } = JSON.parse(readFileSync(file, 'utf8'));
  for (const authorization of [undefined, 'Bearer ', `Bearer ${'00'.repeat(32)}`, `Basic ${secret}`, secret]) {
    const headers = authorization === undefined ? {} : { authorization };
    const { status, headers: answered } = await fetch(`${control.url}/wallet`, { headers });
    expect(status).toBe(403);
    expect(answered.get('access-control-allow-origin')).toBeNull();
  }
  const preflight = {
    method: 'OPTIONS',
    headers: { origin: 'https://evil.test', 'access-control-request-method': 'POST' },
  };
  expect((await fetch(`${control.url}/agents`, preflight)).status).toBe(405);
  await control.close();
});

/** What a raw request is answered with, while its body is still held back. */
function statusBeforeBody(url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path: '/agents', method: 'POST', headers }, ({ statusCode }) => {
      resolve(statusCode);
      asked.destroy();
    });
    asked.on('error', reject);
    asked.write('{');
  });
}

test('whoever has no secret, or calls it by a name of somebody else’s, is refused before the body is read', async () => {
  const control = await serveControl({ station, listen, file, log: silentLog() });
  const { secret } = JSON.parse(readFileSync(file, 'utf8'));
  const authorization = `Bearer ${secret}`;
  const long = { 'content-length': '60000' };
  expect(await statusBeforeBody(control.url, long)).toBe(403);
  expect(await statusBeforeBody(control.url, { ...long, authorization, host: 'evil.test:80' })).toBe(403);
  for (const host of ['localhost.evil.test', '[::1', '10.0.0.1', 'user@evil.test']) {
    expect(await statusBeforeBody(control.url, { ...long, authorization, host }), host).toBe(403);
  }
  const { port } = new URL(control.url);
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, '[::1]', '127.0.0.9']) {
    const heard = new Promise<number | undefined>((resolve, reject) => {
      const path = '/wallet';
      const asked = request({ port, host: '127.0.0.1', path, headers: { host, authorization } }, ({ statusCode }) => {
        resolve(statusCode);
        asked.destroy();
      });
      asked.on('error', reject);
      asked.end();
    });
    expect(await heard, host).toBe(200);
  }
  await control.close();
});

test('a program that took the port of a dead station hears neither the secret nor a password', async () => {
  const heard: string[] = [];
  const squatter = createServer((request, response) => {
    request.on('data', (chunk) => heard.push(String(chunk)));
    heard.push(String(request.headers.authorization ?? ''));
    request.on('end', () => response.end(JSON.stringify({ proof: '00'.repeat(32) })));
  });
  await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
  const { port } = squatter.address() as AddressInfo;
  writeFileSync(file, JSON.stringify({ url: `http://127.0.0.1:${port}`, secret: 'ab'.repeat(32) }));
  const asked = stationClient(options).post('/payments/p/approve', { password: 'secret' });
  await expect(asked).rejects.toMatchObject({ code: 'STATION_NOT_RUNNING' });
  expect(heard.join('')).toBe('');
  squatter.close();
});

test('the endpoint listens on a loopback address or not at all', async () => {
  const exposed = serveControl({ station, listen: { host: '0.0.0.0', port: 0 }, file, log: silentLog() });
  await expect(exposed).rejects.toMatchObject({ code: 'CONTROL_EXPOSED' });
});

test('what is wrong with an order is said with what was expected, in words', async () => {
  const control = await serveControl({ station, listen, file, log: silentLog() });
  const client = stationClient(options);
  const order = { want: 'map', max: '5EUR', password: 'p' };
  const refused = async (path: string, body: object, detail: string) =>
    expect(client.post(path, body)).rejects.toMatchObject({ code: 'REQUEST_MALFORMED', message: detail });
  await refused('/agents', { ...order, byMs: 10 }, 'byMs: expected a whole number from 100 to 2592000000');
  await refused('/agents', { ...order, byMs: 'soon' }, 'byMs: expected a whole number from 100 to 2592000000');
  await refused(
    '/agents',
    { ...order, weights: { price: 1001 } },
    'weights.price: expected a whole number from 0 to 1000',
  );
  await refused('/agents', { ...order, want: 'a '.repeat(17) }, 'want: expected at most 16 words');
  await refused('/agents', { ...order, max: '5' }, 'max: expected an amount above zero such as 12.50EUR');
  const purchase = { sku: 'map', currency: 'EUR', max: '5EUR', password: 'p' };
  const url = "merchant: expected the merchant's URL, such as https://127.0.0.1:7405";
  await refused('/purchases', { ...purchase, merchant: 'atlas' }, url);
  const pieces = 'quantity: expected a whole number from 1 to 1000';
  await refused('/purchases', { ...purchase, merchant: 'https://ada.test', quantity: 1.5 }, pieces);
  await control.close();
});
