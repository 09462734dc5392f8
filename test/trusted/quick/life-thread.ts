/** A thread that lives seeds of the world of tickets one after the other, on stand-ins for slow cryptography: see `life-threads.ts`. */
import { registerHooks } from 'node:module';
import { parentPort } from 'node:worker_threads';
import type { LifeOutcome } from './life-threads.ts';

const root = new URL('../../../', import.meta.url).href;
const STAND_INS: ReadonlyMap<string, string> = new Map([
  ['src/crypto/compact-key.ts', new URL('./quick-compact-key.ts', import.meta.url).href],
  ['src/crypto/recover-key.ts', new URL('./quick-recover-key.ts', import.meta.url).href],
]);
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const url = resolved.url.startsWith(root) ? STAND_INS.get(resolved.url.slice(root.length)) : undefined;
    return url === undefined || context.parentURL === url ? resolved : { ...resolved, url };
  },
});
// Parties refuse each other all the time here, and where in the code is asked by nobody.
Error.stackTraceLimit = 2;
// Only now: what they import is to be what was put in its place.
const { buildTown } = await import('../town.ts');
const { runLife } = await import('../ticket-life.ts');
const town = await buildTown();

async function live(seed: number): Promise<LifeOutcome> {
  try {
    const { world, seen } = await runLife({ seed, town, traced: false });
    return { seed, crashes: world.crashes, seen };
  } catch (error) {
    return { seed, faults: error instanceof Error ? error.message : String(error) };
  }
}

parentPort!.on('message', (seed: number) => {
  void live(seed).then((outcome) => parentPort!.postMessage(outcome));
});
