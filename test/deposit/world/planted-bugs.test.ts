/** The world of deposits finds bugs: each that is planted, within so many seeds, for the right reason. */
import { describe, expect, it } from 'vitest';
import { bugs } from './bugs.ts';
import { runSeeds, type SeedOrder, type SeedOutcome } from './seed-threads.ts';

/** Within which each must be found. */
const bugSeeds = 1500;
const hourMs = 3_600_000;
/** With HANDSEL_SEED in the environment only that seed is tried. */
const { HANDSEL_SEED } = process.env;

function* orders(): Generator<SeedOrder> {
  const only = HANDSEL_SEED === undefined ? undefined : Number(HANDSEL_SEED);
  if (only !== undefined) yield { seed: only, traced: true, thorough: false };
  else for (let seed = 1; seed <= bugSeeds; seed++) yield { seed, traced: false, thorough: false };
}

describe('a planted bug is found', () => {
  it.concurrent.each(bugs)('where $name', { timeout: hourMs }, async ({ edits, seenAs }) => {
    let found: SeedOutcome | undefined;
    const others: string[] = [];
    await runSeeds(
      { edits, quick: true },
      orders(),
      (outcome) => {
        if (seenAs.test(outcome.faults ?? '')) found = outcome;
        else if (outcome.faults !== undefined && others.length < 5) others.push(`${outcome.seed}: ${outcome.faults}`);
        return found === undefined;
      },
      1,
    );
    if (found === undefined) expect(others).toEqual([expect.stringMatching(seenAs)]);
  });

  it('and there are enough of them, each with a name of its own', () => {
    expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
    expect(bugs.length).toBeGreaterThanOrEqual(40);
  });
});
