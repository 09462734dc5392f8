/**
 * One seed of a town in which somebody's device is copied, tickets and keys and all, and both go on giving and presenting; or in which it is set
 * back to what it was before it met its server. Software cannot forbid that. What has to hold: no gate admits one ticket twice, no ticket doubles that the copied device had no hand in, and the first
 * meeting of both with their home server ends it for both.
 */

import { isUntrusted } from '../../../src/trusted/message/trust-lists.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { unitsOf } from '../../../src/trusted/ticket/components.ts';
import { sectionsOf } from '../../../src/trusted/ticket/ticket.ts';
import type { World } from '../../world/simulation.ts';
import { about, certifiedOf, noticesOf, stateOf } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import { inTime, openTrustedWorld, type TrustedAgent } from '../trusted-world.ts';
import { faultsOf, roughMs } from './plan.ts';
import { everybody, type Town } from './town.ts';
import { play } from './town-deeds.ts';
import { openBook } from './trade.ts';

const dayMs = 86_400_000;

export interface TwinRun {
  /** Tickets that were in two places when the world had come to rest. */
  readonly doubled: number;
  /** Presentations that a gate's books refused. */
  readonly suspicions: number;
}

/** @throws Error naming every fault found */
export async function runTwins(options: {
  seed: number;
  town: Town;
  watch?: (world: World) => void;
  traced?: boolean;
}): Promise<TwinRun> {
  const { seed, town, watch = () => {}, traced = true } = options;
  const trusted = await openTrustedWorld({ seed, traced, from: town, faults: faultsOf(seed) });
  const { world } = trusted;
  watch(world);
  const random = world.random.fork();
  const pace = { holdMs: 4000, useMs: 20_000, askMs: 3000, lateMs: 5000, idleMs: 20_000 };
  const signOn = (agent: TrustedAgent) => {
    agent.started = () => void agent.command({ type: 'opened' }).catch(() => undefined);
    return agent;
  };
  const agents = new Map(
    everybody.map((name) => {
      return [name as string, signOn(trusted.addAgent(name, { pace }))];
    }),
  );
  const ada = agents.get('ada')!;
  const { agentId } = await adaOnceStarted();
  play(trusted, { agents, random, book: openBook(() => {}, undefined), ticketsIssued: 8, deeds: 90 });
  for (let i = 0; i < 4; i++) {
    world.clock.after(random.below(5000), () => {
      const items = [{ type: 'issue', components: sample('event') }] as const;
      void agents
        .get('house')!
        .command({ type: 'give', matter: `issue ${i}1`, route: 'ada', about, items, check: 0 })
        .catch(() => undefined);
    });
  }
  await world.run(world.clock.nowMs() + roughMs / 3);
  const disk = ada.machine.copyDisk();
  const setBack = seed % 3 === 0;
  if (setBack) {
    await liveOn();
    ada.machine.retire();
  }
  const twin = signOn(trusted.addAgent('twin', { pace, disk }));
  // Both give the same tickets to whoever takes them, and show them at one gate.
  for (let i = 0; i < 60; i++) {
    world.clock.after(random.below(roughMs / 2), () => {
      const device = setBack || random.chance(0.5) ? twin : ada;
      const held = [...(device.machine.host?.state.tickets.keys() ?? [])];
      if (held.length === 0) return;
      const ticketId = random.pick(held);
      const order = random.chance(0.3)
        ? ({
            type: 'give',
            items: [{ type: 'transfer', ticketId }],
            route: random.pick(['bob', 'cyd', 'dov']),
          } as const)
        : ({ type: 'present', ticketId, route: random.chance(0.8) ? 'gate1' : 'gate2' } as const);
      void device.command({ ...order, matter: `twin ${i}`, about, check: 0 }).catch(() => undefined);
    });
  }
  await world.run(world.clock.nowMs() + roughMs);
  await world.calm(60_000);
  await world.run(world.clock.nowMs() + 600_000);
  return judge();

  async function adaOnceStarted() {
    while (ada.machine.host === undefined) await trusted.run(10);
    return certifiedOf(ada).certificate;
  }

  /** The device goes on for a while and meets its server, and is set back after that to what it was. */
  async function liveOn(): Promise<void> {
    await trusted.run(roughMs / 6);
    const known = () => ada.machine.host?.state.heads.base?.count ?? 0;
    await adaOnceStarted();
    for (const before = known(); known() <= before; ) {
      await inTime(world, ada.command({ type: 'sync', route: 'north' })).catch(() => undefined);
      await trusted.run(5000);
    }
  }

  async function judge(): Promise<TwinRun> {
    const faults = [...new Set(trusted.breaches)];
    const must = (holds: boolean, what: string) => {
      if (!holds) faults.push(what);
    };
    // Both meet the server; then the list goes round.
    const devices = setBack ? [twin] : random.chance(0.5) ? [ada, twin] : [twin, ada];
    for (const device of devices) {
      await inTime(world, device.command({ type: 'sync', route: 'north' })).catch(() => undefined);
      await trusted.run(30_000);
    }
    await trusted.run(dayMs);
    must(
      isUntrusted(trusted.primary.host!.state.lists, { type: 'agent', agentId }),
      'the copied device is not on the list',
    );
    const others = [...agents.values()].filter((agent) => agent !== ada);
    for (const agent of others) await inTime(world, agent.command({ type: 'fetch-lists', route: 'north' }));
    await trusted.run(30_000);
    for (const device of devices) {
      const before = noticesOf(device, 'given').length;
      for (const ticketId of stateOf(device).tickets.keys()) {
        const items = [{ type: 'transfer', ticketId }] as const;
        const command = { type: 'give', matter: 'late', route: 'bob', about, items, check: 0 } as const;
        await inTime(world, device.command(command)).catch(() => undefined);
      }
      await trusted.run(60_000);
      must(noticesOf(device, 'given').length === before, `${device.name} still gives`);
    }

    const holders = new Map<string, string[]>();
    for (const agent of [...others, ...devices]) {
      for (const [ticketId, { bytes }] of stateOf(agent).tickets) {
        const known = holders.get(ticketId) ?? [];
        holders.set(ticketId, [...known, agent.name]);
        const ticket = decodeTicket(bytes);
        const { senderIds } = sectionsOf(ticket).transferHistory;
        const hand = senderIds.includes(agentId) || agent === ada || agent === twin;
        must(known.length === 0 || hand, `${ticketId.slice(0, 6)} doubled without the copied device`);
        const units = unitsOf(ticket.body.components);
        if (units === undefined) continue;
        for (const gate of agents.values()) {
          const granted = noticesOf(gate, 'granted').filter((notice) => notice.ticketId === ticketId);
          const sum = granted.reduce((total, notice) => total + notice.units, 0);
          must(sum <= units, `${gate.name} granted ${sum} of ${units} for ${ticketId.slice(0, 6)}`);
        }
      }
    }
    let suspicions = 0;
    for (const agent of others) {
      const records = await inTime(world, agent.machine.host!.readByKey('log'));
      suspicions += records.filter((record) => record.type === 'logged' && record.entry.kind === 'suspicion').length;
    }
    if (faults.length > 0) throw new Error(faults.join('\n'));
    return { doubled: [...holders.values()].filter(({ length }) => length > 1).length, suspicions };
  }
}
