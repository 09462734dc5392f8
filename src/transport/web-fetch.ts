/**
 * `fetch` for the open web that also trusts anchors of our own, which the platform's cannot be told. It shows no certificate of the asker,
 * follows no redirect (the answer is given as it is), and bounds time and size.
 */
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { Agent, request as tlsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import { readWhole } from './request-body.ts';
import { TransportError } from './transport-error.ts';

export interface WebFetch {
  readonly fetch: typeof globalThis.fetch;
  /** Cuts every connection. */
  close(): void;
}

const BODILESS: readonly number[] = [204, 205, 304];

export function createWebFetch(options: {
  /** PEM, besides the well-known ones. */
  readonly anchorsPem: string;
  readonly timeoutMs: number;
  /** Of an answer. */
  readonly maxBytes: number;
}): WebFetch {
  const { anchorsPem, timeoutMs, maxBytes } = options;
  const agent = new Agent({ keepAlive: true, ca: [...rootCertificates, anchorsPem] });

  return {
    async fetch(input, init) {
      const request = new Request(input, init);
      const url = new URL(request.url);
      const body = new Uint8Array(await request.arrayBuffer());
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
      const incoming = await exchange(url, { request, body, signal, agent });
      const whole = await readWhole(incoming, maxBytes, 'ANSWER_TOO_LARGE');
      const status = incoming.statusCode!;
      return new Response(BODILESS.includes(status) ? null : Buffer.from(whole), {
        status,
        headers: headersOf(incoming),
      });
    },
    close: () => agent.destroy(),
  };
}

function exchange(
  url: URL,
  given: { readonly request: Request; readonly body: Uint8Array; readonly signal: AbortSignal; readonly agent: Agent },
): Promise<IncomingMessage> {
  const { request, body, signal, agent } = given;
  const headers = Object.fromEntries(request.headers);
  const { method } = request;
  return new Promise((resolve, reject) => {
    const sent =
      url.protocol === 'https:'
        ? tlsRequest(url, { method, headers, signal, agent })
        : plainRequest(url, { method, headers, signal });
    sent.once('response', resolve);
    sent.once('error', (cause) =>
      reject(
        new TransportError('PEER_UNREACHABLE', `no answer came from ${url.origin}`, {
          cause,
          detail: { host: url.host },
        }),
      ),
    );
    sent.end(body);
  });
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  return headers;
}
