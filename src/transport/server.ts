/**
 * The HTTP server of a party: TLS 1.3, everything a peer controls bounded (headers, body, time, rate, connections), every
 * refusal a problem (RFC 9457), and a close that lets running requests finish.
 *
 * It stands on node:https with Hono's router alone: a message endpoint is bytes in, bytes out, and needs the socket
 * (peer certificate, aborting, refusing a body before it is read), which the Request/Response wrapping would hide.
 */
import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TLSSocket } from 'node:tls';
import { toHex } from '../codec/hex.ts';
import type { Log } from './log.ts';
import { createRateLimiter, type RateLimit } from './rate-limit.ts';
import { answerClientError, sendProblem } from './refusal.ts';
import { readWhole } from './request-body.ts';
import { createRouter, type Request, type Response, type Route, type Routes } from './route.ts';
import {
  contextOptions,
  type PeerIdentity,
  peerOf,
  type ServerTls,
  serverTlsOptions,
  showedBadCertificate,
} from './tls.ts';
import { TransportError } from './transport-error.ts';

export interface ServerLimits extends RateLimit {
  /** Largest request body, in bytes. */
  readonly maxBytes: number;
  /** Time for a whole request to arrive, and again for its answer to be decided. */
  readonly timeoutMs: number;
  /** Most connections at once, default 1024; more are closed unheard. */
  readonly maxConnections?: number;
}

export interface ServeOptions {
  readonly routes: Routes;
  /** Port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Without it the server speaks plain HTTP: for tests and behind a proxy on the same machine only. */
  readonly tls?: ServerTls;
  readonly limits: ServerLimits;
  /** SHA-256 of a certificate whose holder may ask as often as it likes: another process of the same party. */
  readonly unlimited?: Uint8Array;
  /** Whether a request is heard at all, by its route's name and headers, before its body is read. @throws HandselError when it is not */
  readonly admit?: (route: string, header: (name: string) => string | undefined) => void;
  readonly log: Log;
  /** Monotonic milliseconds; default the process's own. */
  readonly monotonicMs?: () => number;
}

export interface RunningServer {
  /** `https://host:port`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Takes new certificates or revocation lists into use for connections from now on. */
  renewTls(tls: ServerTls): void;
  /** Stops listening, lets running requests finish for `drainMs` (default 5000), then cuts what is left. */
  close(drainMs?: number): Promise<void>;
}

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 1024;
const KEEP_ALIVE_MS = 30_000;
const DRAIN_MS = 5000;
const SLOW_CHECK_MS = 500;

export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { listen, tls, limits, log } = options;
  const handle = createHandler(options);
  const server = createServer(options);
  server.on('request', (incoming, outgoing) => void handle(incoming, outgoing, () => !server.listening));
  server.on('clientError', answerClientError);
  server.on('secureConnection', (socket: TLSSocket) => {
    if (showedBadCertificate(socket)) socket.destroy();
  });
  server.on('tlsClientError', (err) => log.debug({ err }, 'a TLS connection was refused'));

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  const url = `${tls === undefined ? 'http' : 'https'}://${host}:${port}`;
  log.info({ url, maxBytes: limits.maxBytes }, 'listening');

  return {
    url,
    port,
    renewTls: (renewed) => (server as TlsServer).setSecureContext(contextOptions(renewed)),
    close: (drainMs = DRAIN_MS) => closeServer(server, drainMs),
  };
}

function createServer({ tls, limits }: ServeOptions): Server | TlsServer {
  const bounds = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: limits.timeoutMs,
    requestTimeout: limits.timeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(SLOW_CHECK_MS, limits.timeoutMs),
  };
  const server =
    tls === undefined
      ? createPlainServer(bounds)
      : createTlsServer({ ...bounds, ...serverTlsOptions(tls), handshakeTimeout: limits.timeoutMs });
  server.maxConnections = limits.maxConnections ?? MAX_CONNECTIONS;
  return server;
}

async function closeServer(server: Server | TlsServer, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(cut);
}

