/** Deliveries in a world of faults, with dishonest merchants, trustees and customers: an honest party never ends worse off. */
import { describe, expect, it } from 'vitest';
import { forEachSeed } from '../../world/for-each-seed.ts';
import { runDeliverySeed } from './delivery-run.ts';
import { makeProducts } from './products.ts';

const products = await makeProducts();
/** More of them with HANDSEL_SEEDS=N in the environment, only one with HANDSEL_SEED. */
const seeds = Number(process.env.HANDSEL_SEEDS ?? 60);
const hourMs = 3_600_000;

describe('deliveries in a world of faults', () => {
  it(
    'end with an honest party no worse off, whatever the seed',
    async () => {
      let crashes = 0;
      let ran = 0;
      const ends = new Map<string, number>();
      const began = performance.now();
      await forEachSeed(seeds, async (seed, watch) => {
        const { world, findings } = await runDeliverySeed({ seed, products, watch });
        ran++;
        crashes += world.crashes;
        for (const [end, count] of findings.ends) ends.set(end, (ends.get(end) ?? 0) + count);
      });
      if (process.env.HANDSEL_SEEDS !== undefined) {
        console.info(
          `${ran} seeds, ${crashes} crashes, ${((ran * 1000) / (performance.now() - began)).toFixed(1)} a second`,
        );
        console.info([...ends].sort());
      }
    },
    hourMs,
  );
});
