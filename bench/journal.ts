/**
 * What the journal does in a second: 1,024 callers, each waiting for its own record to be durable before the next, with records of
 * realistic size (about 270 bytes, one or two keys), beside the bare cost of flushing. The targets are the journal's; the rows of
 * the host tell what identity, decision and answer cost on top, in one thread with the callers.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { decodeCborExact, encodeCborExact } from '../src/codec/cbor.ts';
import { sha256 } from '../src/crypto/digest.ts';
import { systemClock } from '../src/journal/clock.ts';
import { createGroupCommit } from '../src/journal/group-commit.ts';
import { openHost } from '../src/journal/host.ts';
import type { Journal } from '../src/journal/journal.ts';
import type { Machine } from '../src/journal/machine.ts';
import { openPostgresJournal } from '../src/journal/postgres-journal.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import { findPostgres, startPostgres } from '../test/journal/postgres-cluster.ts';
import type { Measurement } from './measurement.ts';

const callers = 1024;
const bodyBytes = 270;
const warmMs = 1000;
const runMs = 2000;
const rounds = 3;

/** PostgreSQL is measured on a cluster of its own, and left out where it is not installed. */
export async function benchJournal(): Promise<Measurement[]> {
  const directory = mkdtempSync(join(tmpdir(), 'handsel-bench-'));
  const cluster = findPostgres() === undefined ? undefined : await startPostgres({ min_wal_size: '1GB' });
  try {
    let files = 0;
    const makers: [string, () => Promise<Journal>][] = [
      ['sqlite', () => openSqliteJournal({ file: join(directory, `${files++}.db`) })],
    ];
    if (cluster !== undefined) {
      const { connection } = cluster;
      makers.push([
        'postgres',
        async () => {
          await recycleLog(connection);
          return openPostgresJournal({ connection, shard: `bench_${files++}` });
        },
      ]);
    }
    const results = [bareFlush(join(directory, 'bare'))];
    for (const [name, open] of makers) {
      results.push(await bareAppend(name, open));
      results.push(...(await measure(`journal-${name}`, open, throughGroups)));
      const whole = await measure(`host-${name}`, open, throughHost);
      results.push(...whole.map(({ name: row, value, unit, better }) => untargeted(row, value, unit, better)));
    }
    return results;
  } finally {
    await cluster?.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * A server that has run for a while writes into log files it has used before; a new one stops for 40 ms to make each of them.
 * The first measurement fills some, this makes them reusable.
 */
async function recycleLog(connection: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query('CHECKPOINT');
  await client.end();
}

/** The disk alone: writing and flushing what a group of 512 records weighs. */
function bareFlush(file: string): Measurement {
  const group = randomBytes(512 * bodyBytes);
  const descriptor = openSync(file, 'w');
  const times = Array.from({ length: 100 }, () => {
    const start = performance.now();
    writeSync(descriptor, group);
    fdatasyncSync(descriptor);
    return performance.now() - start;
  });
  closeSync(descriptor);
  return untargeted('journal-bare-flush', median(times), 'ms', 'lower');
}

/** The store alone: groups of 512 records appended one after the other, nobody waiting for a single one. */
async function bareAppend(name: string, open: () => Promise<Journal>): Promise<Measurement> {
  const rates = await repeat(async () => {
    const journal = await open();
    let records = 0;
    const start = performance.now();
    while (performance.now() - start < runMs) {
      await journal.append(Array.from({ length: 512 }, realisticEntry));
      records += 512;
    }
    const perSecond = (records / (performance.now() - start)) * 1000;
    await journal.close();
    return perSecond;
  });
  return untargeted(`journal-${name}-bare-append`, median(rates), 'records/s', 'higher');
}

interface Throughput {
  readonly perSecond: number;
  readonly p99Ms: number;
}

async function measure(
  name: string,
  open: () => Promise<Journal>,
  run: (journal: Journal) => Promise<Throughput>,
): Promise<[throughput: Measurement, p99: Measurement]> {
  const outcomes = await repeat(async () => run(await open()));
  const perSecond = median(outcomes.map((outcome) => outcome.perSecond));
  const p99Ms = median(outcomes.map((outcome) => outcome.p99Ms));
  return [
    {
      name: `${name}-throughput`,
      value: perSecond,
      unit: 'records/s',
      better: 'higher',
      target: 30_000,
      met: perSecond >= 30_000,
    },
    { name: `${name}-p99`, value: p99Ms, unit: 'ms', better: 'lower', target: 50, met: p99Ms <= 50 },
  ];
}

async function throughGroups(journal: Journal): Promise<Throughput> {
  const commit = createGroupCommit({ journal, sequence: 0, onCut: () => {}, onRoom: () => {}, onFailure: fail });
  const outcome = await callTogether(() => {
    const { promise, resolve } = Promise.withResolvers<void>();
    commit.add(realisticEntry(), resolve);
    return promise;
  });
  await journal.close();
  return outcome;
}

async function throughHost(journal: Journal): Promise<Throughput> {
  const host = await openHost({
    ...{ machine: transferMachine, journal, clock: systemClock(), random: randomBytes },
    courier: { deliver: () => Promise.reject(new Error('nothing is sent')) },
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  let transfers = 0;
  const outcome = await callTogether(() => {
    const input = {
      id: `transfer-${transfers++}`,
      from: transfers % 10_000,
      to: (transfers * 7) % 10_000,
      amount: 100n,
    };
    return host.handle({ messageId: randomUUID(), digest: sha256(encodeCborExact(input)), input });
  });
  await host.close();
  return outcome;
}

interface Transfer {
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly amount: bigint;
}

const transferMachine: Machine<
  { balances: Map<number, bigint> },
  Transfer,
  Transfer & { atMs: number; memo: Uint8Array }
> = {
  name: 'transfers',
  initial: () => ({ balances: new Map() }),
  decide: (_state, input, { nowMs }) => ({
    records: [{ ...input, atMs: nowMs, memo: new Uint8Array(80) }],
    ...(input.from % 2 === 0 ? { keys: [`account:${input.from}`] } : {}),
    answer: encodeCborExact({ id: input.id, state: 'done' }),
  }),
  apply({ balances }, { from, to, amount }) {
    balances.set(from, (balances.get(from) ?? 0n) - amount);
    balances.set(to, (balances.get(to) ?? 0n) + amount);
  },
  snapshot: ({ balances }) => encodeCborExact([...balances]),
  restore: (bytes) => ({ balances: new Map(decodeCborExact(bytes) as unknown as [number, bigint][]) }),
  received() {
    throw new Error('nothing is sent');
  },
  fired() {
    throw new Error('no timer is set');
  },
};

/** Every caller calls again as soon as its last call is done; the first second, with code still cold, is left out. */
async function callTogether(call: () => Promise<unknown>): Promise<Throughput> {
  const latencies: number[] = [];
  const start = performance.now();
  const warmUntil = start + warmMs;
  const end = warmUntil + runMs;
  const caller = async () => {
    for (let before = performance.now(); before < end; ) {
      await call();
      const after = performance.now();
      if (after > warmUntil && after <= end) latencies.push(after - before);
      before = after;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  latencies.sort((a, b) => a - b);
  return {
    perSecond: (latencies.length / (end - warmUntil)) * 1000,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.POSITIVE_INFINITY,
  };
}

let orders = 0;
const body = randomBytes(bodyBytes);

/** As a transfer: a random message identity, and every second record an order that two records share. */
function realisticEntry() {
  orders++;
  const message = `m:${randomUUID()}`;
  return { keys: orders % 2 === 0 ? [message, `k:order:${orders >> 2}`] : [message], body };
}

async function repeat<T>(run: () => Promise<T>): Promise<T[]> {
  const outcomes: T[] = [];
  for (let round = 0; round < rounds; round++) outcomes.push(await run());
  return outcomes;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function untargeted(name: string, value: number, unit: string, better: 'higher' | 'lower'): Measurement {
  return { name, value, unit, better, target: null, met: true };
}

function fail(cause: unknown): never {
  throw new Error('the journal failed', { cause });
}
