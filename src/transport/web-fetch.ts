/**
 * `fetch` for the open web that also trusts anchors of our own, which the platform's cannot be told. It shows no certificate of the asker,
 * follows no redirect (the answer is given as it is), and bounds time and size. A server knows again who comes over the same connection:
 * whoever is not to be known again takes another one of these.
 */
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { Agent, request as tlsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import { concatBytes, utf8 } from '../codec/hex.ts';
import { readWhole } from './request-body.ts';
import type { Tracer } from './trace.ts';
import { TransportError } from './transport-error.ts';
import { whyUnreachable } from './why-unreachable.ts';

export interface WebFetch {
  readonly fetch: typeof globalThis.fetch;
  /** Cuts every connection. */
  close(): void;
}

type Lines = readonly [string, ...(readonly [string, string])[]];

const BODILESS: readonly number[] = [204, 205, 304];

export function createWebFetch(options: {
  /** PEM, besides the well-known ones. */
  readonly anchorsPem: string;
  readonly timeoutMs: number;
  /** Of an answer. */
  readonly maxBytes: number;
  /** Requests and answers are recorded as they would be written in HTTP/1.1. */
  readonly trace?: { readonly tracer: Tracer; readonly name: string; nameOf(url: URL): string };
}): WebFetch {
  const { anchorsPem, timeoutMs, maxBytes, trace } = options;
  const agent = new Agent({ keepAlive: true, ca: [...rootCertificates, anchorsPem] });
  const record = (kind: 'http-request' | 'http-answer', url: URL, lines: Lines, body: Uint8Array) => {
    if (trace === undefined) return;
    const [first, ...fields] = lines;
    const head = [first, ...fields.map((field) => field.join(': '))].join('\r\n');
    const there = trace.nameOf(url);
    const [from, to] = kind === 'http-request' ? [trace.name, there] : [there, trace.name];
    trace.tracer.record({ from, to, kind, extension: 'http', bytes: concatBytes(utf8(`${head}\r\n\r\n`), body) });
  };

  return {
    async fetch(input, init) {
      const request = new Request(input, init);
      const url = new URL(request.url);
      const body = new Uint8Array(await request.arrayBuffer());
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
      record('http-request', url, [`${request.method} ${url.pathname}${url.search}`, ...request.headers], body);
      const incoming = await exchange(url, { request, body, signal, agent });
      const whole = await readWhole(incoming, maxBytes, 'ANSWER_TOO_LARGE');
      const status = incoming.statusCode!;
      record('http-answer', url, [`${status}`, ...headersOf(incoming)], whole);
      return new Response(BODILESS.includes(status) ? null : Buffer.from(whole), {
        status,
        headers: headersOf(incoming),
      });
    },
    close: () => agent.destroy(),
  };
}

interface Ask {
  readonly request: Request;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
  readonly agent: Agent;
}

/** A server that has ended since, or has had enough of an idle connection, has not seen what was sent on it. */
async function exchange(url: URL, ask: Ask): Promise<IncomingMessage> {
  try {
    return await exchangeOnce(url, ask);
  } catch (error) {
    if (!(error instanceof StaleConnection) || !REPEATABLE.includes(ask.request.method)) throw error;
    return exchangeOnce(url, ask);
  }
}

class StaleConnection extends TransportError {}

const REPEATABLE: readonly string[] = ['GET', 'HEAD'];

function exchangeOnce(url: URL, { request, body, signal, agent }: Ask): Promise<IncomingMessage> {
  const headers = Object.fromEntries(request.headers);
  const { method } = request;
  return new Promise((resolve, reject) => {
    const sent =
      url.protocol === 'https:'
        ? tlsRequest(url, { method, headers, signal, agent })
        : plainRequest(url, { method, headers, signal });
    sent.once('response', resolve);
    sent.once('error', (cause: NodeJS.ErrnoException) => {
      const stale = sent.reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
      const Failure = stale ? StaleConnection : TransportError;
      const detail = { host: url.host };
      const why = whyUnreachable(cause, url);
      reject(new Failure('PEER_UNREACHABLE', `no answer came from ${url.origin}: ${why}`, { cause, detail }));
    });
    sent.end(body);
  });
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  return headers;
}
