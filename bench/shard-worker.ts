/** One shard of the measurement `shards`, with its players, in a process of its own on a PostgreSQL of its own: told where, measures, says. */
import { createShardMap } from '../src/deposit/account-manager/shard-map.ts';
import { receiveCarried } from '../src/deposit/account-manager/take-carried.ts';
import { systemClock } from '../src/journal/clock.ts';
import { openPostgresJournal } from '../src/journal/postgres-journal.ts';
import { assertLedger } from '../src/ledger/invariant.ts';
import { answerRelay, relayCourier } from '../src/party/operator/relay.ts';
import { SHARD_RELAY } from '../src/party/operator/shard-relay.ts';
import { createClient } from '../src/transport/client.ts';
import { silentLog } from '../src/transport/log.ts';
import { serve } from '../src/transport/server.ts';
import { openAccounts, openHolders, playSessions } from './deposit-sessions.ts';

export interface WorkerTask {
  readonly number: number;
  readonly of: number;
  /** The `pg` driver's settings, and the schema. */
  readonly connection: { readonly host: string; readonly user: string; readonly database: string };
  readonly schema: string;
  readonly warmMs: number;
  readonly runMs: number;
}

export interface WorkerResult {
  readonly sessions: number;
  readonly seconds: number;
  /** Of this process. */
  readonly cpuSeconds: number;
  readonly carried: number;
  /** With those while it got warm. */
  readonly playedInAll: number;
}

const HOLDERS = 1000;
const limits = { maxBytes: 65_536, timeoutMs: 15_000, perPeerPerSecond: 1e9, burst: 1e9 };

const task = JSON.parse(process.argv[2]!) as WorkerTask;
const { number, of } = task;
const map = createShardMap({ operator: 'bank', count: of, key: new Uint8Array(32) });
const others: string[] = [];
const client = createClient({ name: 'bank', limits });
const toOthers = Array.from({ length: of }, (_, to) =>
  relayCourier({ client, clock: systemClock(), url: () => `${others[to]}${SHARD_RELAY}` }),
);
let carried = 0;

const host = await openAccounts({
  journal: await openPostgresJournal({ connection: task.connection, shard: task.schema }),
  shard: { number, map },
  carry: {
    deliver(message, attempt) {
      carried++;
      return toOthers[Number(message.to.slice('shard:'.length))]!.deliver(message, attempt);
    },
  },
});
const server = await serve({
  ...{ listen: { host: '127.0.0.1', port: 0 }, limits, log: silentLog() },
  routes: {
    [`POST ${SHARD_RELAY}`]: async ({ body }: { readonly body: Uint8Array }) => {
      const take = async (message: { readonly body: Uint8Array }) =>
        ({ type: 'answered', body: await host.handle(receiveCarried(message.body)) }) as const;
      return { contentType: 'application/cbor', body: await answerRelay(body, take) };
    },
  },
});
const names = (kind: string) => Array.from({ length: HOLDERS }, (_, at) => `${kind}-${at}`);
const merchants = names('merchant');
const customers = names('customer').filter((name) => map.ofCustomer(name) === number);
await openHolders(host, { customers, merchants: merchants.filter((name) => map.ofMerchant(name) === number) });
// Merchants of all shards: of two, half of what is cleared goes to the other one.
const players = {
  customer: (session: number) => customers[session % customers.length]!,
  merchant: (session: number) => merchants[(session * 7) % merchants.length]!,
};
process.send?.(server.url);

process.on('message', async (message: readonly string[] | 'end') => {
  if (message === 'end') {
    await host.settled();
    assertLedger(host.state.ledger);
    await server.close(0);
    await host.close();
    process.exit();
  }
  others.push(...message);
  const warming = await playSessions(host, players, task.warmMs);
  const before = process.cpuUsage();
  carried = 0;
  const start = performance.now();
  const sessions = await playSessions(host, players, task.runMs);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  process.send?.({
    sessions,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    carried,
    playedInAll: warming + sessions,
  } satisfies WorkerResult);
});
