/** A client that knows the "Payment" scheme and nothing of deposits, with the method plugged in. */
import { afterEach, expect, test } from 'vitest';
import type { SpendingLimits } from '../../../src/deposit/customer-http/accept-offer.ts';
import { createGenericMethod, type GenericMethod } from '../../../src/deposit/customer-http/generic-method.ts';
import { type ChargedServer, startCharged } from '../merchant-http/charged-server.ts';

let server: ChargedServer;
afterEach(() => server.close());

/** What such clients do: read the parameters, decode the request, ask the method of that name, send the request again. */
async function genericFetch(method: GenericMethod, url: string): Promise<Response> {
  const first = await fetch(url);
  const field = first.headers.get('www-authenticate') ?? '';
  const parameters = Object.fromEntries(
    [...field.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  if (first.status !== 402 || parameters.method !== method.name || parameters.intent !== method.intent) return first;
  const request = JSON.parse(Buffer.from(parameters.request!, 'base64url').toString());
  const challenge = { ...parameters, request, notes: 'its own' } as never;
  const credential = await method.createCredential({ challenge });
  const response = await fetch(url, { headers: { authorization: credential } });
  await method.settle(credential, response);
  return response;
}

async function start(limits: SpendingLimits = { maxPrices: ['0.01 EUR'] }) {
  server = await startCharged('node', { options: { price: '0.0004 EUR', description: 'The weather' } });
  const { ends, clock } = server;
  return { ...server, method: createGenericMethod({ spender: ends.spender, limits, clock }) };
}

test('it pays, and the spender hears of it', async () => {
  const { url, method, ends } = await start();
  for (let n = 1; n <= 3; n++) expect((await genericFetch(method, `${url}/weather?n=${n}`)).status).toBe(200);
  expect(ends.told).toEqual([
    ['paid', 1],
    ['paid', 2],
    ['paid', 3],
  ]);
  expect(ends.earned()).toBe(12);
});

test('it keeps the limits, and pays nothing that is old', async () => {
  const { url, method, ends, clock } = await start({ maxPrices: ['0.0003 EUR'] });
  await expect(genericFetch(method, url)).rejects.toThrow('bakery asks 0.0004 EUR, more than 0.0003 EUR');
  clock.nowIs -= 10 * 60_000;
  const { headers } = await fetch(url);
  clock.nowIs += 20 * 60_000;
  const parameters = Object.fromEntries(
    [...headers.get('www-authenticate')!.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  await expect(method.createCredential({ challenge: parameters as never })).rejects.toThrow('expired');
  expect(ends.offers).toEqual([]);
});

test('what is refused, and what is never answered, is told apart', async () => {
  const { url, method, ends } = await start();
  await genericFetch(method, url);
  ends.close();
  expect((await genericFetch(method, url)).status).toBe(402);
  expect(ends.told.at(-1)).toEqual(['refused', 2, 'DEPOSIT_CLOSED']);
  const { headers } = await fetch(url);
  const parameters = Object.fromEntries(
    [...headers.get('www-authenticate')!.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  const credential = await method.createCredential({ challenge: parameters as never });
  await method.settle(credential, undefined);
  await method.settle(credential, undefined);
  expect(ends.told.slice(2)).toEqual([['unknown', 1]]);
});
