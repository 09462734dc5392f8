/**
 * What charging costs an HTTP route: the same handler on the same server, free and paid, over keep-alive connections on loopback in turn. The
 * payments are made beforehand; the server checks each and makes it durable before it serves.
 */
import { tmpdir } from 'node:os';
import { type Child, startChild, type Usage } from './child.ts';
import { openLoad } from './keep-alive-load.ts';
import { measureFlushMs } from './machine.ts';
import type { Measurement } from './measurement.ts';
import type { PaidServerReady } from './paid-server.ts';
import { openPayingLoad, type PayingLoad, type Route, requestFor } from './paying-load.ts';

const CONNECTIONS = 64;
const REQUESTS = 150;
/** Of the one connection on which is measured how long an answer takes. */
const ALONE = 400;
const ROUNDS = 7;

interface Turn {
  readonly perSecond: number;
  readonly p50Us: number;
  /** Microseconds of the server's own thread, a request. */
  readonly mainUs: number;
}

interface Pair {
  readonly free: Turn;
  readonly paid: Turn;
}

interface Bench {
  readonly server: Child<PaidServerReady>;
  readonly customers: PayingLoad;
  readonly free: Route;
  readonly paid: Route;
  readonly port: number;
  readonly tls: boolean;
  readonly connections: number;
  readonly requests: number;
}

async function openBench(
  server: Child<PaidServerReady>,
  of: { readonly port: number; readonly tls: boolean; readonly connections: number; readonly requests: number },
): Promise<Bench> {
  const { port, connections } = of;
  const realm = `127.0.0.1:${port}`;
  return {
    ...of,
    server,
    customers: await openPayingLoad(server, connections, `North${port}x${connections}`),
    free: { realm, target: '/free?find=France' },
    paid: { realm, target: '/paid?find=France' },
  };
}

/** Free and paid one after the other, in either order: whatever else the machine does falls on both. */
async function turnsOf(bench: Bench, round: number): Promise<Pair> {
  const { customers, connections, requests, server } = bench;
  const free = Array.from({ length: connections }, () => Array(requests).fill(requestFor(bench.free)));
  const paid = customers.requests(bench.paid, requests);
  const run = async (asked: typeof paid): Promise<Turn> => {
    const before = await server.ask<Usage>('usage');
    const { perSecond, latenciesUs } = await load.run(asked);
    const after = await server.ask<Usage>('usage');
    const p50Us = latenciesUs.toSorted()[latenciesUs.length >> 1]!;
    return { perSecond, p50Us, mainUs: (after.mainUs - before.mainUs) / latenciesUs.length };
  };
  // Anew each time: servers close connections that were idle while the others had their turn.
  const load = await openLoad(bench);
  try {
    if (round % 2 === 0) {
      const first = await run(free);
      return { free: first, paid: await run(paid) };
    }
    const first = await run(paid);
    return { free: await run(free), paid: first };
  } finally {
    load.close();
  }
}

export async function benchPaidRoute(): Promise<Measurement[]> {
  const server = await startChild<PaidServerReady>('./paid-server.ts');
  const { lookUps, shortly } = server.ready;
  const many = await openBench(server, { port: lookUps, tls: true, connections: CONNECTIONS, requests: REQUESTS });
  const one = await openBench(server, { port: lookUps, tls: true, connections: 1, requests: ALONE });
  const bare = await openBench(server, { port: shortly, tls: false, connections: CONNECTIONS, requests: REQUESTS });
  const pairs = { many: [] as Pair[], one: [] as Pair[], bare: [] as Pair[] };
  const flushesUs: number[] = [];
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const turns = { many: await turnsOf(many, round), bare: await turnsOf(bare, round) };
      const flushBeforeMs = measureFlushMs(tmpdir());
      const alone = await turnsOf(one, round);
      const flushMs = (flushBeforeMs + measureFlushMs(tmpdir())) / 2;
      if (round === 0) continue;
      pairs.many.push(turns.many);
      pairs.bare.push(turns.bare);
      pairs.one.push(alone);
      flushesUs.push(flushMs * 1000);
    }
    const paid = [many, one, bare].reduce((sum, { customers }) => sum + customers.paid, 0);
    const counted = await server.ask<number>('count');
    if (counted !== paid) throw new Error(`${counted} purchases counted of ${paid}`);
    return rowsOf(pairs, flushesUs);
  } finally {
    await server.end();
  }
}

function rowsOf(
  { many, one, bare }: { readonly many: Pair[]; readonly one: Pair[]; readonly bare: Pair[] },
  flushesUs: readonly number[],
): Measurement[] {
  const kept = (pairs: readonly Pair[]) => median(pairs.map(({ free, paid }) => paid.perSecond / free.perSecond));
  const added = one.map(({ free, paid }) => paid.p50Us - free.p50Us);
  const beyond = median(added.map((us, round) => us - flushesUs[round]!));
  const higher = { better: 'higher', target: null, met: null } as const;
  const lower = { better: 'lower', target: null, met: null } as const;
  return [
    {
      name: 'paid route: throughput kept, look-ups over TLS, 64 connections',
      ...{ value: kept(many), unit: 'ratio', better: 'higher', target: KEPT, met: kept(many) >= KEPT },
    },
    {
      name: 'paid route: look-ups, free',
      value: median(many.map(({ free }) => free.perSecond)),
      unit: '1/s',
      ...higher,
    },
    {
      name: 'paid route: look-ups, paid',
      value: median(many.map(({ paid }) => paid.perSecond)),
      unit: '1/s',
      ...higher,
    },
    {
      name: 'paid route: added p50 of one connection',
      ...{ value: median(added), unit: 'µs', better: 'lower', target: ADDED_US, met: median(added) <= ADDED_US },
    },
    { name: 'paid route: of that without one flush of the disk', value: beyond, unit: 'µs', ...lower },
    { name: 'paid route: a flush of the disk meanwhile', value: median(flushesUs), unit: 'µs', ...lower },
    {
      name: "paid route: the server's thread, a payment more",
      ...{ value: median(many.map(({ free, paid }) => paid.mainUs - free.mainUs)), unit: 'µs', ...lower },
    },
    {
      name: 'paid route: the same on bare node:http with an answer from memory',
      ...{ value: median(bare.map(({ free, paid }) => paid.mainUs - free.mainUs)), unit: 'µs', ...lower },
    },
    { name: 'paid route: throughput kept there', value: kept(bare), unit: 'ratio', ...higher },
    {
      name: 'paid route: answers there, free',
      value: median(bare.map(({ free }) => free.perSecond)),
      unit: '1/s',
      ...higher,
    },
    {
      name: 'paid route: answers there, paid',
      value: median(bare.map(({ paid }) => paid.perSecond)),
      unit: '1/s',
      ...higher,
    },
  ];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

const KEPT = 0.7;
const ADDED_US = 100;
