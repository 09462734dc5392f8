/**
 * The HTTP client of a party: a pool of kept-alive TLS 1.3 connections, bounded answers, bounded time, no redirects.
 * Plain HTTP goes out only from a client without TLS, so that a wrong URL cannot take a message off the protected path.
 */
import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { readWhole } from './request-body.ts';
import type { ClientTls } from './tls.ts';
import { clientTlsOptions } from './tls.ts';
import type { Tracer } from './trace.ts';
import { TransportError } from './transport-error.ts';
import { whyUnreachable } from './why-unreachable.ts';

export interface ClientLimits {
  /** Largest answer, in bytes (downloads are bounded by whoever reads them). */
  readonly maxBytes: number;
  /** Time until the answer is there, from connecting on. */
  readonly timeoutMs: number;
  /** Most connections at once to one party, default 64; further requests wait. */
  readonly maxConnections?: number;
}

export interface ClientOptions {
  /** The party's own name, for traces. */
  readonly name: string;
  readonly tls?: ClientTls;
  readonly limits: ClientLimits;
  readonly tracer?: Tracer;
  /** The name of the party at a URL, for traces; default its host. */
  readonly nameOf?: (url: URL) => string;
}

export interface PostedMessage {
  /** The message's name, for traces. */
  readonly kind: string;
  readonly contentType: string;
  /** File ending in traces. */
  readonly extension: string;
  readonly body: Uint8Array;
  /** Besides content type and length. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

export interface Download {
  readonly status: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** To be read to its end or destroyed. */
  readonly stream: IncomingMessage;
}

/** Any HTTP status is an answer; only what kept an answer from coming is thrown, as TransportError. */
export interface Client {
  post(url: string, message: PostedMessage, signal?: AbortSignal): Promise<Answer>;
  get(url: string, signal?: AbortSignal): Promise<Answer>;
  /** `from` asks for the bytes from there on, up to and including `to` where that is given, if the server can (status 206). */
  download(
    url: string,
    options?: { readonly from?: number; readonly to?: number },
    signal?: AbortSignal,
  ): Promise<Download>;
  /** Cuts every connection. */
  close(): void;
}

interface Ask {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Record<string, string | number>;
  readonly body?: Uint8Array;
}

const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 16 * 1024;

export function createClient(options: ClientOptions): Client {
  const { limits, tracer, name } = options;
  const nameOf = options.nameOf ?? ((url: URL) => url.host);
  const pool = { keepAlive: true, maxSockets: limits.maxConnections ?? MAX_CONNECTIONS, scheduling: 'lifo' } as const;
  const agent =
    options.tls === undefined ? new PlainAgent(pool) : new TlsAgent({ ...pool, ...clientTlsOptions(options.tls) });

  const open = async (ask: Ask, signal: AbortSignal): Promise<IncomingMessage> => {
    try {
      return await exchange(agent, ask, signal);
    } catch (error) {
      // The server closed a kept-alive connection just as it was used again. Every message of ours may be repeated.
      if (error instanceof StaleConnection) return exchange(agent, ask, signal);
      throw error;
    }
  };

  const fetchWhole = async (ask: Ask, outer: AbortSignal | undefined): Promise<Answer> => {
    const timeout = AbortSignal.timeout(limits.timeoutMs);
    const signal = outer === undefined ? timeout : AbortSignal.any([outer, timeout]);
    try {
      const incoming = await open(ask, signal);
      try {
        const body = await readWhole(incoming, limits.maxBytes, 'ANSWER_TOO_LARGE');
        return { status: incoming.statusCode!, contentType: incoming.headers['content-type'] ?? '', body };
      } finally {
        if (!incoming.complete) incoming.destroy();
      }
    } catch (error) {
      if (!timeout.aborted) throw error;
      throw new TransportError('ANSWER_TIMEOUT', `no answer within ${limits.timeoutMs} ms`, { cause: error });
    }
  };

  return {
    async post(address, { kind, contentType, extension, body, headers: further }, signal) {
      const url = targetOf(address, options.tls !== undefined);
      const to = nameOf(url);
      tracer?.record({ from: name, to, kind, extension, bytes: body });
      const headers = { ...further, 'content-type': contentType, 'content-length': body.length };
      const answer = await fetchWhole({ method: 'POST', url, headers, body }, signal);
      tracer?.record({ from: to, to: name, ...answerName(kind, extension, answer), bytes: answer.body });
      return answer;
    },
    async get(address, signal) {
      return fetchWhole({ method: 'GET', url: targetOf(address, options.tls !== undefined), headers: {} }, signal);
    },
    async download(address, { from, to } = {}, signal = new AbortController().signal) {
      const url = targetOf(address, options.tls !== undefined);
      const headers: Record<string, string> = from === undefined ? {} : { range: `bytes=${from}-${to ?? ''}` };
      const stream = await open({ method: 'GET', url, headers }, signal);
      const contentType = stream.headers['content-type'] ?? '';
      return { status: stream.statusCode!, contentType, headers: stream.headers, stream };
    },
    close: () => agent.destroy(),
  };
}

class StaleConnection extends TransportError {}

function exchange(agent: PlainAgent | TlsAgent, ask: Ask, signal: AbortSignal): Promise<IncomingMessage> {
  const { method, url, headers, body } = ask;
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? tlsRequest : plainRequest;
    const request = send(url, { method, headers, agent, signal, maxHeaderSize: MAX_HEADER_BYTES });
    request.once('response', resolve);
    request.on('error', (cause: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
      reject(
        stale
          ? new StaleConnection('PEER_UNREACHABLE', `${url.origin} closed the connection`, { cause })
          : failure(cause, url),
      );
    });
    request.end(body);
  });
}

function failure(cause: NodeJS.ErrnoException, url: URL): TransportError {
  const code = cause.code ?? '';
  const detail = { host: url.host };
  if (/CERT|SIGNATURE|ALTNAME|CRL|SSL|TLS/.test(code)) {
    return new TransportError('PEER_NOT_TRUSTED', `no trusted connection to ${url.origin} could be made`, {
      cause,
      detail,
    });
  }
  const why = whyUnreachable(cause, url);
  return new TransportError('PEER_UNREACHABLE', `nobody could be reached at ${url.origin}: ${why}`, { cause, detail });
}

function targetOf(address: string, secure: boolean): URL {
  const url = URL.parse(address);
  if (url?.protocol !== (secure ? 'https:' : 'http:')) {
    throw new TransportError('INSECURE_URL', `this client only asks ${secure ? 'https' : 'http'} addresses`);
  }
  return url;
}

/** `PInitReq` is answered by `PInitRes`; what is not a request by name gets `Answer` appended. */
function answerName(kind: string, extension: string, answer: Answer): { kind: string; extension: string } {
  if (answer.contentType.startsWith('application/problem+json')) return { kind: `${kind}Refused`, extension: 'json' };
  return { kind: kind.endsWith('Req') ? `${kind.slice(0, -3)}Res` : `${kind}Answer`, extension };
}
