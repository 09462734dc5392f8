/**
 * A SET purchase between separate wallet, merchant and gateway machines, each on its own SQLite journal: how much of its time is
 * cryptography that no implementation could leave out, how many a second, and what an open one weighs in memory.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { countPrimitives, measurePrimitives, type Primitive, type PrimitiveCounts } from './crypto-primitives.ts';
import type { Measurement } from './measurement.ts';
import { type BenchWorld, openBenchWorld } from './set-world.ts';

const IN_FLIGHT = 256;
const PURCHASES = 2048;
const ROUNDS = 5;
const HELD = 1000;

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

function sumOf(counts: PrimitiveCounts, bare: ReadonlyMap<Primitive, number>): number {
  return [...counts].reduce((sum, [primitive, count]) => sum + count * (bare.get(primitive) ?? 0), 0);
}

interface Round {
  readonly purchaseUs: number;
  readonly cryptoUs: number;
}

/** The bare primitives are measured beside each round, so that whatever else the machine does falls on both. */
async function runRounds(world: BenchWorld, counts: PrimitiveCounts): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const before = sumOf(counts, measurePrimitives());
    const purchaseUs = await drive(world);
    const after = sumOf(counts, measurePrimitives());
    if (round > 0) rounds.push({ purchaseUs, cryptoUs: (before + after) / 2 });
  }
  return rounds;
}

/** Bytes that one more purchase costs while it waits for the card network, in all three machines together. */
async function weighOpenPurchases(world: BenchWorld): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  for (let i = 0; i < 32; i++) await world.hold();
  const before = used();
  for (let i = 0; i < HELD; i++) await world.hold();
  const bytes = (used() - before) / HELD;
  world.release();
  return bytes;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

export async function benchSetPurchase(): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'handsel-bench-'));
  const world = await openBenchWorld(folder);
  try {
    // Until every card and party has been met once: certificate paths are validated once, not at every purchase.
    for (let i = 0; i < 128; i++) await world.purchase();
    const counts = await countPrimitives(() => world.purchase());
    const rounds = await runRounds(world, counts);
    const share = median(rounds.map(({ purchaseUs, cryptoUs }) => cryptoUs / purchaseUs));
    const purchaseUs = median(rounds.map((round) => round.purchaseUs));
    const bytes = await weighOpenPurchases(world);
    const told = { target: null, met: true } as const;
    const operations = [...counts.values()].reduce((sum, count) => sum + count, 0);
    return [
      {
        name: 'SET purchase: its cryptographic primitives bare, share of the whole',
        ...{ value: share, unit: 'ratio', better: 'higher', target: 0.5, met: share >= 0.5 },
      },
      { name: 'SET purchase: whole, 256 in flight', value: purchaseUs, unit: 'µs', better: 'lower', ...told },
      {
        name: 'SET purchase: a second, three machines',
        value: 1e6 / purchaseUs,
        unit: '1/s',
        better: 'higher',
        ...told,
      },
      { name: 'SET purchase: cryptographic primitives', value: operations, unit: 'calls', better: 'lower', ...told },
      {
        name: 'SET purchase: memory while open, all three machines',
        ...{ value: bytes / 1024, unit: 'KB', better: 'lower', target: 24, met: bytes <= 24 * 1024 },
      },
    ];
  } finally {
    await world.close();
    await rm(folder, { recursive: true });
  }
}
