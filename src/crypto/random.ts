/** The one source of secret randomness; everything else takes a `Random` as an argument so that tests can seed it. */
import { randomBytes } from 'node:crypto';

/** Gives `length` random bytes. */
export type Random = (length: number) => Uint8Array;

export const systemRandom: Random = (length) => new Uint8Array(randomBytes(length));
