import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/codec/hex.ts';
import { createAccessServer } from '../../../src/set/interchange/access-server.ts';
import { createFrameReader, encodeFrame } from '../../../src/set/interchange/frame.ts';
import { InterchangeError } from '../../../src/set/interchange/interchange-error.ts';
import { createIso8583Courier } from '../../../src/set/interchange/iso8583-courier.ts';
import { createIso8583Link, type Iso8583LinkOptions } from '../../../src/set/interchange/tcp-link.ts';
import {
  type Iso8583Handler,
  type Iso8583ServerOptions,
  serveIso8583,
} from '../../../src/set/interchange/tcp-server.ts';
import type { PaymentRequest } from '../../../src/set/message/card-message.ts';
import {
  decodeCardRequest,
  decodeCardResponse,
  encodeCardRequest,
  encodeCardResponse,
  responseTo,
} from '../../../src/set/message/card-message-codec.ts';
import { silentLog } from '../../../src/transport/log.ts';
import type { TracedMessage } from '../../../src/transport/trace.ts';
import { createAuthority } from '../../transport/openssl-certificates.ts';
import { adviceOn, FOREIGN_PAN, PAN, purchase } from './card-fixture.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const approve: Iso8583Handler = async ({ bytes }) =>
  encodeCardResponse(responseTo(decodeCardRequest(bytes), '00', 'OK1234'));

async function start(handle: Iso8583Handler = approve, more: Partial<Iso8583ServerOptions> = {}) {
  const server = await serveIso8583({ listen: { host: '127.0.0.1', port: 0 }, handle, log: silentLog(), ...more });
  closers.push(() => server.close(0));
  return server;
}

function linkTo(port: number, more: Partial<Iso8583LinkOptions> = {}) {
  const link = createIso8583Link({ host: '127.0.0.1', port, answerMs: 5000, ...more });
  closers.push(() => link.close());
  return link;
}

const attempt = new AbortController();
const numbered = (stan: number): PaymentRequest => ({ ...purchase, stan });

