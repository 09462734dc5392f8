/** SET purchases from the guard to the issuer survive every seed, and bugs planted in any party are found. */
import { describe, expect, it } from 'vitest';
import { forEachSeed } from './for-each-seed.ts';
import { type Bug, bugs } from './set-bugs.ts';
import { createPeople } from './set-people.ts';
import { runSetSeed } from './set-run.ts';

const people = await createPeople();
/** More of them with HANDSEL_SEEDS=N in the environment, only one with HANDSEL_SEED. */
const seeds = Number(process.env.HANDSEL_SEEDS ?? 100);
/** Within which each planted bug must be found. */
const bugSeeds = 400;
const hourMs = 3_600_000;

describe('SET purchases in a world of faults', () => {
  it(
    'end, are charged once or not at all, and all parties agree, whatever the seed',
    async () => {
      let crashes = 0;
      let ran = 0;
      const ends = new Map<string, number>();
      const began = performance.now();
      await forEachSeed(seeds, async (seed, watch) => {
        const { world, findings } = await runSetSeed({ seed, people, watch });
        ran++;
        crashes += world.crashes;
        for (const [end, count] of findings.ends) ends.set(end, (ends.get(end) ?? 0) + count);
      });
      if (ran < 100) return;
      if (process.env.HANDSEL_SEEDS !== undefined) {
        console.info(
          `${ran} seeds, ${crashes} crashes, ${((ran * 1000) / (performance.now() - began)).toFixed(1)} a second`,
        );
        console.info(ends);
      }
      // Neither too kind nor too cruel a world: each way to end is seen.
      expect(crashes).toBeGreaterThan(20 * ran);
      const seen = [...ends.keys()].join('\n');
      for (const end of ['merchant paid', 'merchant authorized', 'merchant reversed', 'merchant expired']) {
        expect(seen).toContain(end);
      }
      for (const end of [
        'wallet declined noReply',
        'wallet declined declined',
        'wallet failed DEADLINE',
        'guard refused',
      ]) {
        expect(seen).toContain(end);
      }
    },
    hourMs,
  );

  it('live the same life again from the same seed', async () => {
    const [first, second, other] = [5, 5, 6].map((seed) => runSetSeed({ seed, people }));
    expect((await first!).world.trace).toEqual((await second!).world.trace);
    expect((await other!).world.trace).not.toEqual((await first!).world.trace);
  });
});

async function faultsOf({ alter }: Bug, seed: number): Promise<string> {
  return runSetSeed({ seed, people, alter }).then(() => '', String);
}

describe('a planted bug is found', () => {
  it.each(bugs)('when $name', async (bug) => {
    const others: string[] = [];
    for (let seed = 0; seed <= bugSeeds; seed++) {
      const faults = await faultsOf(bug, seed === 0 ? (bug.hint ?? 1) : seed);
      if (bug.seenAs.test(faults)) return;
      if (faults !== '') others.push(`${seed}: ${faults}`);
    }
    expect(others).toEqual([expect.stringMatching(bug.seenAs)]);
  });
});
