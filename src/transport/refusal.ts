/** Sending a refusal, also where the request could not be read as HTTP at all, without leaving the peer's bytes in the way. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { HandselError } from '../handsel-error.ts';
import { PROBLEM_TYPE, problemFor } from './problem.ts';
import { TransportError } from './transport-error.ts';

/** How long a refused sender may go on sending before the line is cut: cut at once, it might never read why. */
const LINGER_MS = 500;

export function sendProblem(incoming: IncomingMessage, outgoing: ServerResponse, error: unknown): void {
  if (outgoing.headersSent || outgoing.destroyed) {
    outgoing.destroy();
    return;
  }
  const { status, body } = problemFor(error);
  const detail = error instanceof HandselError ? error.detail : {};
  if (typeof detail.allow === 'string') outgoing.setHeader('allow', detail.allow);
  if (typeof detail.waitMs === 'number') outgoing.setHeader('retry-after', Math.ceil(detail.waitMs / 1000));
  if (typeof detail.size === 'number') outgoing.setHeader('content-range', `bytes */${detail.size}`);
  if (status === 503) outgoing.setHeader('retry-after', 1);

  if (!incoming.complete) {
    outgoing.shouldKeepAlive = false;
    incoming.resume();
    const cut = setTimeout(() => incoming.socket.destroy(), LINGER_MS);
    incoming.socket.once('close', () => clearTimeout(cut));
  }
  outgoing.writeHead(status, {
    'content-type': PROBLEM_TYPE,
    'content-length': body.length,
    'cache-control': 'no-store',
  });
  outgoing.end(body);
}

/** Listener for `clientError`: what Node's parser or its clock refused before there was a request. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, body } = problemFor(parserRefusal(error));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${body.length}`,
    'connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  socket.end(body);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function parserRefusal(error: NodeJS.ErrnoException): TransportError {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new TransportError('REQUEST_TIMEOUT', 'the request took too long to arrive');
    case 'HPE_HEADER_OVERFLOW':
      return new TransportError('HEADERS_TOO_LARGE', 'the headers are too large');
    default:
      return new TransportError('REQUEST_MALFORMED', 'this is not HTTP/1.1');
  }
}
