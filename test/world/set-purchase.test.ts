/** SET purchases from the guard to the issuer survive every seed, and bugs planted in any party are found. */
import { describe, expect, it } from 'vitest';
import { forEachSeed } from './for-each-seed.ts';
import { createPeople } from './set-people.ts';
import { runSetSeed } from './set-run.ts';

const people = await createPeople();
const seeds = Number(process.env.HANDSEL_SEEDS ?? 100);

describe('SET purchases in a world of faults', () => {
  it('end, are charged once or not at all, and all parties agree, whatever the seed', async () => {
    let crashes = 0;
    const ends = new Map<string, number>();
    const began = performance.now();
    await forEachSeed(seeds, async (seed, watch) => {
      const { world, findings } = await runSetSeed({ seed, people, watch });
      crashes += world.crashes;
      for (const [end, count] of findings.ends) ends.set(end, (ends.get(end) ?? 0) + count);
    });
    console.info(
      `${seeds} seeds, ${crashes} crashes, ${((seeds * 1000) / (performance.now() - began)).toFixed(1)} seeds/s`,
      ends,
    );
    expect(crashes).toBeGreaterThan(seeds);
  });
});
