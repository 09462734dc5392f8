/** What a party serves: handlers by method and path, and the request and response they deal in. */
import type { Readable } from 'node:stream';
import { TrieRouter } from 'hono/router/trie-router';
import type { PeerIdentity } from './tls.ts';
import { TransportError } from './transport-error.ts';

export interface Request {
  /** Present when the peer proved an identity by its communication certificate. */
  readonly peer?: PeerIdentity;
  /** Path and query, as they came. */
  readonly target: string;
  /** The `:name` parts of the route's path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Uint8Array;
  header(name: string): string | undefined;
  /** Aborts when the peer has gone away; the work may still be worth finishing. */
  readonly signal: AbortSignal;
}

export interface Response {
  /** Default 200. */
  readonly status?: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array | ReadableStream<Uint8Array> | Readable;
}

export type Handler = (request: Request) => Promise<Response>;

export type RouteName = `${'GET' | 'POST'} /${string}`;

export type Routes = Readonly<Record<RouteName, Handler>>;

export interface Route {
  readonly name: string;
  readonly handler: Handler;
  readonly params: Readonly<Record<string, string>>;
}

const METHODS = ['GET', 'POST'] as const;

/** @throws (the function returned) TransportError `ROUTE_UNKNOWN`, `METHOD_NOT_ALLOWED` or `REQUEST_MALFORMED`. */
export function createRouter(routes: Routes): (method: string, path: string) => Route {
  const router = new TrieRouter<{ name: string; handler: Handler }>();
  for (const [name, handler] of Object.entries(routes)) {
    const [method, path] = name.split(' ') as [string, string];
    router.add(method, path, { name, handler });
  }
  const find = (method: string, path: string) => router.match(method, path)[0][0];

  return (method, path) => {
    const found = find(method, path);
    if (found !== undefined) return { ...found[0], params: decodeParams(found[1] as Record<string, string>) };
    const others = METHODS.filter((other) => find(other, path) !== undefined);
    if (others.length === 0) throw new TransportError('ROUTE_UNKNOWN', 'there is nothing at this path');
    throw new TransportError('METHOD_NOT_ALLOWED', `this path takes ${others.join(' and ')}`, {
      detail: { allow: others.join(', ') },
    });
  };
}

function decodeParams(params: Readonly<Record<string, string>>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch (cause) {
    throw new TransportError('REQUEST_MALFORMED', 'the path is not percent-encoded UTF-8', { cause });
  }
}
