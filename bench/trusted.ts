/**
 * Trusted agents: setting up a session between two durable agents, each with its own SQLite journal, against the cryptography that no
 * implementation could leave out; giving a ticket; checking one at a gate; and how small a ticket is.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeTicket } from '../src/trusted/ticket/compact-ticket.ts';
import { countPrimitives, measurePrimitives, type PrimitiveCounts } from './crypto-primitives.ts';
import type { Measurement } from './measurement.ts';
import { openTrustedBench, type TrustedBench } from './trusted-world.ts';

/** As many as the journal needs to group its flushes well. */
const IN_FLIGHT = 256;
const SESSIONS = 2048;
const PURCHASES = 512;
const ROUNDS = 5;

/** Microseconds of wall time each. */
async function drive(work: () => Promise<void>, times: number): Promise<number> {
  let left = times;
  const caller = async () => {
    while (left-- > 0) await work();
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
  return ((performance.now() - start) * 1000) / times;
}

interface Round {
  readonly wholeUs: number;
  readonly cryptoUs: number;
}

/** The bare primitives are measured beside each round, so that whatever else the machine does falls on both. */
async function runRounds(work: () => Promise<void>, counts: PrimitiveCounts, times = SESSIONS): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const before = measurePrimitives(counts);
    const wholeUs = await drive(work, times);
    const after = measurePrimitives(counts);
    if (round > 0) rounds.push({ wholeUs, cryptoUs: (before + after) / 2 });
  }
  return rounds;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

export async function benchTrusted(): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'handsel-bench-'));
  const bench = await openTrustedBench(folder);
  try {
    return [
      ...(await measureSessions(bench)),
      ...(await measurePurchases(bench)),
      ...(await measureGiving(bench)),
      ...measureTickets(bench),
    ];
  } finally {
    await bench.close();
    await rm(folder, { recursive: true });
  }
}

async function measureSessions(bench: TrustedBench): Promise<Measurement[]> {
  for (let i = 0; i < 128; i++) await bench.session();
  const counts = await countPrimitives(() => bench.session());
  const rounds = await runRounds(() => bench.session(), counts);
  const share = median(rounds.map(({ wholeUs, cryptoUs }) => cryptoUs / wholeUs));
  const wholeUs = median(rounds.map((round) => round.wholeUs));
  const told = { target: null, met: true } as const;
  const operations = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [
    {
      name: 'trusted session: its cryptographic primitives bare, share of the whole',
      ...{ value: share, unit: 'ratio', better: 'higher', target: 0.6, met: share >= 0.6 },
    },
    { name: 'trusted session: set up and ended, 256 in flight', value: wholeUs, unit: 'µs', better: 'lower', ...told },
    { name: 'trusted session: cryptographic primitives', value: operations, unit: 'calls', better: 'lower', ...told },
  ];
}

/** With the card network, which is durable, too, and whose cryptography counts as well. */
async function measurePurchases(bench: TrustedBench): Promise<Measurement[]> {
  for (let i = 0; i < 32; i++) await bench.purchase();
  const counts = await countPrimitives(() => bench.purchase());
  const rounds = await runRounds(() => bench.purchase(), counts, PURCHASES);
  const share = median(rounds.map(({ wholeUs, cryptoUs }) => cryptoUs / wholeUs));
  const wholeUs = median(rounds.map((round) => round.wholeUs));
  const told = { target: null, met: true } as const;
  const operations = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [
    {
      name: 'ticket bought by card: its cryptographic primitives bare, share of the whole',
      ...{ value: share, unit: 'ratio', better: 'higher', target: 0.5, met: share >= 0.5 },
    },
    { name: 'ticket bought by card, 256 in flight', value: wholeUs, unit: 'µs', better: 'lower', ...told },
    {
      name: 'ticket bought by card: cryptographic primitives',
      value: operations,
      unit: 'calls',
      better: 'lower',
      ...told,
    },
  ];
}

async function measureGiving(bench: TrustedBench): Promise<Measurement[]> {
  await drive(() => bench.give(), 256);
  const giveUs = await drive(() => bench.give(), 1024);
  const told = { target: null, met: true } as const;
  return [
    {
      name: 'ticket issued to another agent, both durable',
      value: 1e6 / giveUs,
      unit: '1/s',
      better: 'higher',
      ...told,
    },
  ];
}

function measureTickets({ passedOn, validate }: TrustedBench): Measurement[] {
  const bytes = passedOn(5);
  const fresh = passedOn(1);
  const times: number[] = [];
  // Each time other signatures: what was recovered or checked before is remembered.
  for (let round = 0; round < 60; round++) {
    const ticket = passedOn(1);
    const start = performance.now();
    validate(decodeTicket(ticket));
    if (round >= 10) times.push(performance.now() - start);
  }
  const gateMs = median(times);
  return [
    {
      name: 'event ticket after five transfers',
      ...{ value: bytes.length, unit: 'bytes', better: 'lower', target: 1200, met: bytes.length <= 1200 },
    },
    {
      name: 'event ticket after one transfer',
      value: fresh.length,
      unit: 'bytes',
      better: 'lower',
      target: null,
      met: true,
    },
    {
      name: 'ticket after one transfer, of an issuer and a sender never met: read and validated',
      ...{ value: gateMs, unit: 'ms', better: 'lower', target: 2, met: gateMs <= 2 },
    },
  ];
}
