/** A thread that runs seeds one after the other, on the modules it was told to: see `seed-threads.ts`, which starts it. */
import { parentPort, workerData } from 'node:worker_threads';
import { replaceModules } from './replace-modules.ts';
import type { SeedOrder, SeedOutcome, ThreadSetting } from './seed-threads.ts';

const setting = workerData as ThreadSetting;
replaceModules(setting);
// Parties refuse each other all the time here, and where in the code is asked by nobody.
if (setting.quick) Error.stackTraceLimit = 2;
// Only now: what they import is to be what was put in its place.
const { prepare } = await import('./prepare.ts');
const { runSeed } = await import('./run-seed.ts');
const prepared = await prepare();

/** What goes wrong aside of everything, in work that nobody waits for: it is a fault of the seed that runs. */
let aside: string[] = [];
process.on('unhandledRejection', (cause) =>
  aside.push(`nobody expected ${cause instanceof Error ? cause.stack : cause}`),
);

parentPort!.on('message', (order: SeedOrder) => {
  void run(order).then((outcome) => parentPort!.postMessage(outcome));
});

async function run({ seed, traced, thorough }: SeedOrder): Promise<SeedOutcome> {
  let trace: readonly string[] = [];
  aside = [];
  try {
    const tally = await runSeed(seed, prepared, {
      ...{ traced, thorough },
      watch: (world) => {
        trace = world.trace;
      },
    });
    if (aside.length > 0) throw new Error(aside.join('\n'));
    return { seed, tally };
  } catch (error) {
    const faults = [error instanceof Error ? error.message : String(error), ...aside].join('\n');
    return { seed, faults, ...(traced ? { trace: [...trace] } : {}) };
  }
}
