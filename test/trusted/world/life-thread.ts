/** A thread that lives seeds one after the other, on the modules it was told to: see `life-threads.ts`, which starts it. */
import { workerData } from 'node:worker_threads';
import { replaceModules } from '../../world/threads/replace-modules.ts';
import { serveOrders } from '../../world/threads/run-in-threads.ts';
import type { LifeOrder, LifeOutcome, LifeSetting } from './life-threads.ts';

const { edits, quick } = workerData as LifeSetting;
const quickOne = (name: string) => new URL(`../../world/quick/${name}`, import.meta.url).href;
const standIns = {
  'crypto/compact-key.ts': quickOne('quick-compact-key.ts'),
  'trusted/ticket/told-key.ts': quickOne('quick-told-key.ts'),
  'crypto/agreement.ts': quickOne('quick-agreement.ts'),
  'crypto/ephemeral-key.ts': quickOne('quick-ephemeral-key.ts'),
  'crypto/cose-encrypt.ts': quickOne('quick-cose-encrypt.ts'),
  'crypto/sealing.ts': quickOne('quick-sealing.ts'),
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