describe('ISO 8583 over TCP', () => {
  test('answers find their requests, in whatever order they come', async () => {
    const held: (() => void)[] = [];
    const server = await start(async (received) => {
      await new Promise<void>((resolve) => {
        held.push(resolve);
        if (held.length === 3) for (const release of held.toReversed()) release();
      });
      return approve(received);
    });
    const link = linkTo(server.port);
    const answers = await Promise.all([1, 2, 3].map((stan) => link.send(encodeCardRequest(numbered(stan)))));
    expect(answers.map((bytes) => decodeCardResponse(bytes).stan)).toEqual([1, 2, 3]);
  });

  test('a network test is answered by the server itself', async () => {
    const server = await start(async () => {
      throw new Error('not asked');
    });
    await expect(linkTo(server.port).test()).resolves.toBeUndefined();
  });

  test('the same message while it waits is sent once', async () => {
    let asked = 0;
    const server = await start(async (received) => {
      asked += 1;
      return approve(received);
    });
    const link = linkTo(server.port);
    const bytes = encodeCardRequest(purchase);
    const [a, b] = await Promise.all([link.send(bytes), link.send(bytes)]);
    expect(a).toEqual(b);
    expect(asked).toBe(1);
  });

  test('a link opens again after the other end was gone', async () => {
    const first = await start();
    const link = linkTo(first.port);
    await link.send(encodeCardRequest(numbered(1)));
    await first.close(0);
    await expect(link.send(encodeCardRequest(numbered(2)))).rejects.toThrow(
      expect.objectContaining({ code: 'LINK_DOWN' }),
    );
    await start(approve, { listen: { host: '127.0.0.1', port: first.port } });
    expect(decodeCardResponse(await link.send(encodeCardRequest(numbered(2)))).responseCode).toBe('00');
  });

  test('a link that gets no answer gives up, and says the outcome is open', async () => {
    const server = await start(async () => undefined);
    const link = linkTo(server.port, { answerMs: 30 });
    await expect(link.send(encodeCardRequest(purchase))).rejects.toThrow(
      expect.objectContaining({ code: 'LINK_TIMEOUT' }),
    );
  });

  test('a network test that is not answered says so', async () => {
    const tests = Promise.withResolvers<void>();
    const silent = createServer((socket) => {
      socket.once('data', () => tests.resolve());
      closers.push(() => socket.destroy());
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closers.push(() => silent.close());
    const address = silent.address() as { port: number };
    const link = linkTo(address.port, { answerMs: 30 });
    await expect(link.test()).rejects.toThrow(expect.objectContaining({ code: 'LINK_TIMEOUT' }));
    await tests.promise;
  });

  test.each([30, 60_000])('nobody keeps the server by never saying who it is (%i ms to say it)', async (frameMs) => {
    const network = createAuthority('Network');
    closers.push(() => network.remove());
    const tls = { ...network.issue('/CN=issuer'), anchorsPem: network.anchorsPem, requireClient: true };
    const server = await start(approve, { tls, limits: { frameMs } });
    const socket = connect(server.port, '127.0.0.1').resume();
    socket.on('error', () => {});
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    if (frameMs > 1000) void server.close(0);
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  });

  test('a busy connection may always be in the middle of some message, as long as none takes too long', async () => {
    const server = await start(approve, { limits: { frameMs: 600 } });
    const frames = Buffer.concat([1, 2, 3, 4, 5, 6].map((stan) => encodeFrame(encodeCardRequest(numbered(stan)))));
    const length = frames.length / 6;
    const socket = connect(server.port, '127.0.0.1');
    closers.push(() => socket.destroy());
    const reader = createFrameReader(65_535);
    const stans: number[] = [];
    socket.on('data', (chunk) => {
      for (const bytes of reader.push(chunk)) stans.push(decodeCardResponse(bytes).stan);
    });
    let ended = false;
    socket.on('close', () => {
      ended = true;
    });
    for (let half = length / 2; half < frames.length && !ended; half += length) {
      socket.write(frames.subarray(Math.max(0, half - length), half));
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect({ ended, stans }).toEqual({ ended: false, stans: [1, 2, 3, 4, 5] });
  });

  test('waiting messages are bounded, and a closed or aborted one ends at once', async () => {
    const server = await start(async () => undefined);
    const link = linkTo(server.port, { maxWaiting: 1 });
    const leave = new AbortController();
    const waiting = link.send(encodeCardRequest(numbered(1)), leave.signal);
    await expect(link.send(encodeCardRequest(numbered(2)))).rejects.toThrow(
      expect.objectContaining({ code: 'LINK_BUSY' }),
    );
    leave.abort();
    await expect(waiting).rejects.toThrow(expect.objectContaining({ code: 'LINK_DOWN' }));
    const second = link.send(encodeCardRequest(numbered(3)));
    const refused = expect(second).rejects.toThrow(expect.objectContaining({ code: 'LINK_DOWN' }));
    link.close();
    await refused;
  });

  test.each([
    ['what is no message', encodeFrame(utf8('hello, is this a bank?'))],
    ['an announced length beyond the bound', new Uint8Array([0xff, 0xff])],
    ['a frame that never ends', encodeFrame(encodeCardRequest(purchase)).subarray(0, 50)],
  ])('the server cuts a connection that sends %s', async (_, bytes) => {
    const server = await start(approve, { limits: { frameMs: 30 } });
    const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('error', () => {});
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  });

  test('the server finishes what it has begun when it closes', async () => {
    const begun = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const server = await start(async (received) => {
      begun.resolve();
      await go.promise;
      return approve(received);
    });
    const answer = linkTo(server.port).send(encodeCardRequest(purchase));
    await begun.promise;
    const closed = server.close(60_000);
    go.resolve();
    expect(decodeCardResponse(await answer).approvalCode).toBe('OK1234');
    await closed;
  });

  test('between operators it runs on TLS with both sides authenticated', async () => {
    const network = createAuthority('Network');
    closers.push(() => network.remove());
    const tls = { ...network.issue('/CN=issuer'), anchorsPem: network.anchorsPem, requireClient: true };
    const server = await start(
      async (received) => {
        expect(received.peer?.subject).toBe('CN=acquirer');
        return approve(received);
      },
      { tls },
    );
    const member = linkTo(server.port, { tls: { ...network.issue('/CN=acquirer'), anchorsPem: network.anchorsPem } });
    expect(decodeCardResponse(await member.send(encodeCardRequest(purchase))).responseCode).toBe('00');
    const stranger = linkTo(server.port, { tls: { anchorsPem: network.anchorsPem } });
    await expect(stranger.send(encodeCardRequest(purchase))).rejects.toThrow(
      expect.objectContaining({ code: 'LINK_DOWN' }),
    );
  });
});

describe('the access server', () => {
  const answering = (code: string) => ({
    send: async (bytes: Uint8Array) => encodeCardResponse(responseTo(decodeCardRequest(bytes), code)),
  });
  const dead = { send: () => Promise.reject(new InterchangeError('LINK_DOWN', 'gone')) };
  const routes = [
    { prefix: '4', issuerId: '500009', link: answering('05') },
    { prefix: '400001', issuerId: '500001', link: answering('00') },
    { prefix: '400002', issuerId: '500002', link: dead },
  ];
  const ask = async (request: Parameters<typeof encodeCardRequest>[0], acquirers?: ReadonlySet<string>) => {
    const handle = createAccessServer({ routes, log: silentLog(), ...(acquirers === undefined ? {} : { acquirers }) });
    const server = await start(handle);
    return decodeCardResponse(await linkTo(server.port, { answerMs: 50 }).send(encodeCardRequest(request)))
      .responseCode;
  };

  test('routes by the longest prefix of the card number', async () => {
    expect(await ask(purchase)).toBe('00');
    expect(await ask({ ...purchase, pan: '4999990000000008' })).toBe('05');
  });

  test('answers 15 for a card of nobody, 12 for an acquirer it does not know', async () => {
    expect(await ask({ ...purchase, pan: '5100000000000008' })).toBe('15');
    expect(await ask(purchase, new Set(['400009']))).toBe('12');
  });

  test('stays silent for an issuer that does not answer, so that the acquirer asks again', async () => {
    const silence = expect.objectContaining({ code: 'LINK_TIMEOUT' });
    await expect(ask({ ...purchase, pan: FOREIGN_PAN })).rejects.toThrow(silence);
    await expect(ask(adviceOn({ ...purchase, pan: FOREIGN_PAN }, 'reverse'))).rejects.toThrow(silence);
  });
});

describe('the ISO 8583 courier', () => {
  test('delivers the same bytes by name, and traces them without the card number', async () => {
    const traced: TracedMessage[] = [];
    const seen: Uint8Array[] = [];
    const server = await start(async (received) => {
      seen.push(received.bytes);
      return approve(received);
    });
    const courier = createIso8583Courier({
      links: { acquirer: linkTo(server.port) },
      name: 'gateway',
      tracer: { record: (message) => traced.push(message) },
    });
    const body = encodeCardRequest(purchase);
    const message = { id: '1', to: 'iso8583:acquirer', kind: '0200', body };
    const result = await courier.deliver(message, attempt);
    await courier.deliver(message, attempt);
    expect(result.type).toBe('answered');
    expect(seen).toEqual([body, body]);
    expect(traced.slice(0, 2).map(({ from, to, kind }) => [from, to, kind])).toEqual([
      ['gateway', 'acquirer', 'ISO0200'],
      ['acquirer', 'gateway', 'ISO0210'],
    ]);
    const text = Buffer.concat(traced.map(({ bytes }) => bytes)).toString();
    expect(text).toContain('400001******0016');
    expect(text).not.toContain(PAN);
    expect(text).not.toContain(purchase.expiry);
  });

  test.each(['iso8583:nobody', 'iso8583:constructor', 'https://x/'])('does not know the route %s', async (to) => {
    const courier = createIso8583Courier({ links: {}, name: 'gateway' });
    await expect(courier.deliver({ id: '1', to, kind: 'x', body: utf8('') }, attempt)).rejects.toThrow(
      expect.objectContaining({ code: 'ROUTE_NOT_INTERCHANGE' }),
    );
  });
});
