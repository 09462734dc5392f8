/** Bodies read whole, bounded while they arrive rather than after. */
import type { IncomingMessage } from 'node:http';
import { TransportError } from './transport-error.ts';

const NOTHING = new Uint8Array();

/**
 * The body of a request or an answer.
 * @throws TransportError `tooLarge` as soon as more than `maxBytes` are announced or seen, `REQUEST_ABORTED` when it breaks off.
 */
export async function readWhole(
  incoming: IncomingMessage,
  maxBytes: number,
  tooLarge: 'BODY_TOO_LARGE' | 'ANSWER_TOO_LARGE',
): Promise<Uint8Array> {
  const announced = Number(incoming.headers['content-length'] ?? 0);
  const refuse = () => new TransportError(tooLarge, `the body is larger than ${maxBytes} bytes`);
  if (announced > maxBytes) throw refuse();

  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        // What still comes is dropped unread: the sender first has to be told.
        incoming.removeAllListeners('data').resume();
        reject(refuse());
        return;
      }
      chunks.push(chunk);
    });
    incoming.on('end', () => resolve(join(chunks, size)));
    incoming.on('error', (cause) => reject(new TransportError('REQUEST_ABORTED', 'the body broke off', { cause })));
    incoming.on('close', () => {
      // Also the end of a body that came whole, and an error costs a stack trace.
      if (!incoming.readableEnded) reject(new TransportError('REQUEST_ABORTED', 'the body broke off'));
    });
  });
}

function join(chunks: readonly Buffer[], size: number): Uint8Array {
  if (size === 0) return NOTHING;
  const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
  return new Uint8Array(whole.buffer, whole.byteOffset, whole.byteLength);
}
