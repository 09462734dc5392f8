/** Runs a simulation for many seeds; the seed that fails is named with the command that replays it alone. */
import { relative } from 'node:path';
import { expect } from 'vitest';
import type { World } from './simulation.ts';

/** With HANDSEL_SEED in the environment only that seed runs, and its trace is printed when it fails. */
export async function forEachSeed(
  seeds: number,
  run: (seed: number, watch: (world: World) => void) => Promise<void>,
): Promise<void> {
  const wanted = process.env.HANDSEL_SEED;
  const chosen = wanted === undefined ? Array.from({ length: seeds }, (_, at) => at + 1) : [Number(wanted)];
  for (const seed of chosen) {
    let world: World | undefined;
    try {
      await run(seed, (started) => {
        world = started;
      });
    } catch (cause) {
      if (wanted !== undefined) console.error(world?.trace.join('\n'));
      const file = relative(process.cwd(), expect.getState().testPath ?? 'test/world');
      const name = expect.getState().currentTestName ?? '';
      throw new Error(
        `seed ${seed} fails: ${String(cause)}\nreplay: HANDSEL_SEED=${seed} npx vitest run ${file} -t ${JSON.stringify(name.replaceAll(' > ', ' '))}`,
        { cause },
      );
    }
  }
}

/** The first seed of which the simulation finds a fault, or undefined: for planted bugs, which must be found. */
export async function firstFailingSeed(
  seeds: number,
  run: (seed: number) => Promise<void>,
): Promise<number | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      await run(seed);
    } catch {
      return seed;
    }
  }
  return undefined;
}
