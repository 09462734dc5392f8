/**
 * One seed of the life of tickets: issued, passed on, presented at gates, under crashes at every boundary of a journal, failing disks, a network
 * that loses, doubles and reorders, and host sides that are dishonest. When the world has come to rest, no ticket lives twice or has
 * vanished, and what was granted is what the tickets say.
 */
import type { Host } from '../../src/journal/host.ts';
import type { Outgoing } from '../../src/journal/machine.ts';
import type { AgentInput } from '../../src/trusted/agent/agent-machine.ts';
import type { AgentRecord, LogEntry } from '../../src/trusted/agent/agent-record.ts';
import type { AgentState } from '../../src/trusted/agent/agent-state.ts';
import type { HostCommand } from '../../src/trusted/agent/host-command.ts';
import { decodeTicket } from '../../src/trusted/ticket/compact-ticket.ts';
import { unitsOf } from '../../src/trusted/ticket/components.ts';
import type { SeededRandom } from '../world/seeded-random.ts';
import { roughWorld, type World, type WorldFaults } from '../world/simulation.ts';
import { about, isAtRest, noticesOf, stateOf } from './opera.ts';
import { sample } from './ticket/samples.ts';
import { everybody, gates, people, type Town } from './town.ts';
import { answerNotice, buySomething, judgeTrade, type Market, type NetworkParty, openMarket } from './trade.ts';
import { type AgentParty, inTime, openTrustedWorld, type TrustedAgent, type TrustedWorld } from './trusted-world.ts';

export const roughMs = 60_000;
const settleMs = 4 * 86_400_000;
const ticketsIssued = 8;
const deeds = 90;

/** For planted bugs. */
export type Alter = (party: AgentParty, name: string) => AgentParty;

export interface LifeRun {
  readonly world: World;
  /** How often what happened, to show that the world is neither too kind nor too cruel. */
  readonly seen: ReadonlyMap<string, number>;
}

export const faultsOf = (seed: number): WorldFaults => ({
  ...roughWorld,
  network: { ...roughWorld.network, lateness: seed % 3 === 0 ? 0.3 : 0.05 },
  crashEveryMs: seed % 2 === 0 ? 10_000 : 40_000,
  crashAtBoundary: seed % 2 === 0 ? 0.002 : 0.01,
  failAppend: 0.002,
});

/** @throws Error naming every fault found */
export async function runLife(options: {
  readonly seed: number;
  readonly town: Town;
  readonly alter?: Alter;
  readonly alterNetwork?: (party: NetworkParty) => NetworkParty;
  readonly watch?: (world: World) => void;
  readonly traced?: boolean;
}): Promise<LifeRun> {
  const { seed, town, alter = (party) => party, alterNetwork, watch = () => {}, traced = true } = options;
  const trusted = await openTrustedWorld({
    seed,
    traced,
    from: town,
    faults: faultsOf(seed),
    server: { pace: { pullMs: settleMs } },
  });
  const { world } = trusted;
  watch(world);
  const random = world.random.fork();
  const market = openMarket(trusted, alterNetwork);
  const dishonest = random.chance(0.5) ? random.pick([...people, ...gates]) : '';
  const agents = new Map(
    everybody.map((name) => {
      const own = random.fork();
      const agent = trusted.addAgent(name, {
        pace: { holdMs: 4000, useMs: 120_000, askMs: 3000, lateMs: 5000, idleMs: 20_000, authoriseMs: 30_000 },
        payment: market.portsOf(name),
        alter: (party) => alter(name === dishonest ? tampering(party, own) : party, name),
      });
      // A dishonest host side does not even sign on after a crash.
      if (name !== dishonest) agent.started = () => void agent.command({ type: 'opened' }).catch(() => undefined);
      return [name, agent] as const;
    }),
  );
  play(trusted, agents, random);
  await world.run(world.clock.nowMs() + roughMs);
  for (const agent of agents.values())
    agent.started = () => void agent.command({ type: 'opened' }).catch(() => undefined);
  await world.calm(60_000);
  await world.run(world.clock.nowMs() + settleMs);
  const { faults, seen } = await findFaults(trusted, agents, market);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return { world, seen };
}

