/**
 * What a second shard brings: sessions a second of one shard, and of two at the same time, each a process on a PostgreSQL of its own, both
 * tied to one core. So a shard is a machine with one core here, and two of them are twice the machine: without that, one shard on two cores
 * would already use both, its process one and its data base half of the other. Customers and acquirers are played in the shard's own
 * process, the same work in both cases; of two shards every second clearing crosses to the other, which is work one shard does not have.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { findPostgres, type PostgresCluster, startPostgres } from '../test/journal/postgres-cluster.ts';
import type { Measurement } from './measurement.ts';
import type { WorkerResult, WorkerTask } from './shard-worker.ts';

const ROUNDS = 3;
const WARM_MS = 2000;
const RUN_MS = 5000;
const WORKER = fileURLToPath(new URL('shard-worker.ts', import.meta.url));

/** Nothing without PostgreSQL, or on one core. */
export async function benchShards(): Promise<readonly Measurement[]> {
  if (findPostgres() === undefined || cpus().length < 2) return [];
  const clusters = await Promise.all([0, 1].map((core) => tiedTo(core, () => startPostgres({ min_wal_size: '1GB' }))));
  try {
    const one: Round[] = [];
    const two: Round[] = [];
    let schemas = 0;
    for (let round = 0; round <= ROUNDS; round++) {
      for (const shards of round % 2 === 0 ? [1, 2] : [2, 1]) {
        const result = await measure(clusters.slice(0, shards), `bench_${schemas++}`);
        if (round > 0) (shards === 1 ? one : two).push(result);
      }
    }
    const ratio = median(two.map(({ perSecond }, at) => perSecond / one[at]!.perSecond));
    const told = { target: null, met: null } as const;
    return [
      {
        name: 'shards: two, sessions a second, of one',
        value: ratio,
        unit: 'ratio',
        better: 'higher',
        target: 1.8,
        met: ratio >= 1.8,
      },
      {
        name: 'shards: one on a core',
        value: median(one.map(({ perSecond }) => perSecond)),
        unit: 'sessions/s',
        better: 'higher',
        ...told,
      },
      {
        name: 'shards: two on two cores',
        value: median(two.map(({ perSecond }) => perSecond)),
        unit: 'sessions/s',
        better: 'higher',
        ...told,
      },
      {
        name: 'shards: clearings that cross, of two',
        value: median(two.map(({ crossing }) => crossing)),
        unit: 'ratio',
        better: 'lower',
        ...told,
      },
      {
        name: 'shards: processor of a session, one',
        value: median(one.map(({ cpuMs }) => cpuMs)),
        unit: 'ms',
        better: 'lower',
        ...told,
      },
      {
        name: 'shards: processor of a session, two',
        value: median(two.map(({ cpuMs }) => cpuMs)),
        unit: 'ms',
        better: 'lower',
        ...told,
      },
    ];
  } finally {
    await Promise.all(clusters.map((cluster) => cluster.stop()));
  }
}

interface Round {
  readonly perSecond: number;
  /** Of a session, on the shards' processes and those of their data bases. */
  readonly cpuMs: number;
  readonly crossing: number;
}

async function measure(clusters: readonly PostgresCluster[], schema: string): Promise<Round> {
  const workers: ChildProcess[] = [];
  for (const [number, { connection }] of clusters.entries()) {
    const { host, user, database } = connection as WorkerTask['connection'];
    const task: WorkerTask = {
      ...{ number, of: clusters.length, schema, warmMs: WARM_MS, runMs: RUN_MS },
      connection: { host, user, database },
    };
    workers.push(await tiedTo(number, async () => fork(WORKER, [JSON.stringify(task)], { execArgv: [] })));
  }
  const urls = await Promise.all(workers.map((worker) => said<string>(worker)));
  const results = workers.map((worker) => said<WorkerResult>(worker));
  const databaseBefore = databaseSeconds(clusters);
  for (const worker of workers) worker.send(urls);
  const all = await Promise.all(results);
  const played = all.reduce((total, { playedInAll }) => total + playedInAll, 0);
  const databaseMs = (1000 * (databaseSeconds(clusters) - databaseBefore)) / played;
  // Together, because what one has carried to the other is answered by it.
  const ended = workers.map((worker) => once(worker, 'exit'));
  for (const worker of workers) worker.send('end');
  for (const [code] of await Promise.all(ended)) if (code !== 0) throw new Error(`a shard ended with code ${code}`);
  const sum = (of: (result: WorkerResult) => number) => all.reduce((total, result) => total + of(result), 0);
  const sessions = sum((result) => result.sessions);
  return {
    perSecond: sum((result) => result.sessions / result.seconds),
    cpuMs: (1000 * sum(({ cpuSeconds }) => cpuSeconds)) / sessions + databaseMs,
    crossing: sum(({ carried }) => carried) / sessions,
  };
}

/** Processor time of all processes of the servers so far; nothing where there is no /proc. */
function databaseSeconds(clusters: readonly PostgresCluster[]): number {
  return (
    clusters.reduce(
      (total, { pid }) => total + [pid, ...childrenOf(pid)].reduce((sum, one) => sum + ticksOf(one), 0),
      0,
    ) / TICKS_A_SECOND
  );
}

const TICKS_A_SECOND = 100;

function childrenOf(pid: number): readonly number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').map(Number) : [];
}

/** With that of children that have ended (proc(5), stat: utime, stime, cutime, cstime). */
function ticksOf(pid: number): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return 0;
  const fields = readFileSync(file, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
    .map(Number);
  return fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0);
}

async function said<T>(worker: ChildProcess): Promise<T> {
  const ended = once(worker, 'exit').then(() => Promise.reject(new Error('a shard has ended')));
  const [message] = await Promise.race([once(worker, 'message'), ended]);
  ended.catch(() => undefined);
  return message as T;
}

/** What is started meanwhile stays on that core for ever; we do not. Without `taskset` (util-linux) nothing is tied. */
async function tiedTo<T>(core: number, start: () => Promise<T>): Promise<T> {
  const tie = (list: string) => {
    try {
      execFileSync('taskset', ['-pc', list, `${process.pid}`], { stdio: 'ignore' });
    } catch {
      // Then the system shares the cores out as it likes, and the ratio says less.
    }
  };
  tie(`${core}`);
  try {
    return await start();
  } finally {
    tie(`0-${cpus().length - 1}`);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
