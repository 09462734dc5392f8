/** A thread that lives seeds one after the other, on the modules it was told to: see `life-threads.ts`, which starts it. */
import { workerData } from 'node:worker_threads';
import { replaceModules } from '../../world/threads/replace-modules.ts';
import { serveOrders } from '../../world/threads/run-in-threads.ts';
import type { LifeOrder, LifeOutcome, LifeSetting } from './life-threads.ts';

const { edits, quick } = workerData as LifeSetting;
const standIns = {
  'crypto/compact-key.ts': new URL('../../world/quick/quick-compact-key.ts', import.meta.url),
  'trusted/ticket/told-key.ts': new URL('../../world/quick/quick-told-key.ts', import.meta.url),
  'crypto/agreement.ts': new URL('../../world/quick/quick-agreement.ts', import.meta.url),
  'crypto/ephemeral-key.ts': new URL('../../world/quick/quick-ephemeral-key.ts', import.meta.url),
  'crypto/cose-encrypt.ts': new URL('../../world/quick/quick-cose-encrypt.ts', import.meta.url),
  'crypto/sealing.ts': new URL('../../world/quick/quick-sealing.ts', import.meta.url),
};
replaceModules({ edits, standIns: quick ? standIns : {} });
// Parties refuse each other all the time here, and where in the code is asked by nobody.
if (quick) Error.stackTraceLimit = 2;
// Only now: what they import is to be what was put in its place.
const { lives } = await import('./lives.ts');

serveOrders(async ({ life, seed, traced }: LifeOrder): Promise<LifeOutcome> => {
  let trace: readonly string[] = [];
  const crashed = { count: () => 0 };
  try {
    const seen = await (await lives[life]()).live({
      ...{ seed, traced },
      watch(world) {
        trace = world.trace;
        crashed.count = () => world.crashes;
      },
    });
    return { seed, crashes: crashed.count(), seen };
  } catch (error) {
    const faults = error instanceof Error ? error.message : String(error);
    return { seed, crashes: crashed.count(), seen: new Map(), faults, ...(traced ? { trace: [...trace] } : {}) };
  }
});
