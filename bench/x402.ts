/**
 * Paying for one route on Express out of deposits, beside x402 with its own middleware, client and facilitator's checks (bench/peers): the
 * whole of each, client and server, and each with payments made beforehand over keep-alive connections. Settlement on a chain, which x402
 * needs for every payment, is left out in its favour.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Child, startChild, type Usage, usageSoFar } from './child.ts';
import { openLoad, type Requests } from './keep-alive-load.ts';
import type { Measurement } from './measurement.ts';
import { openPayingLoad, type Route, requestFor } from './paying-load.ts';
import { openPayingPurse } from './paying-purse.ts';

const AT_ONCE = 16;
const CONNECTIONS = 64;
const ROUNDS = 5;
/** Requests of one turn. */
const TURN = { x402: 320, x402Load: 320, purse: 3200, load: 9600, free: 9600 } as const;

interface X402Customer {
  readonly fetch: typeof globalThis.fetch;
  wasPaid(response: Response): boolean;
  payments(url: string, count: number): Promise<readonly Record<string, string>[]>;
}

interface Rate {
  readonly perSecond: number;
  /** Microseconds of all processes together, a purchase: the cores it takes. */
  readonly coreUs: number;
}

/** @throws when npm cannot bring them */
async function loadPeers(): Promise<{ createX402Customer(): X402Customer }> {
  const folder = fileURLToPath(new URL('./peers/', import.meta.url));
  if (!existsSync(`${folder}node_modules/@x402`)) {
    process.stderr.write('bench: installing what others have built (bench/peers) …\n');
    const install = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    const { status } = spawnSync('npm', install, { cwd: folder, stdio: ['ignore', 2, 2] });
    if (status !== 0) throw new Error('npm did not install bench/peers');
  }
  return import(new URL('./peers/x402-customer.mjs', import.meta.url).href);
}

interface Processes {
  readonly server: Child<{ readonly port: number }>;
  readonly facilitator: Child<{ readonly port: number }>;
}

async function openWays({ server, facilitator }: Processes, x402: X402Customer) {
  const realm = `127.0.0.1:${server.ready.port}`;
  const purse = await openPayingPurse((asked) => server.ask('open', asked));
  const customers = await openPayingLoad(server, CONNECTIONS, 'North');
  const route = (target: string): Route => ({ realm, target });
  const usage = async () => {
    const others = [await server.ask<Usage>('usage'), await facilitator.ask<Usage>('usage')];
    return [usageSoFar(), ...others].reduce((sum, { allUs }) => sum + allUs, 0);
  };
  const measured = async (count: number, run: () => Promise<unknown>): Promise<Rate> => {
    const before = await usage();
    const start = performance.now();
    await run();
    const ms = performance.now() - start;
    return { perSecond: (count * 1000) / ms, coreUs: ((await usage()) - before) / count };
  };
  const fetched = (count: number, target: string, get: typeof globalThis.fetch, wasPaid: (of: Response) => boolean) =>
    measured(count, () => {
      let left = count;
      const caller = async () => {
        while (left-- > 0) {
          const response = await get(`http://${realm}${target}`);
          await response.arrayBuffer();
          if (response.status !== 200 || !wasPaid(response))
            throw new Error(`${target} was answered ${response.status}`);
        }
      };
      return Promise.all(Array.from({ length: AT_ONCE }, caller));
    });
  const loaded = async (requests: readonly Requests[]) => {
    const load = await openLoad({ port: server.ready.port, connections: requests.length, tls: false });
    const count = requests.reduce((sum, { length }) => sum + length, 0);
    return measured(count, () => load.run(requests)).finally(() => load.close());
  };
  const fields = (of: Record<string, string>) =>
    Object.entries(of)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
  return {
    ways: {
      x402: () => fetched(TURN.x402, '/x402?in=Reims', x402.fetch, x402.wasPaid),
      purse: () => fetched(TURN.purse, '/paid?in=Reims', purse.fetch, (of) => of.headers.has('payment-receipt')),
      async x402Load() {
        const payments = await x402.payments(`http://${realm}/x402?in=Reims`, TURN.x402Load);
        const each = TURN.x402Load / AT_ONCE;
        const asked = payments.map((payment) => requestFor(route('/x402?in=Reims'), fields(payment)));
        return loaded(Array.from({ length: AT_ONCE }, (_, at) => asked.slice(at * each, (at + 1) * each)));
      },
      load: () => loaded(customers.requests(route('/paid?in=Reims'), TURN.load / CONNECTIONS)),
      free() {
        const each = Array(TURN.free / CONNECTIONS).fill(requestFor(route('/free?in=Reims')));
        return loaded(Array.from({ length: CONNECTIONS }, () => each));
      },
    },
    async requireAllPaid() {
      const counted = await server.ask<number>('count');
      const verified = await facilitator.ask<number>('verified');
      const turns = ROUNDS + 1;
      if (counted !== purse.paid() + customers.paid) throw new Error(`${counted} purchases counted`);
      if (verified !== turns * (TURN.x402 + TURN.x402Load)) throw new Error(`${verified} payments of x402 verified`);
    },
    close: () => purse.close(),
  };
}

export async function benchX402(): Promise<Measurement[]> {
  const { createX402Customer } = await loadPeers();
  const facilitator = await startChild<{ port: number }>('./peers/facilitator.mjs');
  const url = `http://127.0.0.1:${facilitator.ready.port}`;
  const server = await startChild<{ port: number }>('./peers/paid-server.mjs', [url]);
  const { ways, requireAllPaid, close } = await openWays({ server, facilitator }, createX402Customer());
  const rates = {
    ...{ x402: [] as Rate[], purse: [] as Rate[], x402Load: [] as Rate[], load: [] as Rate[], free: [] as Rate[] },
  };
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      for (const name of ['x402', 'purse', 'x402Load', 'load', 'free'] as const) {
        const rate = await ways[name]();
        if (round > 0) rates[name].push(rate);
      }
    }
    await requireAllPaid();
  } finally {
    await close();
    await server.end();
    await facilitator.end();
  }
  const perSecond = (of: readonly Rate[]) => median(of.map((rate) => rate.perSecond));
  const coreUs = (of: readonly Rate[]) => median(of.map((rate) => rate.coreUs));
  const told = { target: null, met: null } as const;
  const rate = { unit: '1/s', better: 'higher', ...told } as const;
  const times = perSecond(rates.load) / perSecond(rates.x402);
  return [
    {
      name: 'x402: our paid route on Express, times the pair of its middleware and client',
      ...{ value: times, unit: 'ratio', better: 'higher', target: TIMES, met: times >= TIMES },
    },
    { name: 'x402: its middleware and client', value: perSecond(rates.x402), ...rate },
    { name: 'x402: its middleware, payments signed beforehand', value: perSecond(rates.x402Load), ...rate },
    { name: 'x402: ours, payments made beforehand', value: perSecond(rates.load), ...rate },
    { name: 'x402: ours with payingFetch and a purse on SQLite', value: perSecond(rates.purse), ...rate },
    { name: 'x402: the route free of charge, the most that is possible', value: perSecond(rates.free), ...rate },
    {
      name: 'x402: processor time of all its processes, a purchase',
      ...{ value: coreUs(rates.x402), unit: 'µs', better: 'lower', ...told },
    },
    {
      name: 'x402: of ours with payingFetch',
      ...{ value: coreUs(rates.purse), unit: 'µs', better: 'lower', ...told },
    },
    {
      name: 'x402: of ours, payments made beforehand',
      ...{ value: coreUs(rates.load), unit: 'µs', better: 'lower', ...told },
    },
  ];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

const TIMES = 50;