/** Whoever carries the messages drops, changes and repeats them as it likes: it has no keys. */
function tampering(party: AgentParty, random: SeededRandom): AgentParty {
  const kept: Outgoing[] = [];
  return {
    ...party,
    wrapCourier(courier) {
      const honest = party.wrapCourier?.(courier) ?? courier;
      return {
        async deliver(message, attempt) {
          if (!/^(Session|Trusted)/.test(message.kind)) return honest.deliver(message, attempt);
          kept.push(message);
          if (random.chance(0.05)) throw new Error('dropped');
          if (random.chance(0.05)) void courier.deliver(random.pick(kept), attempt).catch(() => undefined);
          if (random.chance(0.02)) {
            const body = message.body.slice();
            body[random.below(body.length)]! ^= 1 << random.below(8);
            void courier.deliver({ ...message, body }, attempt).catch(() => undefined);
          }
          return honest.deliver(message, attempt);
        },
      };
    },
  };
}

export function play({ world }: TrustedWorld, agents: ReadonlyMap<string, TrustedAgent>, random: SeededRandom): void {
  const at = (name: string) => agents.get(name)!;
  const tell = (agent: TrustedAgent, command: HostCommand) => void agent.command(command).catch(() => undefined);
  const untilMs = world.clock.nowMs() + 10 * settleMs;
  const endMs = world.clock.nowMs() + roughMs / 2;
  const issue = (matter: string) => {
    const components = sample(matter.endsWith('0') ? 'event' : 'communications');
    const items = [{ type: 'issue', components }] as const;
    tell(at('house'), { type: 'give', matter, route: random.pick(people), about, items, check: 0 });
  };
  for (const agent of agents.values()) {
    tell(agent, { type: 'expect', matter: 'give', purpose: 'give', untilMs });
    tell(agent, { type: 'expect', matter: 'present', purpose: 'present', untilMs });
    agent.react = (notice) => {
      if (notice.type === 'failed' && notice.matter.startsWith('issue ')) {
        const { matter } = notice;
        if (world.clock.nowMs() < endMs) world.clock.after(500 + random.below(2000), () => issue(matter));
      }
      answerNotice(agent, notice, random);
      if (notice.type !== 'presented') return;
      const { session, ticket } = notice;
      const whole = ticket.remaining === 1;
      const steps = whole ? 1 : 1 + random.below(3);
      for (let step = 1; step <= steps; step++) {
        const use = { type: 'use', session, units: whole ? 1 : 100 * step, last: step === steps ? 1 : 0 } as const;
        world.clock.after(step * random.below(3000), () => tell(agent, use));
      }
    };
  }
  for (let i = 0; i < ticketsIssued; i++) {
    world.clock.after(1000 + random.below(4000), () => issue(`issue ${i}${i % 2}`));
  }
  for (let i = 0; i < deeds; i++) {
    world.clock.after(2000 + random.below(roughMs - 2000), () => {
      const what = random.fraction();
      if (what < 0.2) {
        buySomething(agents, random, { matter: `seat ${i}`, untilMs });
        return;
      }
      const person = at(random.pick(people));
      const held = [...(person.machine.host?.state.tickets.values() ?? [])].flatMap(({ id, bytes }) =>
        decodeTicket(bytes).body.components.type === 'card' ? [] : [id],
      );
      if (held.length === 0) return;
      const ticketId = random.pick(held);
      if (what < 0.55) {
        const route = random.pick([...people, ...gates].filter((name) => name !== person.name));
        const chosen = random.chance(0.3) ? held.slice(0, 3) : [ticketId];
        const items = chosen.map((id) => ({ type: 'transfer' as const, ticketId: id }));
        tell(person, { type: 'give', matter: `give ${i}`, route, about, items, check: 0 });
      } else if (what < 0.84) {
        const route = random.pick([...gates, 'house']);
        tell(person, { type: 'present', matter: `present ${i}`, route, about, ticketId, check: 0 });
      } else {
        tell(person, { type: random.chance(0.5) ? 'sync' : 'recertify', route: 'north' });
      }
    });
  }
}

