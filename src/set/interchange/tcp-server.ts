/**
 * Takes ISO 8583 messages over TCP (over TLS 1.3 between operators) and writes the answers back on the same connection,
 * in whatever order they come. Answers network tests (0800) by itself. Bounded: frame size, time to finish a frame,
 * idle time, connections, and messages of one connection that wait for answers.
 */
import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { HandselError } from '../../handsel-error.ts';
import type { Log } from '../../transport/log.ts';
import {
  type PeerIdentity,
  peerOf,
  type ServerTls,
  serverTlsOptions,
  showedBadCertificate,
} from '../../transport/tls.ts';
import { decodeCardRequest, encodeCardResponse, responseTo } from '../message/card-message-codec.ts';
import { decodeIso8583, type Iso8583Message, MAX_ISO8583_BYTES } from '../message/iso8583-message.ts';
import { RESPONSE_CODES } from '../message/response-code.ts';
import { createFrameReader, encodeFrame } from './frame.ts';

export interface ReceivedMessage {
  readonly bytes: Uint8Array;
  readonly message: Iso8583Message;
  /** Present on TLS. */
  readonly peer?: PeerIdentity;
}

/** The answer, or undefined to stay silent: the sender then repeats. @throws HandselError cuts the connection. */
export type Iso8583Handler = (received: ReceivedMessage) => Promise<Uint8Array | undefined>;

export interface Iso8583ServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly handle: Iso8583Handler;
  readonly log: Log;
  readonly tls?: ServerTls;
  readonly limits?: {
    /** Time for a message that has begun to arrive whole, and for the TLS handshake; default 5000. */
    readonly frameMs?: number;
    /** A connection on which nothing happens this long is closed; default 120000. */
    readonly idleMs?: number;
    /** Default 256. */
    readonly maxConnections?: number;
    /** Messages of one connection waiting for their answers, beyond which no more is read; default 1024. */
    readonly maxWaiting?: number;
  };
}

export interface Iso8583Server {
  readonly port: number;
  /** Stops listening and reading, lets answers under way out for `drainMs` (default 5000), then cuts. */
  close(drainMs?: number): Promise<void>;
}

const FRAME_MS = 5000;
const IDLE_MS = 120_000;
const MAX_CONNECTIONS = 256;
const MAX_WAITING = 1024;
const DRAIN_MS = 5000;
const NETWORK_TEST_MTI = '0800';

interface Connection {
  /** Ends the connection once nothing waits. */
  drain(): void;
}

export async function serveIso8583(options: Iso8583ServerOptions): Promise<Iso8583Server> {
  const { listen, limits = {}, tls } = options;
  const connections = new Set<Connection>();
  /** Of all connections, those included that are not through their TLS handshake. */
  const sockets = new Set<Socket>();
  const accept = (socket: Socket) => {
    if (socket instanceof TLSSocket && showedBadCertificate(socket)) {
      socket.destroy();
      return;
    }
    const connection = attend(socket, options);
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  };
  const handshakeTimeout = limits.frameMs ?? FRAME_MS;
  const server: Server =
    tls === undefined
      ? createPlainServer(accept)
      : createTlsServer({ ...serverTlsOptions(tls), handshakeTimeout }, accept);
  // Node only tells of a handshake that fails or takes too long: the connection would stay.
  server.on('tlsClientError', (_, socket: TLSSocket) => socket.destroy());
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.maxConnections = limits.maxConnections ?? MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, () => resolve());
  });

  return {
    port: (server.address() as AddressInfo).port,
    async close(drainMs = DRAIN_MS) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.drain();
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, drainMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

function attend(socket: Socket, { handle, log, limits = {} }: Iso8583ServerOptions): Connection {
  const { frameMs = FRAME_MS, idleMs = IDLE_MS, maxWaiting = MAX_WAITING } = limits;
  const reader = createFrameReader(MAX_ISO8583_BYTES);
  const peer = socket instanceof TLSSocket ? peerOf(socket) : undefined;
  const from = peer?.subject ?? socket.remoteAddress ?? 'unknown';
  let waiting = 0;
  let draining = false;
  let frameTimeout: NodeJS.Timeout | undefined;

  const endWhenDone = () => {
    if (draining && waiting === 0) socket.end();
  };
  const cut = (err: unknown) => {
    log.warn({ from, err }, 'an interchange connection was cut');
    socket.destroy();
  };
  const answer = async (bytes: Uint8Array) => {
    waiting += 1;
    if (waiting >= maxWaiting) socket.pause();
    try {
      const message = decodeIso8583(bytes);
      const received = peer === undefined ? { bytes, message } : { bytes, message, peer };
      const reply = message.mti === NETWORK_TEST_MTI ? answerTest(bytes) : await handle(received);
      if (reply !== undefined && !socket.destroyed) socket.write(encodeFrame(reply));
    } catch (err) {
      if (!(err instanceof HandselError)) log.error({ from, err }, 'an interchange message could not be handled');
      cut(err);
    } finally {
      waiting -= 1;
      if (waiting < maxWaiting && !draining) socket.resume();
      endWhenDone();
    }
  };

  socket.on('data', (chunk) => {
    let messages: readonly Uint8Array[];
    try {
      messages = reader.push(chunk);
    } catch (err) {
      cut(err);
      return;
    }
    for (const bytes of messages) void answer(bytes);
    // The clock runs from a frame's first byte and is not set back by further bytes of it: trickling does not help.
    if (messages.length > 0 || !reader.midway) {
      clearTimeout(frameTimeout);
      frameTimeout = undefined;
    }
    if (reader.midway) frameTimeout ??= setTimeout(() => socket.destroy(), frameMs);
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => clearTimeout(frameTimeout));
  socket.setTimeout(idleMs, () => {
    if (waiting === 0) socket.destroy();
  });
  return {
    drain() {
      draining = true;
      socket.pause();
      endWhenDone();
    },
  };
}

function answerTest(bytes: Uint8Array): Uint8Array {
  return encodeCardResponse(responseTo(decodeCardRequest(bytes), RESPONSE_CODES.approved));
}
