/** A real server on a real socket that charges for a stream, and can be told to lose connections. */
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createPayingStream, type PayingStreamOptions } from '../../../src/deposit/customer-http/paying-stream.ts';
import type { StreamOptions } from '../../../src/deposit/merchant-http/stream-admission.ts';
import {
  createStreamCharge,
  type StreamHandler,
  type StreamSetup,
} from '../../../src/deposit/merchant-http/stream-charge.ts';
import { systemClock } from '../../../src/journal/clock.ts';
import { createEnds, type Ends, secret, UNIT_NANO } from '../payment-ends.ts';

export interface ChargedStreams {
  readonly url: string;
  readonly ends: Ends;
  readonly faults: unknown[];
  /** Upgrade requests so far. */
  upgrades(): number;
  /** Breaks every connection. */
  cut(): void;
  payingStream: ReturnType<typeof createPayingStream>;
  close(): Promise<void>;
}

export interface StreamServerOptions {
  readonly options?: Partial<StreamOptions>;
  readonly setup?: Partial<StreamSetup>;
  readonly paying?: Partial<PayingStreamOptions>;
  readonly ends?: Ends;
  readonly tls?: { readonly certificateChainPem: string; readonly privateKeyPem: string };
}

const open: ChargedStreams[] = [];

export async function closeStreams(): Promise<void> {
  for (const streams of open.splice(0)) await streams.close();
}

/** 4 units a message, second or kilobyte, unless the options say otherwise. */
export async function startStreams(handler: StreamHandler, given: StreamServerOptions = {}): Promise<ChargedStreams> {
  const { ends = createEnds() } = given;
  const clock = systemClock();
  const faults: unknown[] = [];
  const sockets = new Set<Duplex>();
  const { tls } = given;
  const listener: RequestListener = (_, res) => res.writeHead(404).end();
  const server =
    tls === undefined
      ? createServer(listener)
      : createTlsServer({ cert: tls.certificateChainPem, key: tls.privateKeyPem }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const realm = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const chargeStream = createStreamCharge({
    ...{ till: ends.till, secrets: [secret], realm, merchant: 'bakery', operator: 'south' },
    ...{ currency: 'EUR', unitNano: UNIT_NANO, clock, onFault: (error) => void faults.push(error) },
    ...{ unpaidMs: 500, resumeMs: 2000, ...given.setup },
  });
  const route = chargeStream({ price: '0.0004 EUR', per: 'message', ...given.options }, handler);
  let upgrades = 0;
  server.on('upgrade', (request, socket, head) => {
    upgrades++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    route.upgrade(request, socket, head);
  });
  const streams: ChargedStreams = {
    ...{ url: `${tls === undefined ? 'ws' : 'wss'}://${realm}/ticks?of=flour`, ends, faults, upgrades: () => upgrades },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    payingStream: createPayingStream({
      ...{ spender: ends.spender, clock, retryAfterMs: [10, 20, 50, 100], timeoutMs: 2000 },
      ...{ limits: { maxPrices: ['0.01 EUR'], maxTotals: ['1.00 EUR'], merchants: ['bakery'] }, ...given.paying },
    }),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await route.close();
    },
  };
  open.push(streams);
  return streams;
}

/** Everything until the stream ends. */
export async function readAll(stream: AsyncIterable<string | Uint8Array>): Promise<(string | Uint8Array)[]> {
  const all = [];
  for await (const message of stream) all.push(message);
  return all;
}

export const ticks = (count: number): StreamHandler => {
  return async (stream) => {
    for (let tick = 1; tick <= count; tick++) await stream.send(`tick ${tick}`);
  };
};

export const texts = (count: number) => Array.from({ length: count }, (_, at) => `tick ${at + 1}`);