async function recordsOf(world: World, agent: TrustedAgent): Promise<readonly AgentRecord[]> {
  const host = agent.machine.host as Host<AgentState, AgentInput, AgentRecord>;
  return inTime(world, host.readByKey('log'));
}

async function findFaults(trusted: TrustedWorld, agents: ReadonlyMap<string, TrustedAgent>, market: Market) {
  const { world, breaches } = trusted;
  const faults: string[] = [...new Set(breaches)];
  const seen = new Map<string, number>();
  const count = (what: string, by = 1) => seen.set(what, (seen.get(what) ?? 0) + by);
  const must = (holds: boolean, what: string) => {
    if (!holds) faults.push(what);
  };

  const issued = new Set<string>();
  const logs = new Map<string, readonly LogEntry[]>();
  const suspected = [...(trusted.servers.get('north')!.host?.state.suspects ?? [])];
  must(suspected.length === 0, `an honest device is taken for a copy: ${suspected}`);
  for (const agent of agents.values()) {
    const records = await recordsOf(world, agent);
    const entries = records.flatMap((record) => (record.type === 'logged' ? [record.entry] : []));
    logs.set(agent.name, entries);
    must(entries.length === stateOf(agent).log.count, `${agent.name}: the log has ${entries.length} entries`);
    for (const { kind, before, note } of entries) {
      count(kind);
      must(kind !== 'suspicion', `${agent.name} suspects an honest agent: ${note}`);
      if (agent.name === 'house' && kind === 'given') for (const { ticketId } of before) issued.add(ticketId);
    }
    must(isAtRest(agent), `${agent.name} is not at rest: ${restOf(agent)}`);
    for (const { why } of noticesOf(agent, 'failed')) count(`failed ${why}`);
    count('undecided', noticesOf(agent, 'undecided').length);
  }

  const trade = judgeTrade(market, logs, agents);
  faults.push(...trade.faults);
  for (const what of trade.seen) count(what);
  for (const ticketId of trade.sold) issued.add(ticketId);

  const granted = new Map<string, number>();
  for (const agent of agents.values()) {
    for (const { ticketId, units } of noticesOf(agent, 'granted'))
      granted.set(ticketId, (granted.get(ticketId) ?? 0) + units);
  }
  const holders = new Map<string, string[]>();
  for (const agent of agents.values()) {
    for (const [ticketId, { bytes, status }] of stateOf(agent).tickets) {
      const { components } = decodeTicket(bytes).body;
      if (components.type === 'merchant' || components.type === 'card') continue;
      holders.set(ticketId, [...(holders.get(ticketId) ?? []), agent.name]);
      const used = granted.get(ticketId) ?? 0;
      const left = unitsOf(components)! - used;
      must(left === status.remaining, `${ticketId.slice(0, 6)}: ${status.remaining} left, ${used} granted`);
      const marks = [...agents.values()].map((one) => stateOf(one).books.get(ticketId)?.status.number ?? 0);
      must(
        Math.max(...marks) === status.number,
        `${ticketId.slice(0, 6)}: mark ${status.number}, in the books ${marks}`,
      );
      count(used > 0 ? 'used' : 'unused');
    }
  }
  for (const ticketId of issued) {
    const names = holders.get(ticketId) ?? [];
    must(
      names.length === 1,
      `${ticketId.slice(0, 6)} is held by ${names.length === 0 ? 'nobody' : names.join(' and ')}`,
    );
  }
  for (const ticketId of holders.keys()) must(issued.has(ticketId), `${ticketId.slice(0, 6)} was never issued`);
  return { faults, seen };
}

function restOf(agent: TrustedAgent): string {
  const { sessions, talks, transactions, underWay } = stateOf(agent);
  const open = [...transactions.values()].map(({ id, role, status }) => `${id.slice(0, 6)} ${role} ${status}`);
  return `${sessions.size} sessions, ${talks.size} talks, ${underWay.size} under way, ${open.join(', ')}`;
}
