/**
 * Session numbers of an operator that is cut into shards: whoever has the operator's key reads the shard in the number, and nobody else sees
 * even that two sessions are of one shard, which would say something of their customers (ERI-D). Four hundred million million numbers, each
 * used once: count and shard go through a Feistel network of six rounds (Luby and Rackoff, 1988), which no two pairs leave alike.
 */
import { createHmac } from 'node:crypto';

export interface SessionPlace {
  /** From 0. */
  readonly shard: number;
  /** Of the sessions of this shard, from 1. */
  readonly count: number;
}

export const MAX_SHARDS = 256;

const HALF = 2 ** 24;
const WHOLE = HALF * HALF;
const ROUNDS = [0, 1, 2, 3, 4, 5] as const;

/** Above zero and below 10^15. */
export function sessionNumber(key: Uint8Array, { shard, count }: SessionPlace): number {
  const plain = count * MAX_SHARDS + shard;
  let [left, right] = [Math.floor(plain / HALF), plain % HALF];
  for (const round of ROUNDS) [left, right] = [right, left ^ mix(key, round, right)];
  return left * HALF + right + 1;
}

/** Undefined for what is no number of ours; another number may well name a session that there is not. */
export function sessionPlace(key: Uint8Array, number: number): SessionPlace | undefined {
  if (!Number.isInteger(number) || number < 1 || number > WHOLE) return undefined;
  let [left, right] = [Math.floor((number - 1) / HALF), (number - 1) % HALF];
  for (const round of ROUNDS.toReversed()) [left, right] = [right ^ mix(key, round, left), left];
  const plain = left * HALF + right;
  return { shard: plain % MAX_SHARDS, count: Math.floor(plain / MAX_SHARDS) };
}

/** 24 bits. */
function mix(key: Uint8Array, round: number, half: number): number {
  const input = Buffer.allocUnsafe(5);
  input.writeUInt8(round, 0);
  input.writeUInt32BE(half, 1);
  return createHmac('sha256', key).update(input).digest().readUIntBE(0, 3);
}
