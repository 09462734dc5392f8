/** Paying and charging over real sockets: what is paid is served, once for each payment, and nothing else is. */
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { acceptOffer } from '../../../src/deposit/customer-http/accept-offer.ts';
import { createPayingFetch, type PayingFetchOptions } from '../../../src/deposit/customer-http/paying-fetch.ts';
import { DepositError } from '../../../src/deposit/message/deposit-error.ts';
import { parseChallenges } from '../../../src/deposit/message/payment-challenge.ts';
import { formatCredential, preemptiveChallenge } from '../../../src/deposit/message/payment-credential.ts';
import { contentDigest } from '../../../src/deposit/message/payment-offer.ts';
import { parseReceipt } from '../../../src/deposit/message/payment-receipt.ts';
import { type ChargedServer, type Face, type ServerOptions, startCharged } from '../merchant-http/charged-server.ts';

const open: ChargedServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function start(face: Face, options: ServerOptions = {}, paying: Partial<PayingFetchOptions> = {}) {
  const server = await startCharged(face, options);
  open.push(server);
  const { ends, clock } = server;
  let requests = 0;
  const counted: typeof fetch = (input, init) => {
    requests++;
    return fetch(input, init);
  };
  const payingFetch = createPayingFetch({
    ...{ spender: ends.spender, clock, fetch: counted, retryAfterMs: [5, 5, 5] },
    ...{ limits: { maxPrices: ['0.01 EUR'], merchants: ['bakery'] }, ...paying },
  });
  return { ...server, server, payingFetch, requests: () => requests };
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe.each(['node', 'hono', 'fetch'] as const)('served by %s', (face) => {
  test('a request is paid, served with a receipt, and costs exactly its price', async () => {
    const { url, payingFetch, ends, served } = await start(face);
    const response = await payingFetch(`${url}/weather?in=Reims`, { method: 'POST', body: 'sunny?' });
    expect([response.status, await response.text()]).toEqual([200, 'echo sunny?']);
    expect(ends.earned()).toBe(4);
    expect(ends.told).toEqual([['paid', 1]]);
    expect(served).toEqual([
      {
        ...{ method: 'POST', body: 'sunny?' },
        payment: { transaction: 'north.7.1', number: 1, units: 4, reference: 'north.7.1/1', repeated: false },
      },
    ]);
    expect(parseReceipt(response.headers.get('payment-receipt')!)).toMatchObject({
      transaction: 'north.7.1',
      number: 1,
    });
    expect(response.headers.get('deposit-purchase')).toBe('1');
    expect(response.headers.get('cache-control')).toBe('private');
  });

  test('once the price is known, a payment needs one request', async () => {
    const { url, payingFetch, ends, requests } = await start(face);
    for (let n = 1; n <= 5; n++) expect(await (await payingFetch(`${url}/weather?n=${n}`)).text()).toBe('echo ');
    expect(requests()).toBe(6);
    expect(ends.earned()).toBe(20);
  });

  test('nobody is served without paying, and no handler hears of it', async () => {
    const { url, served, ends } = await start(face);
    const response = await fetch(`${url}/weather`);
    expect(response.status).toBe(402);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toMatchObject({
      type: 'https://paymentauth.org/problems/payment-required',
      status: 402,
    });
    expect(served).toEqual([]);
    expect(ends.earned()).toBe(0);
  });

  test('an answer that is lost comes again, is made once and paid once', async () => {
    const { url, payingFetch, server, ends, served } = await start(face);
    await payingFetch(`${url}/weather`, { method: 'POST', body: 'rain?' });
    server.loseAnswers(2);
    const response = await payingFetch(`${url}/weather`, { method: 'POST', body: 'hail?' });
    expect([response.status, await response.text()]).toEqual([200, 'echo hail?']);
    expect(ends.earned()).toBe(8);
    expect(served.filter(({ body }) => body === 'hail?')).toHaveLength(1);
  });

  test('what fails after it was paid says so without a receipt, and the next payment goes on', async () => {
    const { url, payingFetch, ends } = await start(face, { reply: () => ({ status: 418, body: 'no' }) });
    const response = await payingFetch(`${url}/weather`);
    expect([response.status, response.headers.get('payment-receipt')]).toEqual([418, null]);
    await payingFetch(`${url}/weather`);
    expect(ends.told).toEqual([
      ['paid', 1],
      ['paid', 2],
    ]);
  });

  test('an answer that anybody could have kept is not kept by anybody else', async () => {
    const headers = { 'cache-control': 'public, max-age=60' };
    const { url, payingFetch } = await start(face, { reply: () => ({ headers, body: 'ok' }) });
    expect((await payingFetch(`${url}/weather`)).headers.get('cache-control')).toBe('private, max-age=60');
  });

  test('a body above the limit is refused before anything is paid', async () => {
    const { url, payingFetch, ends } = await start(face);
    const response = await payingFetch(`${url}/weather`, { method: 'POST', body: 'x'.repeat(2 ** 20 + 1) });
    expect(response.status).toBe(413);
    expect(ends.offers).toEqual([]);
  });

  test('a body of many pieces and no announced length is paid for and arrives whole', async () => {
    const { url, payingFetch } = await start(face);
    const chunks = Array.from({ length: 50 }, (_, n) => `${n},`.repeat(500));
    const body = ReadableStream.from(chunks.map((chunk) => Buffer.from(chunk)));
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    expect(await (await payingFetch(`${url}/weather`, init)).text()).toBe(`echo ${chunks.join('')}`);
  });
});

describe('the price', () => {
  test('when it changed, the payment ahead is refused, and the new price is paid within the limits', async () => {
    const { url, payingFetch, ends, server } = await start('fetch');
    await payingFetch(`${url}/weather`);
    server.charge({ price: '0.0007 EUR' });
    expect((await payingFetch(`${url}/weather`)).status).toBe(200);
    expect(ends.told).toEqual([
      ['paid', 1],
      ['refused', 2, 'payment-insufficient'],
      ['paid', 1],
    ]);
    expect(ends.earned()).toBe(4 + 7);
  });

  test('what depends on the request is asked each time, never guessed', async () => {
    const priceOf = ({ body }: { readonly body: Uint8Array }) => `0.000${body.length} EUR`;
    const { url, payingFetch, ends } = await start('fetch', { options: { priceOf } });
    for (const body of ['x', 'xxx', 'xx']) expect((await payingFetch(url, { method: 'POST', body })).status).toBe(200);
    expect(ends.told).toEqual([
      ['paid', 1],
      ['paid', 2],
      ['paid', 3],
    ]);
    expect(ends.earned()).toBe(6);
  });

  test('a request without a price is served without payment', async () => {
    const { url, payingFetch, ends, served } = await start('hono', { options: { priceOf: () => undefined } });
    expect((await payingFetch(url)).status).toBe(200);
    expect([ends.offers, served[0]?.payment]).toEqual([[], undefined]);
  });

  test.each([
    ['more than one request may cost', { maxPrices: ['0.0003 EUR'] }, 'OFFER_REFUSED'],
    ['a currency in which nothing may be spent', { maxPrices: ['1.00 USD'] }, 'OFFER_REFUSED'],
    ['an unknown merchant', { maxPrices: ['0.01 EUR'], merchants: ['butcher'] }, 'OFFER_REFUSED'],
  ])('%s is refused before anything is spent', async (_, limits, expected) => {
    const { url, payingFetch, ends } = await start('fetch', {}, { limits });
    await expect(payingFetch(url)).rejects.toEqual(code(expected));
    expect(ends.offers).toEqual([]);
  });

  test('a server that speaks for another one is not paid', async () => {
    const { url, payingFetch, ends } = await start('fetch', { setup: { realm: 'elsewhere.example' } });
    await expect(payingFetch(url)).rejects.toThrow('the challenge is of elsewhere.example');
    expect(ends.offers).toEqual([]);
  });

  test('a challenge that is old is not paid, nor one for another body', async () => {
    const { url, payingFetch, ends } = await start('fetch', { setup: { validMs: -1000 } });
    await expect(payingFetch(url)).rejects.toThrow('the challenge has expired');
    const body = new Uint8Array();
    const [challenge] = parseChallenges((await fetch(url)).headers.get('www-authenticate')!);
    const other = { ...challenge!, digest: contentDigest(new Uint8Array(1))! };
    const limits = { maxPrices: ['1.00 EUR'] };
    expect(() => acceptOffer(other, { method: 'GET', url: new URL(url), body }, { limits, nowMs: 0 })).toThrow(
      'another body',
    );
    expect(acceptOffer(challenge!, { method: 'GET', url: new URL(url), body }, { limits, nowMs: 0 }).units).toBe(4);
    expect(ends.offers).toEqual([]);
  });

  test('a challenge of where a redirect led is not paid', async () => {
    const { payingFetch, ends, url } = await start('fetch');
    const redirecting = createServer((_, res) => res.writeHead(302, { location: `${url}/weather` }).end());
    await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.1', () => resolve()));
    const { port } = redirecting.address() as AddressInfo;
    await expect(payingFetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('redirected');
    expect(ends.offers).toEqual([]);
    redirecting.closeAllConnections();
    redirecting.close();
  });

  test('a server that asks for a payment for another request is not paid', async () => {
    const { url, payingFetch, ends } = await start(
      'fetch',
      {},
      { fetch: (input, init) => fetch(`${input}/other`, init) },
    );
    await expect(payingFetch(`${url}/mine`)).rejects.toEqual(code('OFFER_UNFIT'));
    expect(ends.offers).toEqual([]);
  });
});

describe('what goes wrong', () => {
  test('a deposit closed by the merchant is told, and the next one pays', async () => {
    const { url, payingFetch, ends } = await start('node');
    await payingFetch(url);
    ends.close();
    expect((await payingFetch(url)).status).toBe(200);
    expect(ends.told).toEqual([
      ['paid', 1],
      ['refused', 2, 'DEPOSIT_CLOSED'],
      ['paid', 1],
    ]);
  });

  test('when no answer ever comes, the spender hears that nobody knows, and the caller too', async () => {
    const { url, payingFetch, ends, server } = await start('node');
    await payingFetch(url);
    server.loseAnswers(99);
    await expect(payingFetch(url)).rejects.toEqual(code('ANSWER_LOST'));
    expect(ends.told.at(-1)).toEqual(['unknown', 2]);
    expect(ends.earned()).toBe(8);
  });

  test('what is broken at the merchant is no refusal: nobody knows whether it was paid', async () => {
    const { url, payingFetch, ends } = await start('fetch');
    const refuse: typeof ends.till.purchase = async () => Promise.reject(Object.assign(new Error('broken')));
    Object.assign(ends.till, { purchase: refuse });
    const response = await payingFetch(url);
    expect(response.status).toBe(500);
    expect(ends.told).toEqual([['unknown', 1]]);
  });

  test('a merchant that refuses every payment is left after three', async () => {
    const { url, payingFetch, ends } = await start('fetch');
    const purchase = async () => {
      throw new DepositError('PURCHASE_UNPROVED', 'we like none of them');
    };
    Object.assign(ends.till, { purchase });
    await expect(payingFetch(url)).rejects.toThrow('the payment was refused: we like none of them');
    expect(ends.told).toEqual(Array.from({ length: 3 }, () => ['refused', 1, 'PURCHASE_UNPROVED']));
  });

  test('two payments in one request are none', async () => {
    const { url, server } = await start('node');
    const credential = formatCredential(preemptiveChallenge, { transaction: 'north.7.1', token: new Uint8Array(74) });
    const { promise, resolve } = Promise.withResolvers<string>();
    get(url, { headers: { authorization: [credential, credential] as never } }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk);
      resolve(Buffer.concat(chunks).toString());
    });
    expect(JSON.parse(await promise).type).toContain('malformed-credential');
    expect(server.served).toEqual([]);
  });

  test('a handler that always fails costs one payment, whatever is tried', async () => {
    const { url, payingFetch, ends } = await start('fetch', {
      reply: () => {
        throw new Error('no');
      },
    });
    expect((await payingFetch(url)).status).toBe(403);
    expect(ends.told).toEqual([['paid', 1]]);
    expect(ends.earned()).toBe(4);
  });

  test('a 402 of another method is not ours to pay, and one without a challenge comes back', async () => {
    const other = 'Payment id="x", realm="a", method="tempo", intent="charge", request="e30"';
    const headers = (value: string) => ({ status: 402, headers: { 'www-authenticate': value } });
    const { payingFetch } = await start('fetch', {}, { fetch: async () => new Response(null, headers(other)) });
    await expect(payingFetch('https://shop.example/')).rejects.toEqual(code('METHOD_UNSUPPORTED'));
    const plain = await start('fetch', {}, { fetch: async () => new Response('pay', { status: 402 }) });
    expect(await (await plain.payingFetch('https://shop.example/')).text()).toBe('pay');
  });

  test('payments go over TLS, or to this machine', async () => {
    let target = '';
    const { url, payingFetch, ends } = await start('fetch', {}, { fetch: (_, init) => fetch(target, init) });
    target = url;
    await expect(payingFetch('http://shop.example/')).rejects.toThrow('https only');
    expect(ends.offers).toEqual([]);
  });

  test('who logs in with Authorization pays beside it', async () => {
    const { url, payingFetch, ends } = await start('node', {
      options: { price: '0.0004 EUR', header: 'Payment-Authorization' },
    });
    const headers = { authorization: 'Bearer me' };
    expect((await payingFetch(url, { headers })).status).toBe(200);
    expect((await payingFetch(url, { headers })).status).toBe(200);
    expect(ends.earned()).toBe(8);
  });

  test('what was paid for and stands elsewhere is fetched there without the payment', async () => {
    const seen: (string | null)[] = [];
    const { url, payingFetch } = await start(
      'fetch',
      { reply: () => ({ status: 303, headers: { location: 'https://files.example/it' }, body: '' }) },
      {
        fetch: async (input, init) => {
          if (!String(input).startsWith('https://files.example')) return fetch(input, init);
          seen.push(new Headers(init?.headers).get('authorization'));
          return new Response('the file');
        },
      },
    );
    expect(await (await payingFetch(url)).text()).toBe('the file');
    expect(seen).toEqual([null]);
  });
});
