/** A credential is issued once, paid once, and held by whoever paid for it, whatever crashes at whatever write (US 5,671,280, figures 26 to 28). */
import { describe, expect, test } from 'vitest';
import { CARD, heldOf, openBureau, PERMIT, SEAL } from '../bureau.ts';
import { isAtRest, stateOf } from '../opera.ts';
import { inTime } from '../trusted-world.ts';

const SUBJECT = '640531-1';
const DAY_MS = 86_400_000;

type World = Awaited<ReturnType<typeof openBureau>>;

interface Scenario {
  readonly name: string;
  /** What has happened before. */
  prepare(world: World): Promise<void>;
  begin(world: World): Promise<void>;
  /** How it has ended, having looked at everything that must be true in any case. */
  end(world: World): string;
}

const issued = ({ register }: World, what: string) =>
  [...register.host!.state.issued.values()].filter(({ wanted }) => wanted === what);

const acquiring = (what: string, price: bigint): Scenario => ({
  name: price > 0n ? 'acquired and paid' : 'acquired',
  async prepare({ acquire, cy, visit }) {
    await acquire(cy, CARD, { code: await visit(SUBJECT, CARD) });
    await visit(SUBJECT, what, 77);
  },
  begin: ({ acquire, cy }) => acquire(cy, what, { code: new Uint8Array(13).fill(77), forMs: 60_000 }),
  end(world) {
    const { cy, captured, register } = world;
    const held = [...stateOf(cy).tickets.keys()].filter((id) =>
      issued(world, what).some(({ ticketId }) => ticketId === id),
    );
    expect(held).toHaveLength(issued(world, what).length);
    expect(captured()).toBe(price * BigInt(held.length));
    // Either the credential is there, or the code still opens the way to it.
    expect(register.host!.state.visits.size).toBe(1 - held.length);
    return held.length === 1 ? 'issued' : 'not issued';
  },
});

const revalidating: Scenario = {
  name: 'revalidated and paid',
  async prepare({ acquire, cy, visit, trusted }) {
    await acquire(cy, CARD, { code: await visit(SUBJECT, CARD) });
    await acquire(cy, PERMIT, { code: await visit(SUBJECT, PERMIT) });
    await trusted.run(2 * DAY_MS);
  },
  begin: ({ revalidate, cy }) => revalidate(cy, heldOf(cy, PERMIT)[0]!.ticketId, 60_000),
  end(world) {
    const { cy, captured, bureau } = world;
    const held = issued(world, PERMIT).filter(({ ticketId }) => stateOf(cy).tickets.has(ticketId));
    expect(held).toHaveLength(1);
    expect(held[0]!.standing).toBe('good');
    const others = issued(world, PERMIT).filter(({ ticketId }) => ticketId !== held[0]!.ticketId);
    expect(others.map(({ standing }) => standing)).toEqual(others.map(() => 'replaced'));
    const { listed } = stateOf(bureau).standings.own.list;
    expect([...listed.keys()]).toEqual(others.map(({ ticketId }) => ticketId));
    expect(captured()).toBe(700n * BigInt(1 + others.length));
    return others.length === 1 ? 'revalidated' : 'as it was';
  },
};

const scenarios = [acquiring(SEAL, 0n), acquiring(PERMIT, 700n), revalidating];

describe('a credential', () => {
  for (const scenario of scenarios) {
    for (const who of ['cy', 'bureau', 'register'] as const) {
      for (const when of ['before', 'after'] as const) {
        const ids = scenario === revalidating ? '[CITI-F28]' : '[CITI-F26] [CITI-F27]';
        const party = { cy: "holder's device", bureau: "authority's device", register: "authority's server" }[who];
        test(`${ids} is ${scenario.name} by all or by nobody when the ${party} crashes ${when} any write`, async () => {
          const ends = new Set<string>();
          for (let append = 1; ; append++) {
            const world = await openBureau();
            const { trusted, cy, bureau, register, points, held } = world;
            await scenario.prepare(world);
            points[who].plan = { append, when };
            await scenario.begin(world).catch(() => undefined);
            await trusted.run(60_000);
            if (!points[who].happened) break;
            if (who !== 'register') {
              const agent = who === 'cy' ? cy : bureau;
              await inTime(trusted.world, agent.command({ type: 'opened' }));
            }
            await trusted.run(DAY_MS);
            expect([cy, bureau].map(isAtRest), `append ${append}`).toEqual([true, true]);
            expect(register.host!.state.grants.size, `append ${append}`).toBe(0);
            expect(held(), `append ${append}`).toBe(0);
            ends.add(scenario.end(world));
            expect(trusted.breaches).toEqual([]);
          }
          // Some crashes come before the decision and some after it; the server, which decides nothing, stops it only by its silence.
          expect(ends.size).toBeGreaterThan(who === 'register' ? 0 : 1);
        });
      }
    }
  }
});
