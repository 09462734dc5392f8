/**
 * One seed of the life of tickets: issued, bought, passed on and presented in a minute of faults (`plan.ts`), then rest. Then no ticket lives twice
 * or has vanished, what was granted is what the tickets say, and money and goods have changed hands together.
 */
import { seededRandom } from '../../world/seeded-random.ts';
import type { World } from '../../world/simulation.ts';
import { openTrustedWorld, type TrustedAgent } from '../trusted-world.ts';
import { judgeTown } from './judge-town.ts';
import { carriedBy } from './lying-couriers.ts';
import { type Plan, planTown, roughMs, settleMs } from './plan.ts';
import { everybody, type Town } from './town.ts';
import { play } from './town-deeds.ts';
import { openBook, openMarket } from './trade.ts';

export interface LifeRun {
  readonly world: World;
  /** How often what happened, to show that the world is neither too kind nor too cruel. */
  readonly seen: ReadonlyMap<string, number>;
}

const pace = { holdMs: 4000, useMs: 120_000, askMs: 3000, lateMs: 5000, idleMs: 20_000, authoriseMs: 15_000 };
const signOn = (agent: TrustedAgent) => () => void agent.command({ type: 'opened' }).catch(() => undefined);

/** @throws Error naming every fault found */
export async function runLife(options: {
  readonly seed: number;
  readonly town: Town;
  readonly watch?: (world: World) => void;
  readonly traced?: boolean;
}): Promise<LifeRun> {
  const { seed, town, watch = () => {}, traced = true } = options;
  const plan = planTown(seed, seededRandom(seed));
  const server = { pace: { pullMs: settleMs } };
  const trusted = await openTrustedWorld({ seed, traced, from: town, faults: plan.faults, server });
  const { world } = trusted;
  watch(world);
  const random = world.random.fork();
  const market = openMarket(trusted);
  const { seen, count } = counting(plan);
  const book = openBook(count, plan.liar);
  const agents = new Map(
    everybody.map((name) => {
      const own = random.fork();
      const way = plan.liar?.name === name ? plan.liar.way : undefined;
      const agent: TrustedAgent = trusted.addAgent(name, {
        ...{ pace, payment: market.portsOf(name) },
        alter(party) {
          const carrying = () => ({ clock: world.clock, random: own, agent: () => agent });
          // Snapshots are a part of every life, and recovery is quick with them.
          const kept = { ...party, snapshotEvery: 60 };
          return way === undefined ? kept : carriedBy(way, kept, carrying);
        },
      });
      // A dishonest host side does not even sign on after a crash.
      if (way !== 'tampers') agent.started = signOn(agent);
      if (way === 'goes dark') goDark(world, agent);
      return [name, agent] as const;
    }),
  );
  for (const { between, atMs, forMs } of plan.cuts) {
    world.clock.after(atMs, () => void world.clock.after(forMs, world.cut(...between)));
  }
  play(trusted, { agents, random, book, ticketsIssued: 40, deeds: 170 });
  await world.run(world.clock.nowMs() + roughMs);
  for (const agent of agents.values()) {
    agent.started = signOn(agent);
    agent.online = true;
  }
  await world.calm(60_000);
  await world.run(world.clock.nowMs() + settleMs);
  const faults = await judgeTown({ trusted, agents, market, book });
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return { world, seen };
}

function goDark(world: World, agent: TrustedAgent): void {
  const endMs = world.clock.nowMs() + roughMs;
  const random = world.random.fork();
  const turn = () => {
    if (world.clock.nowMs() >= endMs) return;
    agent.online = !agent.online;
    world.clock.after(random.below(agent.online ? 15_000 : 10_000), turn);
  };
  world.clock.after(random.below(10_000), turn);
}

/** What was tried and what was finished is also counted apart for each kind of fault and lie. */
function counting({ weather, liar }: Plan) {
  const seen = new Map<string, number>();
  const add = (what: string, times: number) => seen.set(what, (seen.get(what) ?? 0) + times);
  const count = (what: string, times = 1) => {
    add(what, times);
    if (!/^(tried|finished) /.test(what)) return;
    add(`${what}: ${weather} weather`, times);
    add(`${what}: ${liar === undefined ? 'nobody lies' : `somebody ${liar.way}`}`, times);
  };
  return { seen, count };
}
