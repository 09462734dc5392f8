/** Bodies read whole before they are paid for, bounded while they arrive: the payment is for just these bytes. */
import { TransportError } from '../../transport/transport-error.ts';

/** Bytes; default of every adapter. */
export const MAX_BODY_BYTES = 2 ** 20;

/** @throws TransportError `BODY_TOO_LARGE` */
export async function readBounded(stream: AsyncIterable<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new TransportError('BODY_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks, size));
}
