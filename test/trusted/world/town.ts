/**
 * A town whose agents are certified already and have their credentials: an opera house that issues tickets, two gates that accept them, and
 * people with cards. It is built once, in a calm world; every seed goes on from its journals.
 */
import type { MemoryDisk } from '../../../src/journal/memory-journal.ts';
import { about, receivedBy } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import { inTime, openTrustedWorld } from '../trusted-world.ts';

export const people = ['ada', 'bob', 'cyd', 'dov'] as const;
export const gates = ['gate1', 'gate2'] as const;
export const everybody = ['house', ...gates, ...people] as const;

/** The number of somebody's card. */
export const cardOf = (name: (typeof people)[number]): string => `400000000000${1000 + people.indexOf(name)}`;

export interface Town {
  readonly scalar: Uint8Array;
  readonly disks: ReadonlyMap<string, MemoryDisk>;
}

export async function buildTown(): Promise<Town> {
  const trusted = await openTrustedWorld({ seed: 1 });
  const { world } = trusted;
  const authority = trusted.addAgent('authority');
  const agents = everybody.map((name) => trusted.addAgent(name));
  await trusted.certify(authority, 'authority');
  await inTime(world, authority.command({ type: 'name-yourself', components: sample('authority') }));
  for (const agent of agents) {
    const merchant = !(people as readonly string[]).includes(agent.name);
    await trusted.certify(agent, merchant ? 'merchant' : 'customer');
    const untilMs = world.clock.nowMs() + 60_000;
    await inTime(world, agent.command({ type: 'expect', matter: 'credential', purpose: 'give', times: 1, untilMs }));
    const card = { ...sample('card'), number: merchant ? '' : cardOf(agent.name as (typeof people)[number]) };
    const items = [{ type: 'issue', components: merchant ? sample('merchant') : card }] as const;
    const command = { type: 'give', matter: 'credential', route: agent.name, about, items, check: 0 } as const;
    await inTime(world, authority.command(command));
    await trusted.run(3000);
    if (receivedBy(agent).length !== 1) throw new Error(`${agent.name} has no credential`);
  }
  const disks = new Map<string, MemoryDisk>();
  for (const machine of [trusted.primary, ...trusted.servers.values(), ...agents.map((agent) => agent.machine)]) {
    // Closed, it leaves a snapshot, and every start of every seed is the quicker for it.
    await inTime<void>(world, machine.host!.close());
    disks.set(machine.name, machine.copyDisk());
  }
  return { scalar: trusted.scalar, disks };
}
