/** A thread that runs seeds one after the other, on the modules it was told to: see `seed-threads.ts`, which starts it. */
import { workerData } from 'node:worker_threads';
import { replaceModules } from '../../world/threads/replace-modules.ts';
import { serveOrders } from '../../world/threads/run-in-threads.ts';
import type { SeedOrder, SeedOutcome, ThreadSetting } from './seed-threads.ts';

const { edits, quick } = workerData as ThreadSetting;
const at = (file: string) => new URL(file, import.meta.url).href;
const standIns = {
  'crypto/signature.ts': at('./quick-signature.ts'),
  'crypto/agreement.ts': at('../../world/quick/quick-agreement.ts'),
  'deposit/merchant/session-key.ts': at('./quick-session-key.ts'),
  'deposit/customer/temporary-key.ts': at('./quick-temporary-key.ts'),
  'deposit/customer/spending-chains.ts': at('./quick-chains.ts'),
  'party/running/peer-name.ts': at('./quick-peer-name.ts'),
};
replaceModules({ edits, standIns: quick ? standIns : {} });
// Parties refuse each other all the time here, and where in the code is asked by nobody.
if (quick) Error.stackTraceLimit = 2;
// Only now: what they import is to be what was put in its place.
const { prepare } = await import('./prepare.ts');
const { runSeed } = await import('./run-seed.ts');
const prepared = await prepare();

serveOrders(async ({ seed, traced, thorough }: SeedOrder): Promise<SeedOutcome> => {
  let trace: readonly string[] = [];
  try {
    const tally = await runSeed(seed, prepared, {
      ...{ traced, thorough },
      watch: (world) => {
        trace = world.trace;
      },
    });
    return { seed, tally };
  } catch (error) {
    const faults = error instanceof Error ? error.message : String(error);
    return { seed, faults, ...(traced ? { trace: [...trace] } : {}) };
  }
});
