/**
 * Webhooks over real sockets: what arrives is signed as RFC 9421 and RFC 9530 say, by the judgement of a library that is not ours; what
 * is not taken comes again; what was changed, aged or signed by another is refused.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, property, string, uint8Array } from 'fast-check';
import { createVerifier, httpbis, type Request, type Signer } from 'http-message-signatures';
import { afterEach, describe, expect, test } from 'vitest';
import { adapterCourier } from '../../src/billing/book/adapter-courier.ts';
import { createBillingBook } from '../../src/billing/book/billing-book.ts';
import { createCalendar } from '../../src/billing/book/business-day.ts';
import { eventOf } from '../../src/billing/webhook/billing-event.ts';
import { webhookAdapter } from '../../src/billing/webhook/deliver-webhook.ts';
import { contentDigest } from '../../src/billing/webhook/message-signature.ts';
import { type ReceivedWebhook, verifyWebhook } from '../../src/billing/webhook/verify-webhook.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { generateP256, signP256 } from '../../src/crypto/signature.ts';
import { type BillingRecord, encodeBillingRecord } from '../../src/deposit/message/billing-record.ts';
import { HandselError } from '../../src/handsel-error.ts';
import { systemClock } from '../../src/journal/clock.ts';
import { openHost } from '../../src/journal/host.ts';
import { openSqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { createClient } from '../../src/transport/client.ts';
import { createAuthority } from '../transport/openssl-certificates.ts';
import { bookedAs, deposit, funding, silentLog, withdrawal } from './bookings.ts';

const keys = generateP256();
const KEY_ID = 'ab'.repeat(32);
const attempt = { signal: new AbortController().signal };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Arrived {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Answers as told, in turn; the last answer goes on. `hang` never answers, `cut` breaks the connection. */
async function receiver(
  answers: readonly (number | 'hang' | 'cut')[] = [204],
  make: (listener: Parameters<typeof createServer>[1]) => Server = (listener) => createServer(listener!),
) {
  const arrived: Arrived[] = [];
  const server = make(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const answer = answers[Math.min(arrived.length, answers.length - 1)]!;
    const { method = '', url: path = '', headers } = request;
    arrived.push({ method, path, headers, body: Buffer.concat(chunks) });
    if (answer === 'cut') request.socket.destroy();
    else if (answer !== 'hang') response.writeHead(answer, answer === 302 ? { location: '/elsewhere' } : {}).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { arrived, port: (server.address() as AddressInfo).port };
}

function adapterTo(url: string, options: { anchorsPem?: string; timeoutMs?: number; privateKey?: KeyObject } = {}) {
  const { anchorsPem, timeoutMs = 2000, privateKey = keys.privateKey } = options;
  const client = createClient({
    name: 'north',
    ...(anchorsPem === undefined ? {} : { tls: { anchorsPem } }),
    limits: { maxBytes: 1000, timeoutMs },
  });
  closers.push(() => client.close());
  return webhookAdapter({ url, client, privateKey, keyId: KEY_ID, nowMs: Date.now });
}

const asReceived = ({ method, headers, body }: Arrived, url: string): ReceivedWebhook => {
  return { method, url, body, header: (name) => headers[name]?.toString() };
};
const trust = { keyOf: (keyId: string) => (keyId === KEY_ID ? keys.publicKey : undefined), nowMs: Date.now() };

/** The other implementation. */
function judged(
  { method, headers }: Pick<Arrived, 'method' | 'headers'>,
  url: string,
  key: KeyObject = keys.publicKey,
) {
  const verifier = createVerifier(key, 'ecdsa-p256-sha256');
  return httpbis.verifyMessage(
    {
      keyLookup: async ({ keyid }) => ({ id: keyid!, algs: ['ecdsa-p256-sha256'], verify: verifier }),
      requiredParams: ['created', 'keyid', 'alg', 'tag'],
      requiredFields: ['@method', '@target-uri', 'content-type', 'content-digest', 'idempotency-key'],
    },
    { method, url, headers: headers as Request['headers'] },
  );
}

describe('a webhook', () => {
  test('carries the record, signed so that another implementation of RFC 9421 agrees', async () => {
    const { arrived, port } = await receiver();
    const url = `http://127.0.0.1:${port}/billing?from=north`;
    const before = Date.now();
    await adapterTo(url).take(bookedAs(withdrawal(1)), attempt);
    const [request] = arrived;
    expect(request).toMatchObject({ method: 'POST', path: '/billing?from=north' });
    expect(await judged(request!, url)).toBe(true);
    expect(await judged(request!, url, generateP256().publicKey)).toBe(false);
    expect(await judged(request!, url.replace('north', 'south'))).toBe(false);
    // RFC 9530, counted by hand.
    const digest = createHash('sha256').update(request!.body).digest('base64');
    expect(request!.headers['content-digest']).toBe(`sha-256=:${digest}:`);
    expect(Number(/created=(\d+)/.exec(request!.headers['signature-input'] as string)![1]) * 1000).toBeGreaterThan(
      before - 1000,
    );
    expect(JSON.parse(request!.body.toString())).toEqual({
      ...{ id: 'withdrawal:north.1.1', number: 1, type: 'withdrawal', day: '2026-10-02' },
      ...{ bookedAt: '2026-10-02T10:00:00.000Z', happenedAt: '2026-10-02T09:59:59.995Z' },
      record: {
        ...{ transaction: 'north.1.1', customer: 'alice', merchant: 'shop', merchantOperator: 'south' },
        deposit: { amount: '20.00', currency: 'EUR' },
        withdrawn: { amount: '13.87', currency: 'EUR' },
        returned: { amount: '6.13', currency: 'EUR' },
        paid: { amount: '15.00', currency: 'USD' },
        rate: { from: 'EUR', to: 'USD', numerator: '10823', denominator: '10000' },
      },
      entry: { account: 'customer:alice', amount: '-13.87', currency: 'EUR', balance: '-13.87' },
    });
    expect(verifyWebhook(asReceived(request!, url), trust)).toEqual(eventOf(bookedAs(withdrawal(1))));
  });

  test('goes over TLS to who shows a certificate of the right authority, and to nobody else', async () => {
    const authority = createAuthority('billing');
    closers.push(() => authority.remove());
    const { certificateChainPem: cert, privateKeyPem: key } = authority.issue('/CN=receiver');
    const { arrived, port } = await receiver([204], (listener) => createTlsServer({ cert, key }, listener));
    const url = `https://127.0.0.1:${port}/billing`;
    await adapterTo(url, { anchorsPem: authority.anchorsPem }).take(bookedAs(deposit(1)), attempt);
    expect(await judged(arrived[0]!, url)).toBe(true);
    const other = createAuthority('other');
    closers.push(() => other.remove());
    await expect(
      adapterTo(url, { anchorsPem: other.anchorsPem }).take(bookedAs(deposit(1)), attempt),
    ).rejects.toMatchObject({ code: 'PEER_NOT_TRUSTED' });
    expect(arrived).toHaveLength(1);
  });

  test.each([200, 202, 299])('is taken when the answer is %i', async (status) => {
    const { port } = await receiver([status]);
    await adapterTo(`http://127.0.0.1:${port}/`).take(bookedAs(deposit(1)), attempt);
  });

  test.each([199 + 102, 302, 400, 401, 404, 410, 429, 500, 503])(
    'is not taken when the answer is %i',
    async (status) => {
      const { arrived, port } = await receiver([status]);
      const taken = adapterTo(`http://127.0.0.1:${port}/`).take(bookedAs(deposit(1)), attempt);
      await expect(taken).rejects.toMatchObject({ code: 'RECEIVER_BUSY', detail: { status } });
      // Nowhere else either: a redirection would take it where nobody configured.
      expect(arrived).toHaveLength(1);
    },
  );

  test('gives a receiver that does not answer a limited time', async () => {
    const { port } = await receiver(['hang']);
    const taken = adapterTo(`http://127.0.0.1:${port}/`, { timeoutMs: 100 }).take(bookedAs(deposit(1)), attempt);
    await expect(taken).rejects.toMatchObject({ code: 'ANSWER_TIMEOUT' });
  });

  test.each([
    'http://billing.example/',
    'http://192.0.2.1/',
    'http://127.0.0.1.billing.example/',
    'ftp://127.0.0.1/',
    'https://user:password@billing.example/',
    'https://billing.example/#here',
    'https://billing.example',
    'HTTPS://billing.example/',
  ])('goes to no address such as %s', (url) => {
    expect(() => adapterTo(url)).toThrow(expect.objectContaining({ code: 'WEBHOOK_INSECURE' }));
  });
});

describe('the outbox', () => {
  async function openBook(file: string, url: string) {
    const adapter = adapterTo(url, { timeoutMs: 200 });
    const host = await openHost({
      machine: createBillingBook({
        ...{ name: 'north', calendar: createCalendar('UTC') },
        adapters: [{ name: 'hook', closesDays: false }],
      }),
      journal: await openSqliteJournal({ file }),
      ...{ clock: systemClock(), random: systemRandom, log: silentLog },
      courier: adapterCourier({ adapters: new Map([['hook', adapter]]), log: silentLog, readDay: () => undefined! }),
      pace: { firstPauseMs: 10, longestPauseMs: 100 },
    });
    return {
      async tell(record: BillingRecord) {
        const digest = sha256(encodeBillingRecord(record));
        await host.handle({ messageId: record.id, digest, input: { type: 'record', record } });
      },
      close: () => host.close(),
    };
  }
  const until = async (condition: () => boolean) => {
    for (let waited = 0; !condition(); waited += 10) {
      if (waited > 10_000) throw new Error('waited in vain');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  function journalFile(): string {
    const folder = mkdtempSync(join(tmpdir(), 'handsel-hook-'));
    closers.push(() => rmSync(folder, { recursive: true, force: true }));
    return join(folder, 'billing.journal');
  }

  test('tries again, with the same content and idempotency key, until the receiver has taken the record', async () => {
    const { arrived, port } = await receiver([500, 'cut', 'hang', 404, 204]);
    const url = `http://127.0.0.1:${port}/`;
    const book = await openBook(journalFile(), url);
    closers.push(() => book.close());
    await book.tell(withdrawal(1));
    await until(() => arrived.length === 5);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(arrived).toHaveLength(5);
    expect(new Set(arrived.map(({ body }) => body.toString())).size).toBe(1);
    expect(new Set(arrived.map(({ headers }) => headers['idempotency-key']))).toEqual(
      new Set(['"withdrawal:north.1.1"']),
    );
    for (const request of arrived) expect(await judged(request, url)).toBe(true);
  });

  test('remembers over a restart what the receiver has not taken', async () => {
    const file = journalFile();
    const { arrived, port } = await receiver([503]);
    const book = await openBook(file, `http://127.0.0.1:${port}/`);
    await book.tell(withdrawal(1));
    await book.tell(funding('salary'));
    await until(() => arrived.length > 2);
    await book.close();
    const later = await receiver();
    const again = await openBook(file, `http://127.0.0.1:${later.port}/`);
    await until(() => later.arrived.length === 2);
    await again.close();
    const ids = (requests: readonly Arrived[]) =>
      [...new Set(requests.map(({ headers }) => headers['idempotency-key']))].sort();
    expect(ids(later.arrived)).toEqual(ids(arrived));
    // What has been taken does not come again.
    const last = await openBook(file, `http://127.0.0.1:${later.port}/`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await last.close();
    expect(later.arrived).toHaveLength(2);
  });
});

describe('a receiver', () => {
  const url = 'https://billing.example/hook';
  const nowMs = Date.UTC(2026, 9, 2, 10);

  /** A request as the other implementation signs it, so that both directions are judged. */
  async function signed(
    changes: { body?: string; fields?: readonly string[]; params?: object; headers?: object } = {},
  ) {
    const body = Buffer.from(changes.body ?? JSON.stringify(eventOf(bookedAs(withdrawal(1)))));
    const sign: Signer = async (data) => Buffer.from(signP256(keys.privateKey, data, 'raw'));
    const message = await httpbis.signMessage(
      {
        key: { id: KEY_ID, alg: 'ecdsa-p256-sha256', sign },
        name: 'sig1',
        fields: [
          ...(changes.fields ?? ['@method', '@target-uri', 'content-type', 'content-digest', 'idempotency-key']),
        ],
        params: ['created', 'keyid', 'alg', 'tag'],
        paramValues: { created: new Date(nowMs), tag: 'handsel-billing', ...changes.params },
      },
      {
        ...{ method: 'POST', url },
        headers: {
          'content-type': 'application/json',
          'content-digest': contentDigest(body),
          'idempotency-key': '"withdrawal:north.1.1"',
          ...changes.headers,
        },
      },
    );
    const headers = Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    return { method: 'POST', path: '/hook', headers: headers as Arrived['headers'], body };
  }
  const verify = (request: Arrived, changes: Partial<Parameters<typeof verifyWebhook>[1]> = {}) =>
    verifyWebhook(asReceived(request, url), { ...trust, nowMs, ...changes });

  test('takes what another implementation of RFC 9421 signed', async () => {
    expect(verify(await signed())).toMatchObject({ id: 'withdrawal:north.1.1' });
    const turned = ['idempotency-key', 'content-digest', 'content-type', '@target-uri', '@method'];
    expect(verify(await signed({ fields: turned }))).toMatchObject({ id: 'withdrawal:north.1.1' });
  });

  test.each([
    [
      'the body',
      (request: Arrived) => ({ ...request, body: Buffer.from(request.body.toString().replace('13.87', '1.387')) }),
    ],
    ['the method', (request: Arrived) => ({ ...request, method: 'PUT' })],
    ['the idempotency key', (request: Arrived) => withHeader(request, 'idempotency-key', '"withdrawal:north.1.2"')],
    ['the content type', (request: Arrived) => withHeader(request, 'content-type', 'text/plain')],
    [
      'the digest and the body',
      (request: Arrived) => {
        const body = Buffer.from('{}');
        return { ...withHeader(request, 'content-digest', contentDigest(body)), body };
      },
    ],
    [
      'the time',
      (request: Arrived) =>
        withHeader(
          request,
          'signature-input',
          (request.headers['signature-input'] as string).replace(/created=\d+/, `created=${nowMs / 1000 + 1}`),
        ),
    ],
    [
      'a bit of the signature',
      (request: Arrived) =>
        withHeader(
          request,
          'signature',
          (request.headers.signature as string).replace(/:(.)/, (_, c) => (c === 'A' ? ':B' : ':A')),
        ),
    ],
  ])('refuses a request whose %s was changed on the way', async (_, change) => {
    const request = await signed();
    expect(() => verify(change(request))).toThrow(expect.objectContaining({ code: 'CRYPTOGRAPHIC_FAILURE' }));
    verify(request);
  });

  test('refuses the key of another, and one nobody knows', async () => {
    const request = await signed();
    for (const key of [generateP256().publicKey, undefined]) {
      expect(() => verify(request, { keyOf: () => key })).toThrow(
        expect.objectContaining({ code: 'CRYPTOGRAPHIC_FAILURE' }),
      );
    }
  });

  test('refuses what was signed long ago, or will be', async () => {
    const request = await signed();
    for (const offMs of [-300_000, 300_000]) verify(request, { nowMs: nowMs + offMs });
    for (const offMs of [-300_001, 300_001]) {
      expect(() => verify(request, { nowMs: nowMs + offMs })).toThrow(
        expect.objectContaining({ code: 'WEBHOOK_STALE' }),
      );
    }
  });

  test.each([
    [
      'a signature that leaves out the digest',
      { fields: ['@method', '@target-uri', 'content-type', 'idempotency-key'] },
    ],
    [
      'a signature that leaves out the address',
      { fields: ['@method', 'content-type', 'content-digest', 'idempotency-key'] },
    ],
    [
      'a signature of something else in place of the digest',
      { fields: ['@method', '@target-uri', 'content-type', '@path', 'idempotency-key'] },
    ],
    ['a signature for another purpose', { params: { tag: 'login' } }],
    ['another algorithm', { params: { alg: 'hmac-sha256' } }],
    ['what is no event', { body: '{}' }],
    ['what is no JSON', { body: 'x' }],
    ['an event under another key', { headers: { 'idempotency-key': '"other"' } }],
  ])('refuses %s', async (_, changes) => {
    const request = await signed(changes);
    expect(() => verify(request)).toThrow(expect.objectContaining({ code: 'WEBHOOK_MALFORMED' }));
  });

  test.each(['signature', 'signature-input', 'content-digest', 'content-type', 'idempotency-key'])(
    'refuses a request without %s',
    async (name) => {
      const request = await signed();
      const { [name]: _, ...headers } = request.headers;
      expect(() => verify({ ...request, headers })).toThrow(expect.objectContaining({ code: 'WEBHOOK_MALFORMED' }));
    },
  );

  test('meets any header and any body with an error of ours', async () => {
    const request = await signed();
    assert(
      property(
        string({ unit: 'binary', maxLength: 200 }),
        string({ unit: 'binary', maxLength: 200 }),
        uint8Array(),
        (input, signature, body) => {
          for (const headers of [
            { 'signature-input': input },
            { 'signature-input': `sig1=${input}` },
            { signature },
            { signature: `sig1=:${signature}:` },
          ]) {
            try {
              verify({ ...request, headers: { ...request.headers, ...headers }, body: Buffer.from(body) });
              throw new Error('taken');
            } catch (error) {
              if (!(error instanceof HandselError)) throw error;
            }
          }
        },
      ),
    );
  });
});

function withHeader(request: Arrived, name: string, value: string): Arrived {
  return { ...request, headers: { ...request.headers, [name]: value } };
}