function createHandler(options: ServeOptions) {
  const { routes, limits, unlimited, admit, log, monotonicMs = () => performance.now() } = options;
  const findRoute = createRouter(routes);
  const own = unlimited && toHex(unlimited);
  const waitMs = createRateLimiter(limits, monotonicMs);
  const peerOn = rememberPeers();

  return async (incoming: IncomingMessage, outgoing: ServerResponse, isClosing: () => boolean): Promise<void> => {
    const startedMs = monotonicMs();
    const peer = peerOn(incoming.socket);
    const from = peer?.subject ?? incoming.socket.remoteAddress ?? 'unknown';
    let route: Route | undefined;
    try {
      const limitedMs = peer !== undefined && peer.fingerprint === own ? 0 : waitMs(peer?.fingerprint ?? from);
      if (limitedMs > 0)
        throw new TransportError('RATE_LIMITED', 'too many requests', { detail: { waitMs: limitedMs } });
      const url = parseTarget(incoming.url ?? '/');
      route = findRoute(incoming.method ?? '', url.pathname);
      admit?.(route.name, headersOf(incoming));
      const response = await answerFor(incoming, outgoing, { route, query: url.searchParams, peer, limits });
      if (isClosing()) outgoing.shouldKeepAlive = false;
      await send(outgoing, response);
      log.debug({ route: route.name, from, status: outgoing.statusCode, ms: monotonicMs() - startedMs }, 'answered');
    } catch (err) {
      if (isClosing()) outgoing.shouldKeepAlive = false;
      sendProblem(incoming, outgoing, err);
      const facts = { route: route?.name, from, status: outgoing.statusCode, err };
      if (outgoing.statusCode >= 500) log.error(facts, 'a request failed');
      else log.info(facts, 'a request was refused');
    }
  };
}

/** Reading a certificate costs more than the rest of a request, and a connection has the same one all its life. */
function rememberPeers(): (socket: Socket) => PeerIdentity | undefined {
  const peers = new WeakMap<Socket, PeerIdentity>();
  return (socket) => {
    if (!(socket instanceof TLSSocket)) return undefined;
    const peer = peers.get(socket) ?? peerOf(socket);
    if (peer !== undefined) peers.set(socket, peer);
    return peer;
  };
}

interface Asked {
  readonly route: Route;
  readonly query: URLSearchParams;
  readonly peer: PeerIdentity | undefined;
  readonly limits: ServerLimits;
}

async function answerFor(incoming: IncomingMessage, outgoing: ServerResponse, asked: Asked): Promise<Response> {
  const { route, query, peer, limits } = asked;
  const body = await readWhole(incoming, limits.maxBytes, 'BODY_TOO_LARGE');
  const gone = new AbortController();
  // Whoever got the answer has not gone away; and the reason of an abort costs a stack trace.
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  const header = headersOf(incoming);
  const request = { target: incoming.url ?? '/', params: route.params, query, body, header, signal: gone.signal };
  return withinTime(route.handler(peer === undefined ? request : { ...request, peer }), limits.timeoutMs);
}

function headersOf({ headers }: IncomingMessage): Request['header'] {
  return (name) => {
    const value = headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(', ') : value;
  };
}

/** The work goes on; the peer asks again with the same message and is told what came of it. */
async function withinTime(answer: Promise<Response>, timeoutMs: number): Promise<Response> {
  let timeout: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const refuse = () => reject(new TransportError('ANSWER_PENDING', 'there is no answer yet: ask again'));
    timeout = setTimeout(refuse, timeoutMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timeout);
  }
}

async function send(outgoing: ServerResponse, response: Response): Promise<void> {
  const { status = 200, contentType, headers, body } = response;
  const head = {
    'content-type': contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  };
  if (body instanceof Uint8Array) {
    outgoing.writeHead(status, { ...head, 'content-length': body.length });
    outgoing.end(body);
    return;
  }
  outgoing.writeHead(status, head);
  await pipeline(body instanceof Readable ? body : Readable.fromWeb(body as never), outgoing);
}

function parseTarget(target: string): URL {
  // A target such as `//host/…` would be read as another authority: it is made harmless by the base being prefixed as text.
  const url = URL.parse(`http://party${target.startsWith('/') ? target : '/'}`);
  if (url === null || !target.startsWith('/'))
    throw new TransportError('REQUEST_MALFORMED', 'the request target is no path');
  return url;
}
