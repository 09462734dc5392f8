/**
 * Charging for streams over WebSocket, as `chargeStream({ price: '0.0004 EUR', per: 'message' }, handler)`: the upgrade request is refused with a
 * challenge like any other, or paid; what comes after is paid in the connection itself (docs/payment-method.md, "Streams").
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { utf8 } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { HostError } from '../../journal/host-error.ts';
import { PROBLEM_TYPE, problemFor } from '../../transport/problem.ts';
import { PaymentError } from '../message/payment-error.ts';
import { type CustomerFrame, readCustomerFrame, STREAM_PROTOCOL } from '../message/stream-frame.ts';
import { CLOSED_FOR_FAULT, openWire, type StreamWire, wireOptions } from '../message/stream-wire.ts';
import { requireChargeSetup, requireStreamOptions } from './charge-options.ts';
import type { ChargeSetup } from './charge-terms.ts';
import { type ChargedStream, createStreamBody, type StreamBody } from './charged-stream.ts';
import { headerOf } from './node-charge.ts';
import { problemOf, type Unpaid } from './payment-check.ts';
import { type RefusedAnswer, refusalFor } from './payment-problem.ts';
import { createStreamAdmission, type PaidEntry, type StreamOptions } from './stream-admission.ts';
import { createStreamMemory } from './stream-memory.ts';

export interface StreamSetup extends ChargeSetup {
  /** At one time, with those whose connection is lost; default 1024. */
  readonly maxStreams?: number;
  /** A stream is brought to its end after this time; default an hour. */
  readonly maxMs?: number;
  /** How long what is served may stay unpaid; default 30 s. */
  readonly unpaidMs?: number;
  /** How long a stream waits for a customer whose connection is lost; default a minute. */
  readonly resumeMs?: number;
}

/** The stream ends when it returns. */
export type StreamHandler = (stream: ChargedStream, request: IncomingMessage) => void | Promise<void>;

