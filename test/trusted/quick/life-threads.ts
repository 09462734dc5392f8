/** Lives many seeds of the world of tickets in threads: Node runs them there faster than vitest does, on modules of their own. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

export interface LifeOutcome {
  readonly seed: number;
  readonly crashes?: number;
  readonly seen?: ReadonlyMap<string, number>;
  /** What was found to be wrong; absent when all is well. */
  readonly faults?: string;
}

/** Calls back with every outcome, in no order; stops early when that returns false. */
export async function liveSeeds(
  seeds: Iterable<number>,
  onOutcome: (outcome: LifeOutcome) => boolean,
  threads = availableParallelism(),
): Promise<void> {
  const waiting = seeds[Symbol.iterator]();
  let stopped = false;
  const work = async () => {
    const thread = startThread();
    try {
      for (let next = waiting.next(); !stopped && next.done !== true; next = waiting.next()) {
        if (!onOutcome(await thread.live(next.value))) stopped = true;
      }
    } finally {
      await thread.stop();
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
}

function startThread() {
  const worker = new Worker(new URL('./life-thread.ts', import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
  });
  let waiting: PromiseWithResolvers<LifeOutcome> | undefined;
  worker.on('message', (outcome: LifeOutcome) => waiting?.resolve(outcome));
  worker.on('error', (cause) => waiting?.reject(cause));
  return {
    live(seed: number): Promise<LifeOutcome> {
      waiting = Promise.withResolvers();
      worker.postMessage(seed);
      return waiting.promise;
    },
    stop: () => worker.terminate(),
  };
}
