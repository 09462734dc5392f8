/**
 * Load over keep-alive connections, as cheap as it can be made: whole requests are written as bytes, and of the answers no more is looked
 * at than where each ends and whether it is a 200. So the server's core is what limits.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Requests of one connection, sent one after the other, each when the one before is answered. */
export type Requests = readonly Uint8Array[];

export interface LoadResult {
  readonly perSecond: number;
  /** Microseconds of each request, in no order. */
  readonly latenciesUs: Float64Array;
}

export interface Load {
  run(requests: readonly Requests[]): Promise<LoadResult>;
  close(): void;
}

export async function openLoad(to: {
  readonly port: number;
  readonly connections: number;
  readonly tls: boolean;
}): Promise<Load> {
  const lines = await Promise.all(Array.from({ length: to.connections }, () => openLine(to)));
  return {
    async run(requests) {
      const total = requests.reduce((sum, { length }) => sum + length, 0);
      const latenciesUs = new Float64Array(total);
      let at = 0;
      const start = performance.now();
      await Promise.all(
        requests.map((own, line) =>
          lines[line]!.send(own, (latencyMs) => {
            latenciesUs[at++] = latencyMs * 1000;
          }),
        ),
      );
      return { perSecond: (total * 1000) / (performance.now() - start), latenciesUs };
    },
    close() {
      for (const { socket } of lines) socket.destroy();
    },
  };
}

interface Line {
  readonly socket: Socket;
  send(requests: Requests, answered: (latencyMs: number) => void): Promise<void>;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const OK = 'HTTP/1.1 200 ';
const LENGTH = '\r\ncontent-length: ';

async function openLine({ port, tls }: { readonly port: number; readonly tls: boolean }): Promise<Line> {
  const options = { port, host: '127.0.0.1', noDelay: true };
  const socket = tls ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
  await new Promise<void>((resolve, reject) =>
    socket.once(tls ? 'secureConnect' : 'connect', resolve).once('error', reject),
  );
  let take: (chunk: Buffer) => void = () => {};
  let broken: unknown;
  let fail: (cause: unknown) => void = () => {};
  const breakOff = (cause: unknown) => {
    broken ??= cause;
    fail(broken);
  };
  socket.on('data', (chunk: Buffer) => take(chunk));
  socket.on('error', breakOff);
  socket.on('close', () => breakOff(new Error('the server closed a connection')));
  return {
    socket,
    send: (requests, answered) =>
      new Promise<void>((resolve, reject) => {
        fail = reject;
        if (broken !== undefined) reject(broken);
        let sent = 0;
        let sentAt = 0;
        let rest: Buffer | undefined;
        const next = () => {
          if (sent === requests.length) {
            resolve();
            return;
          }
          sentAt = performance.now();
          socket.write(requests[sent++]!);
        };
        take = (chunk) => {
          const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
          const whole = lengthOfAnswer(bytes);
          if (whole === undefined || bytes.length < whole) {
            rest = bytes;
            return;
          }
          rest = undefined;
          if (bytes.length > whole || !isOk(bytes)) {
            reject(new Error(`an answer that was not looked for: ${bytes.toString('latin1').slice(0, 2000)}`));
            return;
          }
          answered(performance.now() - sentAt);
          next();
        };
        next();
      }),
  };
}

function isOk(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, OK.length) === OK;
}

/** Undefined while the head is not whole. */
function lengthOfAnswer(bytes: Buffer): number | undefined {
  const head = bytes.indexOf(HEAD_END);
  if (head < 0) return undefined;
  const text = bytes.toString('latin1', 0, head).toLowerCase();
  const at = text.indexOf(LENGTH);
  if (at < 0) throw new Error('an answer without its length');
  return head + HEAD_END.length + Number.parseInt(text.slice(at + LENGTH.length), 10);
}