export interface StreamRoute {
  /** `server.on('upgrade', route.upgrade)` */
  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void;
  /** Ends what runs; resolves when all is settled, or nobody will settle it. */
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;
const KEY = /^[+/0-9A-Za-z]{22}==$/;

interface Running {
  readonly entry: PaidEntry;
  readonly body: StreamBody;
}

export function createStreamCharge(setup: StreamSetup) {
  requireChargeSetup(setup);
  return (options: StreamOptions, handler: StreamHandler): StreamRoute => createRoute(setup, options, handler);
}

/** @throws PaymentError `OPTIONS_UNFIT`, `PRICE_UNFIT`; MoneyError for a price that cannot be charged */
function createRoute(setup: StreamSetup, options: StreamOptions, handler: StreamHandler): StreamRoute {
  requireStreamOptions(options);
  const { clock, maxStreams = 1024, maxMs = HOUR_MS, unpaidMs = 30_000, resumeMs = 60_000, onFault } = setup;
  const memory = createStreamMemory<Running>(clock, ({ body }) =>
    body.fail(new PaymentError('STREAM_CLOSED', 'the customer has not come back')),
  );
  const running = new Set<StreamBody>();
  let closing = false;
  const created = new WeakMap<PaidEntry, Running>();
  const admission = createStreamAdmission(setup, options, {
    find: (reference) => memory.find(reference)?.entry,
    add: (entry) => begin(entry),
    get isFull() {
      return memory.size >= maxStreams;
    },
    notePayment: memory.notePayment,
  });
  const answers = new WebSocketServer({
    ...{ noServer: true, clientTracking: false, handleProtocols: () => STREAM_PROTOCOL, ...wireOptions },
  });

  /** Before it has a connection: it is paid, and whoever does not get that far comes back to it. */
  const begin = (entry: PaidEntry) => {
    const { payment, target, account } = entry;
    const name = payment.reference;
    const body = createStreamBody({
      ...{ payment, target, account, clock, unpaidMs, per: options.per, priceUnits: admission.priceUnits },
      over() {
        stopAfter();
        running.delete(body);
        memory.keep(name, resumeMs);
      },
    });
    const stopAfter = clock.after(maxMs, () => void body.finish('merchant'));
    running.add(body);
    created.set(entry, { entry, body });
    memory.add(name, { entry, body });
    memory.keep(name, resumeMs);
  };
  const handled = new WeakSet<StreamBody>();
  const handle = async (body: StreamBody, request: IncomingMessage) => {
    if (handled.has(body)) return;
    handled.add(body);
    try {
      await handler(body.stream, request);
    } catch (error) {
      if (!body.stream.signal.aborted) {
        onFault?.(error);
        body.fail(new PaymentError('STREAM_FAILED', 'the merchant cannot go on'), CLOSED_FOR_FAULT);
      }
    }
    await body.finish('merchant');
  };

  const connect = ({ entry, body }: Running, socket: WebSocket, received: number, request: IncomingMessage) => {
    const name = entry.payment.reference;
    const guarded = (take: () => void) => {
      try {
        take();
      } catch (error) {
        refuse(error);
      }
    };
    const refuse = (error: unknown) => {
      if (error instanceof PaymentError) {
        body.fail(error);
        return;
      }
      // What became of it is not known: the customer comes back and asks.
      onFault?.(error);
      wire.close(CLOSED_FOR_FAULT);
    };
    const wire: StreamWire = openWire(socket, {
      text: (text) => guarded(() => take(readCustomerFrame(text))),
      bytes: (bytes) => guarded(() => body.arrived(bytes)),
      closed({ final }) {
        if (!body.isAttached(wire)) return;
        body.detach(wire);
        memory.keep(name, resumeMs);
        if (final || closing) body.fail(new PaymentError('STREAM_CLOSED', 'the customer has broken the stream off'));
      },
    });
    const take = (frame: CustomerFrame) => {
      if (!body.isAttached(wire)) return;
      if (frame.type === 'payment') takePayment(frame);
      else if (frame.type === 'message') body.arrived(frame.text);
      else if (frame.type === 'received') body.taken(frame.count);
      else if (frame.type === 'end') void body.finish('customer');
      else body.fail(new PaymentError('STREAM_FAILED', `the customer says ${frame.code}`));
    };
    const takePayment = ({ type: _, sequence, ...payload }: Extract<CustomerFrame, { type: 'payment' }>) => {
      if (entry.taking !== undefined || sequence !== entry.sequence + 1) {
        throw new PaymentError('FRAME_MALFORMED', `expected payment ${entry.sequence + 1}, one at a time`);
      }
      const { transaction, token, checkpoint } = payload;
      admission.pay(entry, { transaction, token, ...(checkpoint === undefined ? {} : { checkpoint }) }).then(
        () => {
          if (body.isAttached(wire)) wire.frame({ type: 'paid', sequence, paid: entry.account.paidUnits });
          body.paid();
        },
        (error) => {
          const problem = problemOf(error);
          if (problem === undefined) refuse(error);
          else if (body.isAttached(wire)) wire.frame({ type: 'refused', sequence, ...told(problem) });
        },
      );
    };
    memory.keep(name, body.isOver ? resumeMs : undefined);
    guarded(() => body.attach(wire, { received, sequence: entry.sequence }));
    void handle(body, request);
  };

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> => {
    const unfit = unfitHandshake(request);
    if (unfit !== undefined) return answer(socket, unfit);
    if (closing) return answer(socket, refusalFor(new HostError('HOST_STOPPED', 'the server is closing')));
    const admitted = await admission.admit({
      target: request.url ?? '/',
      header: (name) => headerOf(request, name),
    });
    if (admitted.type === 'refused') return answer(socket, admitted);
    const { entry, received, headers } = admitted;
    answers.once('headers', (lines: string[]) => {
      for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    });
    answers.handleUpgrade(request, socket, Buffer.from(head), (accepted) =>
      connect(created.get(entry)!, accepted, received, request),
    );
    answers.removeAllListeners('headers'); // it was answered otherwise
  };

  return {
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy());
      upgrade(request, socket, head).catch((error) => {
        onFault?.(error);
        answer(socket, refusalFor(error));
      });
    },
    async close() {
      closing = true;
      for (const body of running) {
        if (!body.isConnected) body.fail(new PaymentError('STREAM_CLOSED', 'the server is closing'));
      }
      await Promise.all([...running].map((body) => body.finish('merchant')));
      memory.forgetAll();
    },
  };
}

/** Before anything is charged. */
function unfitHandshake({ method, headers }: IncomingMessage): RefusedAnswer | undefined {
  const protocols = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const fit =
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['sec-websocket-version'] === '13' &&
    KEY.test(headers['sec-websocket-key'] ?? '') &&
    protocols.includes(STREAM_PROTOCOL);
  if (fit) return undefined;
  const { status, body } = problemFor(
    new HandselError('HANDSHAKE_UNFIT', `expected a WebSocket of the protocol ${STREAM_PROTOCOL}`),
  );
  return { status, headers: { 'content-type': PROBLEM_TYPE, 'sec-websocket-version': '13' }, body };
}

/** How long whoever is refused may take to read why. Node closes no socket that has asked to be another protocol's. */
const LINGER_MS = 500;

function answer(socket: Duplex, { status, headers, body }: RefusedAnswer): void {
  const cut = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(cut));
  socket.once('end', () => socket.destroy());
  socket.resume(); // what still comes is dropped
  if (!socket.writable) return;
  const fields = { ...headers, 'content-length': String(body.length), connection: 'close' };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  socket.write(utf8(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n`));
  socket.end(body);
}

/** As in the problems of requests: the code of the till, or the type of the problem. */
function told({ type, code, detail = '' }: Unpaid['problem']): { readonly code: string; readonly detail: string } {
  return { code: code ?? type, detail: detail.slice(0, 200) };
}
