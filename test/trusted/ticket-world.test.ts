/** Tickets in a world of faults: none lives twice or vanishes, whatever the seed, and bugs planted in an agent are found. */
import { describe, it } from 'vitest';
import { forEachSeed } from '../world/for-each-seed.ts';
import { runLife } from './ticket-life.ts';
import { buildTown } from './town.ts';

const town = await buildTown();
/** More of them with HANDSEL_SEEDS=N in the environment, only one with HANDSEL_SEED. */
const seeds = Number(process.env.HANDSEL_SEEDS ?? 40);
const hourMs = 3_600_000;

describe('tickets in a world of faults', () => {
  it(
    'are each held by one agent and worth what was not granted yet, whatever the seed',
    async () => {
      let ran = 0;
      let crashes = 0;
      const seen = new Map<string, number>();
      const began = performance.now();
      await forEachSeed(seeds, async (seed, watch) => {
        const run = await runLife({ seed, town, watch });
        ran++;
        crashes += run.world.crashes;
        for (const [what, times] of run.seen) seen.set(what, (seen.get(what) ?? 0) + times);
      });
      console.info(seen, crashes, ran, (performance.now() - began) / ran);
    },
    hourMs,
  );
});
