/** Charging as `(req, res, next)`, which is Express middleware, or with the listener after the options, for plain node:http. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { TransportError } from '../../transport/transport-error.ts';
import { PaymentError } from '../message/payment-error.ts';
import type { AnswerRecorder } from './answer-memory.ts';
import { MAX_BODY_BYTES } from './bounded-body.ts';
import type { Admission, Charge, ChargeOptions, Payment } from './charge-terms.ts';
import { refusalFor } from './payment-problem.ts';

/** What the middleware leaves on the request; undefined where the route was free for this request. */
export interface PaidIncoming extends IncomingMessage {
  payment?: Payment | undefined;
  /** Set by Express where a router is mounted below a path. */
  originalUrl?: string;
  /** Bytes, where a parser has read them already (`express.raw()`). */
  body?: unknown;
}

export type NodeMiddleware = (req: PaidIncoming, res: ServerResponse, next: (error?: unknown) => void) => void;
/** As node:http calls it: nobody comes after it. */
export type NodeListener = (req: PaidIncoming, res: ServerResponse) => void | Promise<void>;

export interface NodeCharge {
  /** Express: `app.get('/weather', forNode({ price: '0.0004 EUR' }), handler)` */
  (options: ChargeOptions): NodeMiddleware;
  /** `createServer(forNode({ price: '0.0004 EUR' }, listener))`. What the listener throws is answered with 500. */
  (options: ChargeOptions, listener: NodeListener): NodeListener;
}

export interface NodeChargeOptions {
  readonly maxBodyBytes?: number;
  /** Told what a listener threw, and of a charge that nothing stands behind. */
  onFault?(error: unknown): void;
}

/** Has to stand before any parser of bodies other than `express.raw()`: the payment is for the bytes. */
export function nodeCharge(
  charge: Charge,
  { maxBodyBytes = MAX_BODY_BYTES, onFault }: NodeChargeOptions = {},
): NodeCharge {
  const inFront = (options: ChargeOptions): NodeMiddleware => {
    const gate = charge(options);
    return (req, res, next) => {
      if (typeof next !== 'function') {
        // Thrown, it would end the process of whoever listens.
        onFault?.(new PaymentError('OPTIONS_UNFIT', 'on plain node:http the listener comes after the options'));
        answer(res, refusalFor(new Error('there is nothing behind the charge')));
        return;
      }
      const { method = 'GET', url = '/', originalUrl = url } = req;
      const header = (name: string) => headerOf(req, name);
      const admit = (body: Uint8Array) => gate.admit({ method, target: originalUrl, header, body });
      const admitted = isBodiless(req) ? admit(NOTHING) : bodyOf(req, maxBodyBytes).then(admit);
      admitted.then(
        (admission) => {
          if (goesOn(admission, req, res)) next();
        },
        (error) => {
          req.resume(); // what still comes is dropped: the sender first has to be told
          res.setHeader('connection', 'close');
          answer(res, refusalFor(error));
        },
      );
    };
  };
  const failed = (res: ServerResponse, error: unknown) => {
    onFault?.(error);
    if (res.headersSent) res.destroy();
    else answer(res, refusalFor(error));
  };
  const before = (options: ChargeOptions, listener: NodeListener): NodeListener => {
    const middleware = inFront(options);
    return (req, res) => {
      const served = async () => listener(req, res);
      middleware(req, res, () => void served().catch((error) => failed(res, error)));
    };
  };
  function forNode(options: ChargeOptions): NodeMiddleware;
  function forNode(options: ChargeOptions, listener: NodeListener): NodeListener;
  function forNode(options: ChargeOptions, listener?: NodeListener): NodeMiddleware | NodeListener {
    return listener === undefined ? inFront(options) : before(options, listener);
  }
  return forNode;
}

function goesOn(admission: Admission, req: PaidIncoming, res: ServerResponse): boolean {
  if (admission.type === 'refused') {
    answer(res, admission);
    return false;
  }
  if (admission.type === 'answered') {
    const { status, headers, body } = admission.answer;
    answer(res, { status, headers: gathered(headers), body });
    return false;
  }
  if (admission.type === 'paid') {
    req.payment = admission.payment;
    record(res, admission);
  }
  return true;
}

type Field = readonly [name: string, value: string | number | readonly string[]];

