/** Deposits between three operators survive every seed: faults of network, disks and machines, and liars on either side. */
import { relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runSeeds, type SeedOrder } from './seed-threads.ts';

/** More of them with HANDSEL_SEEDS=N in the environment, only one with HANDSEL_SEED, whose trace is printed when it fails. */
const { HANDSEL_SEED, HANDSEL_SEEDS } = process.env;
const seeds = Number(HANDSEL_SEEDS ?? 10_000);
/** With the real signatures, agreements and chains. */
const realSeeds = 100;
/** Every so many, all machines are recovered in the end. */
const thoroughEvery = 20;
const hourMs = 3_600_000;

function* ordersOf(count: number): Generator<SeedOrder> {
  const wanted = HANDSEL_SEED === undefined ? undefined : Number(HANDSEL_SEED);
  if (wanted !== undefined) yield { seed: wanted, traced: true, thorough: true };
  else for (let seed = 1; seed <= count; seed++) yield { seed, traced: false, thorough: seed % thoroughEvery === 0 };
}

/** @throws Error with the first seed that fails and the command that replays it */
async function survive(count: number, quick: boolean) {
  const ends = new Map<string, number>();
  const sums = { seeds: 0, crashes: 0, purchases: 0, deposits: 0 };
  let failed: string | undefined;
  await runSeeds({ edits: [], quick }, ordersOf(count), ({ seed, tally, faults, trace }) => {
    if (tally === undefined || faults !== undefined) {
      if (trace !== undefined) console.error(trace.join('\n'));
      const file = relative(process.cwd(), expect.getState().testPath ?? 'test/deposit/world');
      failed ??= `seed ${seed} fails: ${faults}\nreplay: HANDSEL_SEED=${seed} npx vitest run ${file}`;
      return false;
    }
    sums.seeds++;
    sums.crashes += tally.crashes;
    sums.purchases += tally.purchases;
    for (const [end, deposits] of tally.ends) {
      ends.set(end, (ends.get(end) ?? 0) + deposits);
      sums.deposits += deposits;
    }
    return true;
  });
  if (failed !== undefined) throw new Error(failed);
  return { ...sums, ends };
}

describe('deposits in a world of faults and liars', () => {
  it(
    'end, cost what was released and bring what was proved, and all accounts sum to zero, whatever the seed',
    async () => {
      const began = performance.now();
      const { ends, ...sums } = await survive(seeds, true);
      if (HANDSEL_SEEDS !== undefined) {
        console.info(sums, ends, `${((performance.now() - began) / sums.seeds).toFixed(1)} ms a seed`);
      }
      if (sums.seeds < 1000) return;
      // Neither too kind nor too cruel a world: each way to end is seen.
      expect(sums.crashes).toBeGreaterThan(4 * sums.seeds);
      expect(sums.deposits).toBeGreaterThan(2 * sums.seeds);
      expect(sums.purchases).toBeGreaterThan(5 * sums.seeds);
      for (const end of [
        'paid',
        'cleared for nothing',
        'lapsed',
        'refused CREDIT_EXCEEDED',
        'refused DEPOSIT_REFUSED',
      ]) {
        expect([end, ends.get(end) ?? 0]).toEqual([
          end,
          expect.toSatisfy((count: number) => count >= sums.seeds / 500),
        ]);
      }
    },
    hourMs,
  );

  it(
    'with real signatures, too',
    async () => {
      await survive(realSeeds, false);
    },
    hourMs,
  );
});
