/** Asking for a stream: a WebSocket, or the server's refusal as an ordinary response. */
import { rootCertificates } from 'node:tls';
import { WebSocket } from 'ws';
import { STREAM_PROTOCOL } from '../message/stream-frame.ts';
import { wireOptions } from '../message/stream-wire.ts';

export type Dialled =
  /** Nothing is read from it before it is resumed. */
  | { readonly type: 'connected'; readonly socket: WebSocket; readonly headers: Headers }
  | { readonly type: 'refused'; readonly response: Response };

export interface DialOptions {
  readonly headers: Headers;
  /** PEM, besides the well-known ones. */
  readonly anchorsPem?: readonly string[];
  /** Until the server has answered. */
  readonly timeoutMs: number;
}

export type Dial = (url: URL, options: DialOptions) => Promise<Dialled>;

const MAX_REFUSAL_BYTES = 65_536;

/** @throws what the network throws when no answer came */
export const dialStream: Dial = (url, { headers, anchorsPem, timeoutMs }) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, STREAM_PROTOCOL, {
      ...{ headers: Object.fromEntries(headers), followRedirects: false, ...wireOptions },
      ...(anchorsPem === undefined ? {} : { ca: [...rootCertificates, ...anchorsPem] }),
    });
    // Its own time limit is one of silence: whoever says a byte now and then would never reach it.
    const late = setTimeout(() => socket.terminate(), timeoutMs);
    let answered = new Headers();
    socket.once('upgrade', (response) => {
      answered = headersOf(response.rawHeaders);
    });
    socket.once('unexpected-response', (request, response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= MAX_REFUSAL_BYTES) chunks.push(chunk);
        else request.destroy();
      });
      response.once('error', reject);
      response.once('close', () => {
        clearTimeout(late);
        const { statusCode: status = 500, rawHeaders } = response;
        resolve({
          type: 'refused',
          response: new Response(Buffer.concat(chunks), { status, headers: headersOf(rawHeaders) }),
        });
      });
    });
    socket.once('error', (cause) => {
      clearTimeout(late);
      reject(cause);
    });
    socket.once('open', () => {
      clearTimeout(late);
      socket.pause();
      resolve({ type: 'connected', socket, headers: answered });
    });
  });

function headersOf(rawHeaders: readonly string[]): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  return headers;
}