/** Express takes over what the response already had, so the listeners stand on the response itself. */
function record(res: ServerResponse, { headersFor, recorder }: Extract<Admission, { type: 'paid' }>): void {
  const own = res as unknown as Record<'writeHead' | 'write' | 'end', (...given: unknown[]) => unknown>;
  const { writeHead, write, end } = own;
  /** Where they are not on the response. */
  let sent: readonly Field[] | undefined;
  own.writeHead = (...given) => {
    const [status, ...rest] = given as [number, ...unknown[]];
    const late = lateHeaders(rest.find((value) => typeof value === 'object'));
    const reason = rest.filter((value) => typeof value === 'string');
    if (res.getHeaderNames().length === 0) {
      // Node writes an object as it is, several times faster than it takes headers one by one.
      const all: Record<string, Field[1]> = {};
      for (const [name, value] of late) all[name.toLowerCase()] = value;
      Object.assign(all, headersFor(status, textOf(all['cache-control'])));
      sent = Object.entries(all);
      return writeHead.call(res, status, ...reason, all);
    }
    for (const [name, value] of late) res.setHeader(name, value);
    const added = headersFor(status, textOf(res.getHeader('cache-control')));
    for (const [name, value] of Object.entries(added)) res.setHeader(name, value);
    return writeHead.call(res, status, ...reason);
  };
  own.write = (...given) => {
    takeDown(recorder, given);
    return write.call(res, ...given);
  };
  own.end = (...given) => {
    takeDown(recorder, given);
    const ended = end.call(res, ...given);
    recorder.end(res.statusCode, kept(sent ?? (Object.entries(res.getHeaders()) as Field[])));
    return ended;
  };
  // After `end` this changes nothing any more.
  res.on('close', recorder.abandon);
}

function takeDown(recorder: AnswerRecorder, [chunk, encoding]: readonly unknown[]): void {
  if (chunk instanceof Uint8Array) recorder.write(chunk);
  else if (typeof chunk === 'string') {
    recorder.write(Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'));
  }
}

/** As `writeHead` is given them: an object, or names and values in turn. */
function lateHeaders(late: unknown): readonly Field[] {
  if (typeof late !== 'object' || late === null) return [];
  if (!Array.isArray(late)) return Object.entries(late).filter(([, value]) => value !== undefined) as Field[];
  return Array.from({ length: Math.floor(late.length / 2) }, (_, at) => [String(late[at * 2]), late[at * 2 + 1]]);
}

/** All but what is of one sending. */
function kept(sent: readonly Field[]): (readonly [string, string])[] {
  const fields: (readonly [string, string])[] = [];
  for (const [name, value] of sent) {
    if (value === undefined || name === 'transfer-encoding' || name === 'content-length') continue;
    if (typeof value === 'object') for (const one of value) fields.push([name, one]);
    else fields.push([name, String(value)]);
  }
  return fields;
}

function textOf(value: Field[1] | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function gathered(headers: readonly (readonly [string, string])[]): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const [name, value] of headers) {
    const values = all[name];
    if (values === undefined) all[name] = [value];
    else values.push(value);
  }
  return all;
}

function answer(
  res: ServerResponse,
  {
    status,
    headers,
    body,
  }: { readonly status: number; readonly headers: OutgoingHttpHeaders; readonly body: Uint8Array },
): void {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(status, { ...headers, 'content-length': body.length });
  res.end(body);
}

export /** Node drops all but the first of some fields; two credentials have to be seen as two. */
function headerOf({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  const wanted = name.toLowerCase();
  let found: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const field = rawHeaders[at]!;
    if (field.length !== wanted.length || field.toLowerCase() !== wanted) continue;
    found = found === undefined ? rawHeaders[at + 1]! : `${found}, ${rawHeaders[at + 1]}`;
  }
  return found;
}

const NOTHING = new Uint8Array();

/** By RFC 9112 section 6.3: then its stream need not be waited for. */
function isBodiless({ httpVersionMajor, headers, body }: PaidIncoming): boolean {
  const announced = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  return httpVersionMajor === 1 && !announced && !(body instanceof Uint8Array);
}

/** The whole body, put back so that whoever comes after reads it again. */
async function bodyOf(req: PaidIncoming, maxBytes: number): Promise<Uint8Array> {
  if (req.body instanceof Uint8Array) return req.body;
  if (req.readableEnded) return new Uint8Array();
  const announced = Number(req.headers['content-length'] ?? 0);
  const tooLarge = () => new TransportError('BODY_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
  if (announced > maxBytes) throw tooLarge();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (act: () => void) => {
      req.off('readable', read);
      req.off('error', broken);
      req.off('close', broken);
      act();
    };
    const broken = () => settle(() => reject(new TransportError('REQUEST_ABORTED', 'the body broke off')));
    const read = () => {
      for (let chunk: Buffer | null = req.read(); chunk !== null; chunk = req.read()) {
        size += chunk.length;
        chunks.push(chunk);
        if (size > maxBytes) {
          settle(() => reject(tooLarge()));
          return;
        }
      }
      if (!req.complete) return;
      const whole = Buffer.concat(chunks, size);
      settle(() => {
        // Before the stream says that it ended, which it does in a later turn: what is put back now is read before that.
        if (size > 0) req.unshift(whole);
        resolve(new Uint8Array(whole));
      });
    };
    req.on('readable', read);
    req.on('error', broken);
    req.on('close', broken);
  });
}
