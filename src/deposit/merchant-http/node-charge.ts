/** Charging as `(req, res, next)`: Express middleware, or in front of a plain node:http listener. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { utf8 } from '../../codec/hex.ts';
import { TransportError } from '../../transport/transport-error.ts';
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

/** Has to stand before any parser of bodies other than `express.raw()`: the payment is for the bytes. */
export function nodeCharge(charge: Charge, { maxBodyBytes = MAX_BODY_BYTES }: { readonly maxBodyBytes?: number } = {}) {
  return (options: ChargeOptions): NodeMiddleware => {
    const gate = charge(options);
    return (req, res, next) => {
      const admit = async () => {
        const body = await bodyOf(req, maxBodyBytes);
        const target = req.originalUrl ?? req.url ?? '/';
        return gate.admit({ method: req.method ?? 'GET', target, header: (name) => headerOf(req, name), body });
      };
      admit().then(
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

/** Express takes over what the response already had, so the listeners stand on the response itself. */
function record(res: ServerResponse, { headersFor, recorder }: Extract<Admission, { type: 'paid' }>): void {
  const { writeHead, write, end } = res;
  const own = { writeHead: writeHead.bind(res), write: write.bind(res), end: end.bind(res) } as {
    writeHead(...given: unknown[]): ServerResponse;
    write(...given: unknown[]): boolean;
    end(...given: unknown[]): ServerResponse;
  };
  res.writeHead = (...given: unknown[]) => {
    const [status, ...rest] = given as [number, ...unknown[]];
    const late = rest.find((value) => typeof value === 'object') as OutgoingHttpHeaders | undefined;
    for (const [name, value] of lateHeaders(late)) res.setHeader(name, value);
    const cacheControl = res.getHeader('cache-control');
    const added = headersFor(status, cacheControl === undefined ? undefined : String(cacheControl));
    for (const [name, value] of Object.entries(added)) res.setHeader(name, value);
    return own.writeHead(status, ...rest.filter((value) => typeof value === 'string'));
  };
  res.write = (...given: unknown[]) => {
    takeDown(recorder, given);
    return own.write(...given);
  };
  res.end = (...given: unknown[]) => {
    takeDown(recorder, given);
    const ended = own.end(...given);
    recorder.end(res.statusCode, headersOf(res));
    return ended;
  };
  // After `end` this changes nothing any more.
  res.once('close', () => recorder.abandon());
}

function takeDown(recorder: AnswerRecorder, [chunk, encoding]: readonly unknown[]): void {
  if (chunk instanceof Uint8Array) recorder.write(chunk);
  else if (typeof chunk === 'string') {
    const named = typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8';
    recorder.write(named === 'utf8' ? utf8(chunk) : Buffer.from(chunk, named));
  }
}

function lateHeaders(
  late: OutgoingHttpHeaders | undefined,
): (readonly [string, string | number | readonly string[]])[] {
  if (late === undefined) return [];
  if (!Array.isArray(late))
    return Object.entries(late).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return Array.from(
    { length: Math.floor(late.length / 2) },
    (_, index) => [String(late[index * 2]), late[index * 2 + 1]] as const,
  );
}

function headersOf(res: ServerResponse): (readonly [string, string])[] {
  return Object.entries(res.getHeaders()).flatMap(([name, value]) => {
    if (value === undefined || name === 'transfer-encoding' || name === 'content-length') return [];
    return (Array.isArray(value) ? value : [value]).map((one) => [name, String(one)] as const);
  });
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

export function headerOf(req: IncomingMessage, name: string): string | undefined {
  // Node drops all but the first of some fields; two credentials have to be seen as two.
  return req.headersDistinct[name.toLowerCase()]?.join(', ');
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
