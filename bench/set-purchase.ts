/**
 * A SET purchase between separate wallet, merchant and gateway machines, each on its own SQLite journal: how much of its time is
 * cryptography that no implementation could leave out, how many a second, and what an open one weighs in memory.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { countPrimitives, measurePrimitives, type PrimitiveCounts } from './crypto-primitives.ts';
import type { Measurement } from './measurement.ts';
import { type BenchWorld, openBenchWorld } from './set-world.ts';

/** As many callers as the journal is measured with. */
const IN_FLIGHT = 1024;
const PURCHASES = 4096;
const ROUNDS = 5;
const HELD = 1000;
const REST_MS = 1000;

/** Microseconds of wall time a purchase. */
async function drive(world: BenchWorld): Promise<number> {
  let left = PURCHASES;
  const customer = async () => {
    while (left-- > 0) await world.purchase();
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, customer));
  return ((performance.now() - start) * 1000) / PURCHASES;
}

interface Round {
  readonly purchaseUs: number;
  readonly cryptoUs: number;
}

/** The bare primitives are measured beside each round, so that whatever else the machine does falls on both. */
async function runRounds(world: BenchWorld, counts: PrimitiveCounts): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const before = measurePrimitives(counts);
    const purchaseUs = await drive(world);
    const after = measurePrimitives(counts);
    if (round > 0) rounds.push({ purchaseUs, cryptoUs: (before + after) / 2 });
  }
  return rounds;
}

/** Bytes that one more purchase costs the operator's gateway while it waits for the card network. */
async function weighOpenPurchases(world: BenchWorld): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = async () => {
    // Snapshots and deliveries under way must have come to rest.
    await sleep(REST_MS);
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  await meetEveryCard(world);
  const requests: Uint8Array[] = [];
  for (let i = 0; i < 2 * HELD; i++) requests.push(await world.interceptAtGateway());
  await world.leaveGateway();
  for (const request of requests.slice(0, HELD)) await world.hold(request.slice());
  const before = await used();
  for (const request of requests.slice(HELD)) await world.hold(request.slice());
  const bytes = ((await used()) - before) / HELD;
  world.release();
  return bytes;
}

/** Certificate paths are validated once, not at every purchase. */
async function meetEveryCard(world: BenchWorld): Promise<void> {
  for (let i = 0; i < 128; i++) await world.purchase();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

async function inWorld<T>(work: (world: BenchWorld) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'handsel-bench-'));
  const world = await openBenchWorld(folder);
  try {
    return await work(world);
  } finally {
    await world.close();
    await rm(folder, { recursive: true });
  }
}

export async function benchSetPurchase(): Promise<Measurement[]> {
  const timed = await inWorld(timePurchases);
  const bytes = await inWorld(weighOpenPurchases);
  const weighed: Measurement = {
    name: "SET purchase: memory while open, operator's gateway",
    ...{ value: bytes / 1024, unit: 'KB', better: 'lower', target: 8, met: bytes <= 8 * 1024 },
  };
  return [...timed, weighed];
}

async function timePurchases(world: BenchWorld): Promise<Measurement[]> {
  await meetEveryCard(world);
  const counts = await countPrimitives(() => world.purchase());
  const rounds = await runRounds(world, counts);
  const share = median(rounds.map(({ purchaseUs, cryptoUs }) => cryptoUs / purchaseUs));
  const purchaseUs = median(rounds.map((round) => round.purchaseUs));
  const told = { target: null, met: true } as const;
  const operations = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [
    {
      name: 'SET purchase: its cryptographic primitives bare, share of the whole',
      ...{ value: share, unit: 'ratio', better: 'higher', target: 0.5, met: share >= 0.5 },
    },
    { name: 'SET purchase: whole, 1,024 in flight', value: purchaseUs, unit: 'µs', better: 'lower', ...told },
    {
      name: 'SET purchase: a second, three machines',
      value: 1e6 / purchaseUs,
      unit: '1/s',
      better: 'higher',
      ...told,
    },
    { name: 'SET purchase: cryptographic primitives', value: operations, unit: 'calls', better: 'lower', ...told },
  ];
}
