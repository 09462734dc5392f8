/** A thread that runs seeds one after the other, on the modules it was told to: see `seed-threads.ts`, which starts it. */
import { workerData } from 'node:worker_threads';
import { replaceModules } from '../../world/threads/replace-modules.ts';
import { serveOrders } from '../../world/threads/run-in-threads.ts';
import type { SeedOrder, SeedOutcome, ThreadSetting } from './seed-threads.ts';

const { edits, quick } = workerData as ThreadSetting;
const standIns = {
  'crypto/signature.ts': new URL('./quick-signature.ts', import.meta.url),
  'crypto/agreement.ts': new URL('../../world/quick/quick-agreement.ts', import.meta.url),
  'deposit/merchant/session-key.ts': new URL('./quick-session-key.ts', import.meta.url),
  'deposit/customer/temporary-key.ts': new URL('./quick-temporary-key.ts', import.meta.url),
  'deposit/customer/spending-chains.ts': new URL('./quick-chains.ts', import.meta.url),
  'party/running/peer-name.ts': new URL('./quick-peer-name.ts', import.meta.url),
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
