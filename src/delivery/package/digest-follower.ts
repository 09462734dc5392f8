/** SHA-256 of a file while another thread still writes it, as far as it says it has come. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** Plain data and shared memory. */
export interface Followed {
  readonly file: string;
  readonly length: number;
  /** One number of 64 bits: how many bytes can be read. -1 when the writer has given up. */
  readonly written: SharedArrayBuffer;
}

const CHUNK = 262_144;
/** The writer wakes us; should it have gone without a word, we look again. */
const LOOK_AGAIN_MS = 1000;

/** Blocks its thread. Undefined when the writer gave up. */
export function followDigest({ file, length, written }: Followed): Uint8Array | undefined {
  const mark = new BigInt64Array(written);
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafeSlow(CHUNK);
  const descriptor = openSync(file, 'r');
  try {
    for (let at = 0; at < length; ) {
      const upTo = Atomics.load(mark, 0);
      if (upTo < 0n) return undefined;
      if (upTo === BigInt(at)) {
        Atomics.wait(mark, 0, upTo, LOOK_AGAIN_MS);
        continue;
      }
      const bytes = readSync(descriptor, chunk, 0, Math.min(CHUNK, Number(upTo) - at), at);
      hash.update(chunk.subarray(0, bytes));
      at += bytes;
    }
    return new Uint8Array(hash.digest());
  } finally {
    closeSync(descriptor);
  }
}

/** For the writer: so many bytes can be read now; -1 to give up. */
export function tellWritten(written: SharedArrayBuffer, bytes: number): void {
  const mark = new BigInt64Array(written);
  Atomics.store(mark, 0, BigInt(bytes));
  Atomics.notify(mark, 0);
}
