/** An operator's accounts in shards: each is kept running, asked for what is its own, and what they say is put together. */
import { systemClock } from '../../journal/clock.ts';
import type { Courier } from '../../journal/courier.ts';
import { formatMinor } from '../../money/amount.ts';
import { ownCommand } from '../owner/own-commands.ts';
import { partyClient } from '../running/communication.ts';
import { keepRunning } from '../running/keep-running.ts';
import type { RunShard } from '../running/running-party.ts';
import type { AccountDesk, DeskOptions, PositionOwed } from './account-desk.ts';
import { isBetweenShards, oneLedger, oneStatement } from './consolidate-shards.ts';
import type { LedgerView } from './operator-accounts.ts';
import type { ShardStatus, StatedPosition } from './operator-shard.ts';
import type { AccountsStatement } from './operator-statement.ts';
import { createShardDoor } from './shard-door.ts';
import type { ShardPlan } from './shard-plan.ts';
import { relayRoutes } from './shard-relay.ts';
import { shardRoutes } from './shard-routes.ts';

/** A shard as the operator's own people see it. */
export interface ShardView extends Partial<Omit<ShardStatus, 'shard' | 'of'>> {
  readonly number: number;
  readonly url?: string;
  readonly state: 'running' | 'away';
  /** Whether somebody else runs it. */
  readonly elsewhere: boolean;
  /** Since when, in ISO 8601. */
  readonly since?: string;
  readonly restarts?: number;
  /** Why it is away. */
  readonly reason?: string;
}

export interface ShardsView {
  readonly shards: readonly ShardView[];
  /** What one shard has booked and the other has not yet, by currency; empty when nothing is under way. Absent while one is away. */
  readonly underWay?: readonly string[];
}

const START_MS = 15_000;
const MAX_CONNECTIONS = 2048;

export async function openShardedAccounts(
  options: Omit<DeskOptions, 'client' | 'validate'> & {
    readonly plan: ShardPlan;
    readonly run: RunShard;
    readonly billing: Courier;
  },
): Promise<AccountDesk> {
  const { configuration, identity, surroundings, plan, run, billing } = options;
  const { name, peers } = configuration;
  const { log } = surroundings;
  const clock = systemClock();
  const kept = new Map(
    plan.places
      .filter(({ elsewhere }) => !elsewhere)
      .map(({ number }) => {
        const shardLog = log.child({ shard: number });
        return [number, keepRunning({ what: 'the shard', start: () => run(number), clock, log: shardLog })];
      }),
  );
  const urlOf = (number: number) => {
    const { elsewhere, listen } = plan.places[number]!;
    return elsewhere ? `https://${bracketed(listen.host)}:${listen.port}` : kept.get(number)?.current()?.url;
  };
  // Messages that wait for their answers hold a connection each.
  const client = partyClient({ name, identity, surroundings, peers, maxConnections: MAX_CONNECTIONS });
  const door = createShardDoor({ client, urlOf });
  const close = async () => {
    await Promise.all([...kept.values()].map((one) => one.close()));
    client.close();
  };
  const failed = Promise.race([...kept.values()].map((one) => one.failed));
  await untilStarted([...kept.values()], failed).catch(async (cause: unknown) => {
    await close();
    throw cause;
  });

  const ofAll = <T>(method: 'GET' | 'POST', path: `/${string}`) =>
    Promise.all(plan.places.map(({ number }) => door.ask<T>(number, method, path)));
  const positionsOfAll = async () => (await ofAll<readonly StatedPosition[]>('GET', '/shard/positions')).flat();
  const view = async (): Promise<ShardsView> => {
    const shards = await Promise.all(plan.places.map(({ number }) => viewOf(number)));
    if (shards.some(({ accounts }) => accounts === undefined)) return { shards };
    return { shards, underWay: underWay(await positionsOfAll()) };
  };
  const viewOf = async (number: number): Promise<ShardView> => {
    const { sinceMs, restarts, cause } = kept.get(number)?.state() ?? {};
    const url = urlOf(number);
    const known = {
      ...{ number, elsewhere: plan.places[number]!.elsewhere, ...(url !== undefined && { url }) },
      ...(sinceMs !== undefined && { since: new Date(sinceMs).toISOString(), restarts: restarts ?? 0 }),
    };
    try {
      const { accounts, sessions, deposits, violations } = await door.ask<ShardStatus>(number, 'GET', '/shard');
      return { ...known, state: 'running', accounts, sessions, deposits, violations };
    } catch (error) {
      return { ...known, state: 'away', reason: cause ?? (error instanceof Error ? error.message : String(error)) };
    }
  };

  return {
    routes: {
      ...shardRoutes({ name, map: plan.map, door }),
      ...relayRoutes({ name, count: plan.map.count, urlOf: door.urlOf, client, billing }),
      'GET /operator/shards': ownCommand(name, view),
    },
    async pay() {
      await ofAll('POST', '/shard/pay');
    },
    async positions() {
      const positions = await positionsOfAll();
      return positions.filter(({ counterparty }) => !isBetweenShards(counterparty)).map(asPosition);
    },
    books: async () => oneLedger(await ofAll<LedgerView>('GET', '/shard/books')),
    statement: async () => oneStatement(await ofAll<AccountsStatement>('GET', '/shard/statement')),
    failed,
    close,
  };
}

/** Every shard runs, or at least time enough has been given to it: one that is away must not keep the others waiting. */
async function untilStarted(kept: readonly { readonly started: Promise<void> }[], failed: Promise<unknown>) {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, START_MS);
  });
  try {
    const broken = failed.then((cause) => Promise.reject(cause));
    await Promise.race([Promise.all(kept.map(({ started }) => started)), late, broken]);
  } finally {
    clearTimeout(timer);
  }
}

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host);

function asPosition({ counterparty, currency, theyOweMinor, weOweMinor }: StatedPosition): PositionOwed {
  return { counterparty, currency, theyOweMinor: BigInt(theyOweMinor), weOweMinor: BigInt(weOweMinor) };
}

/** What one shard owes another is what that one is owed, once both have booked it. */
function underWay(positions: readonly StatedPosition[]): readonly string[] {
  const sums = new Map<string, bigint>();
  for (const { counterparty, currency, theyOweMinor, weOweMinor } of positions) {
    if (!isBetweenShards(counterparty)) continue;
    sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(weOweMinor) - BigInt(theyOweMinor));
  }
  return [...sums]
    .filter(([, minor]) => minor !== 0n)
    .map(([currency, minor]) => `${formatMinor({ currency, minor })} ${currency}`);
}
