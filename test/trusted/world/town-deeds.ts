/** What people and merchants of the town do in a minute: issue, buy, pass on, present and let in, and sign on, all at random. */
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import type { SeededRandom } from '../../world/seeded-random.ts';
import { about } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import type { TrustedAgent, TrustedWorld } from '../trusted-world.ts';
import { roughMs, settleMs } from './plan.ts';
import { gates, people } from './town.ts';
import { answerNotice, type Book, buySomething, isCard } from './trade.ts';

export interface Doing {
  readonly agents: ReadonlyMap<string, TrustedAgent>;
  readonly random: SeededRandom;
  /** What was asked for and refused, to be judged by. */
  readonly book: Book;
  readonly ticketsIssued: number;
  readonly deeds: number;
}

export function play({ world }: TrustedWorld, { agents, random, book, ...much }: Doing): void {
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
      answerNotice(agent, notice, { random, book });
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
  for (let i = 0; i < much.ticketsIssued; i++) {
    world.clock.after(1000 + random.below(4000), () => issue(`issue ${i}${i % 2}`));
  }
  for (let i = 0; i < much.deeds; i++) {
    world.clock.after(2000 + random.below(roughMs - 2000), () => {
      const what = random.fraction();
      if (what < 0.2) {
        buySomething(agents, { random, book }, { matter: `seat ${i}`, untilMs });
        return;
      }
      const person = at(random.pick(people));
      const held = ticketsOf(person);
      if (held.length === 0) return;
      const ticketId = random.pick(held);
      if (what < 0.78) {
        // Gates keep what they are given: mostly it goes to people, who go on with it.
        const others = people.filter((name) => name !== person.name);
        const route = random.chance(0.04) ? random.pick(gates) : random.pick(others);
        const first = random.below(held.length);
        const chosen = random.chance(0.7) ? held.slice(first, first + 8) : [ticketId];
        const items = chosen.map((id) => ({ type: 'transfer' as const, ticketId: id }));
        const command = { type: 'give', matter: `give ${i}`, route, about, items, check: 0 } as const;
        person.command(command).then(
          () => book.count('tried transfer', items.length),
          () => undefined,
        );
      } else if (what < 0.93) {
        const route = random.pick([...gates, 'house']);
        tell(person, { type: 'present', matter: `present ${i}`, route, about, ticketId, check: 0 });
      } else {
        tell(person, { type: random.chance(0.5) ? 'sync' : 'recertify', route: 'north' });
      }
    });
  }
}

/** All but the card, by which people buy. */
function ticketsOf({ machine }: TrustedAgent): readonly string[] {
  return [...(machine.host?.state.tickets.values() ?? [])].filter((held) => !isCard(held)).map(({ id }) => id);
}
