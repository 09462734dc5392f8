/**
 * A link to another host of the network: one TCP connection, opened when needed and again when lost, on which many
 * messages wait for their answers at once. While it is quiet it tests the other end (0800); no answer means it is down.
 */
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type ClientTls, clientTlsOptions } from '../../transport/tls.ts';
import { encodeCardRequest } from '../message/card-message-codec.ts';
import { nextStan, transmissionTime } from '../message/card-message-identity.ts';
import { decodeIso8583, MAX_ISO8583_BYTES } from '../message/iso8583-message.ts';
import { correlationOfAnswer, correlationOfRequest } from './correlation.ts';
import { createFrameReader, encodeFrame } from './frame.ts';
import { InterchangeError } from './interchange-error.ts';

/** Whoever carries one message to a host and brings back its answer. */
export interface Iso8583Exchange {
  /** @throws InterchangeError when no answer came: the message may or may not have arrived. */
  send(request: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>;
}

export interface Iso8583LinkOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: ClientTls;
  /** Time for one answer, connecting included; default 15000. */
  readonly answerMs?: number;
  /** Quiet time after which the other end is tested; default 30000. */
  readonly testEveryMs?: number;
  /** Messages waiting for answers at once; default 1024. */
  readonly maxWaiting?: number;
  /** Unix milliseconds, for the transmission time of tests. */
  readonly nowMs?: () => number;
}

export interface Iso8583Link extends Iso8583Exchange {
  /** Sends a network test now; rejects when the other end does not answer. */
  test(): Promise<void>;
  close(): void;
}

const ANSWER_MS = 15_000;
const TEST_EVERY_MS = 30_000;
const MAX_WAITING = 1024;

interface Waiting extends PromiseWithResolvers<Uint8Array> {
  readonly timeout: NodeJS.Timeout;
}

export function createIso8583Link(options: Iso8583LinkOptions): Iso8583Link {
  const { answerMs = ANSWER_MS, testEveryMs = TEST_EVERY_MS, maxWaiting = MAX_WAITING, nowMs = Date.now } = options;
  const waiting = new Map<string, Waiting>();
  let open: Promise<Socket> | undefined;
  let socket: Socket | undefined;
  let testTimer: NodeJS.Timeout | undefined;
  let stan = 0;
  let closed = false;

  const settle = (key: string, act: (call: Waiting) => void) => {
    const call = waiting.get(key);
    if (call === undefined) return;
    waiting.delete(key);
    clearTimeout(call.timeout);
    act(call);
  };
  const lose = (lost: Socket, cause?: unknown) => {
    if (lost !== socket) return;
    open = undefined;
    socket = undefined;
    clearTimeout(testTimer);
    for (const key of [...waiting.keys()]) settle(key, ({ reject }) => reject(down(cause)));
  };
  const testLater = () => {
    clearTimeout(testTimer);
    testTimer = setTimeout(() => test().catch(() => socket?.destroy()), testEveryMs);
    testTimer.unref();
  };

  const connect = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const { host, port, tls } = options;
      const fresh =
        tls === undefined
          ? connectPlain({ host, port }, () => resolve(fresh))
          : connectTls({ host, port, ...clientTlsOptions(tls) }, () => resolve(fresh));
      socket = fresh;
      const reader = createFrameReader(MAX_ISO8583_BYTES);
      fresh.setNoDelay(true);
      fresh.on('data', (chunk) => {
        try {
          for (const bytes of reader.push(chunk)) {
            settle(correlationOfAnswer(decodeIso8583(bytes)), (call) => call.resolve(bytes));
          }
          testLater();
        } catch {
          fresh.destroy();
        }
      });
      let cause: unknown;
      fresh.on('error', (error) => {
        cause = error;
      });
      fresh.on('close', () => {
        reject(down(cause));
        lose(fresh, cause);
      });
    });

  const send = async (request: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> => {
    if (closed) throw down();
    const key = correlationOfRequest(decodeIso8583(request));
    // The same message again while it waits: one answer serves both.
    const twin = waiting.get(key);
    if (twin !== undefined) return twin.promise;
    if (waiting.size >= maxWaiting) throw new InterchangeError('LINK_BUSY', `${maxWaiting} messages wait already`);

    const late = () => settle(key, ({ reject }) => reject(new InterchangeError('LINK_TIMEOUT', 'no answer in time')));
    const call: Waiting = { ...Promise.withResolvers<Uint8Array>(), timeout: setTimeout(late, answerMs) };
    waiting.set(key, call);
    const leave = () => settle(key, ({ reject }) => reject(down(signal?.reason)));
    signal?.addEventListener('abort', leave, { once: true });
    if (signal?.aborted) leave();
    try {
      open ??= connect();
      open.then(
        (live) => live.write(encodeFrame(request)),
        (error) => settle(key, ({ reject }) => reject(error)),
      );
      return await call.promise;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  };

  const test = async (): Promise<void> => {
    stan = nextStan(stan);
    await send(encodeCardRequest({ type: 'test', transmittedAt: transmissionTime(nowMs()), stan }));
  };

  return {
    send,
    test,
    close() {
      closed = true;
      clearTimeout(testTimer);
      socket?.destroy();
    },
  };
}

function down(cause?: unknown): InterchangeError {
  return new InterchangeError('LINK_DOWN', 'the link is down', { cause });
}
