/** Tickets in a world of faults: none lives twice or vanishes, whatever the seed, and bugs planted in an agent are found. */
import { describe, expect, it } from 'vitest';
import { forEachSeed } from '../world/for-each-seed.ts';
import { type Bug, bugs } from './ticket-bugs.ts';
import { runLife } from './ticket-life.ts';
import { buildTown } from './town.ts';
import { runTwins } from './twin-life.ts';

const town = await buildTown();
/** More of them with HANDSEL_SEEDS=N in the environment, only one with HANDSEL_SEED. */
const seeds = Number(process.env.HANDSEL_SEEDS ?? 40);
/** Within which each planted bug must be found. */
const bugSeeds = 200;
const hourMs = 3_600_000;

describe('tickets in a world of faults', () => {
  it(
    'are each held by one agent and worth what was not granted yet, whatever the seed',
    async () => {
      let ran = 0;
      let crashes = 0;
      const seen = new Map<string, number>();
      await forEachSeed(seeds, async (seed, watch) => {
        const run = await runLife({ seed, town, watch });
        ran++;
        crashes += run.world.crashes;
        for (const [what, times] of run.seen) seen.set(what, (seen.get(what) ?? 0) + times);
      });
      if (ran < 40) return;
      if (process.env.HANDSEL_SEEDS !== undefined) console.info(ran, 'seeds', crashes, 'crashes', seen);
      // Neither too kind nor too cruel a world.
      expect(crashes).toBeGreaterThan(20 * ran);
      for (const what of ['given', 'presented', 'used', 'unused', 'undecided'])
        expect(seen.get(what), what).toBeGreaterThan(ran / 2);
    },
    hourMs,
  );

  it('live the same life again from the same seed', async () => {
    const [first, second, other] = [5, 5, 6].map((seed) => runLife({ seed, town }));
    expect((await first!).world.trace).toEqual((await second!).world.trace);
    expect((await other!).world.trace).not.toEqual((await first!).world.trace);
  });
});

describe('a copied device in a world of faults', () => {
  it(
    'is found out, and no gate admits one ticket twice, whatever the seed',
    async () => {
      let doubled = 0;
      let suspicions = 0;
      let ran = 0;
      await forEachSeed(Math.ceil(seeds / 2), async (seed, watch) => {
        const run = await runTwins({ seed, town, watch });
        doubled += run.doubled;
        suspicions += run.suspicions;
        ran++;
      });
      if (ran < 20) return;
      // The world is cruel enough: tickets did double, and gates did notice.
      expect(doubled).toBeGreaterThan(10);
      expect(suspicions).toBeGreaterThan(0);
    },
    hourMs,
  );
});

const faultsOf = ({ alter }: Bug, seed: number): Promise<string> =>
  runLife({ seed, town, alter }).then(() => '', String);

describe('a planted bug is found', () => {
  it.each(bugs)(
    'when $name',
    async (bug) => {
      const others: string[] = [];
      for (let seed = 0; seed <= bugSeeds; seed++) {
        const faults = await faultsOf(bug, seed === 0 ? (bug.hint ?? 1) : seed);
        if (bug.seenAs.test(faults)) return;
        if (faults !== '') others.push(`${seed}: ${faults}`);
      }
      expect(others).toEqual([expect.stringMatching(bug.seenAs)]);
    },
    hourMs,
  );
});
