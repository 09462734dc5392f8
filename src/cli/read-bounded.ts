/** Reads a file that came from somebody else: no more of it than what it should be can have, whatever it is and however long. */
import { closeSync, openSync, readSync } from 'node:fs';
import { HandselError } from '../handsel-error.ts';

const PIECE = 1 << 20;

/** @throws HandselError `FILE_TOO_LARGE`; what the system says of a file that cannot be read */
export function readBounded(file: string, maxBytes: number): Uint8Array {
  const descriptor = openSync(file, 'r');
  try {
    const pieces: Buffer[] = [];
    for (let size = 0; ; ) {
      const piece = Buffer.allocUnsafe(PIECE);
      const count = readSync(descriptor, piece);
      if (count === 0) return new Uint8Array(Buffer.concat(pieces));
      size += count;
      if (size > maxBytes)
        throw new HandselError('FILE_TOO_LARGE', `${file} is longer than it could be: ${maxBytes} bytes`);
      pieces.push(piece.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
}
