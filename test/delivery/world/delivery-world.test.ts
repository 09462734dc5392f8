/** Deliveries in a world of faults, with dishonest merchants, trustees and customers: an honest party never ends worse off. */
import { describe, expect, it } from 'vitest';
import { forEachSeed } from '../../world/for-each-seed.ts';
import { type Bug, bugs } from './delivery-bugs.ts';
import { runDeliverySeed } from './delivery-run.ts';
import { makeProducts } from './products.ts';

const products = await makeProducts();
/** More of them with HANDSEL_SEEDS=N in the environment, only one with HANDSEL_SEED. */
const seeds = Number(process.env.HANDSEL_SEEDS ?? 60);
/** Within which each planted bug must be found. */
const bugSeeds = 150;
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
      if (ran < 60) return;
      if (process.env.HANDSEL_SEEDS !== undefined) {
        console.info(
          `${ran} seeds, ${crashes} crashes, ${((ran * 1000) / (performance.now() - began)).toFixed(1)} a second`,
        );
        console.info([...ends].sort());
      }
      // Neither too kind nor too cruel a world: each way to end is seen.
      expect(crashes).toBeGreaterThan(20 * ran);
      const seen = [...ends.keys()].join('\n');
      for (const end of [
        'delivered',
        'flaky delivered',
        'unpaid DEADLINE',
        'unpaid FUNDS_LACKING',
        'spoiled unpaid NEVER_WHOLE',
        'locked ruled refund KEY_DOES_NOT_OPEN',
        'other ruled refund CONTENT_DIFFERS',
        'ruled refund KEY_NOT_SHOWN',
        'liar unpaid PAYMENT_UNPROVED',
        'liar replay PAYMENT_UNPROVED',
        'liar complain dismissed',
      ]) {
        expect(seen).toContain(end);
      }
    },
    hourMs,
  );

  it('live the same life again from the same seed', async () => {
    const runs = [5, 5, 6].map((seed) => runDeliverySeed({ seed, products }));
    const [first, second, other] = (await Promise.all(runs)).map(({ world }) => world.trace.map(withoutDigests));
    expect(second).toEqual(first);
    expect(other).not.toEqual(first);
  });
});

/** Signatures are made with randomness of their own: what is named by their digests differs from run to run. */
function withoutDigests(line: string): string {
  return line.replaceAll(/[0-9a-f]{16,}/g, '…');
}

async function faultsOf({ alter }: Bug, seed: number): Promise<string> {
  return runDeliverySeed({ seed, products, alter }).then(() => '', String);
}

describe('a planted bug is found', () => {
  it.each(bugs)(
    'when $name',
    async (bug) => {
      const others: string[] = [];
      for (let seed = 1; seed <= bugSeeds; seed++) {
        const faults = await faultsOf(bug, seed);
        if (bug.seenAs.test(faults)) return;
        if (faults !== '') others.push(`${seed}: ${faults}`);
      }
      expect(others).toEqual([expect.stringMatching(bug.seenAs)]);
    },
    hourMs,
  );
});
