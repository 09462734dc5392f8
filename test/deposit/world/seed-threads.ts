/** Runs seeds of the world of deposits in threads: Node runs them there twice as fast as vitest does, and each on modules of its own. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Tally } from './invariants.ts';
import type { Edit } from './replace-modules.ts';

export interface ThreadSetting {
  /** Bugs to plant. */
  readonly edits: readonly Edit[];
  /** Whether stand-ins take the place of slow modules. */
  readonly quick: boolean;
}

export interface SeedOrder {
  readonly seed: number;
  readonly traced: boolean;
  readonly thorough: boolean;
}

export interface SeedOutcome {
  readonly seed: number;
  readonly tally?: Tally;
  /** What was found to be wrong; absent when all is well. */
  readonly faults?: string;
  readonly trace?: readonly string[];
}

/** Calls back with every outcome, in no order; stops early when that returns false. */
export async function runSeeds(
  setting: ThreadSetting,
  orders: Iterable<SeedOrder>,
  onOutcome: (outcome: SeedOutcome) => boolean,
  threads = availableParallelism(),
): Promise<void> {
  const waiting = orders[Symbol.iterator]();
  let stopped = false;
  const work = async () => {
    const thread = startThread(setting);
    try {
      for (let next = waiting.next(); !stopped && next.done !== true; next = waiting.next()) {
        if (!onOutcome(await thread.run(next.value))) stopped = true;
      }
    } finally {
      await thread.stop();
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
}

function startThread(workerData: ThreadSetting) {
  const worker = new Worker(new URL('./seed-thread.ts', import.meta.url), {
    workerData,
    // Most of a seed is dead when the next begins.
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
  });
  let waiting: PromiseWithResolvers<SeedOutcome> | undefined;
  worker.on('message', (outcome: SeedOutcome) => waiting?.resolve(outcome));
  worker.on('error', (cause) => waiting?.reject(cause));
  return {
    run(order: SeedOrder): Promise<SeedOutcome> {
      waiting = Promise.withResolvers();
      worker.postMessage(order);
      return waiting.promise;
    },
    stop: () => worker.terminate(),
  };
}
