/** The one source of secret randomness; everything else takes a `Random` as an argument so that tests can seed it. */
import { randomFillSync } from 'node:crypto';

/** Gives `length` random bytes. */
export type Random = (length: number) => Uint8Array;

/** Drawn in blocks: a call into OpenSSL costs as much for 20 bytes as for thousands. What was given out is wiped from the block. */
const BLOCK_LENGTH = 4096;
let block = new Uint8Array(0);
let used = 0;

export const systemRandom: Random = (length) => {
  if (length > BLOCK_LENGTH / 8) return randomFillSync(new Uint8Array(length));
  if (used + length > block.length) {
    block = randomFillSync(new Uint8Array(BLOCK_LENGTH));
    used = 0;
  }
  const bytes = block.slice(used, used + length);
  block.fill(0, used, used + length);
  used += length;
  return bytes;
};
