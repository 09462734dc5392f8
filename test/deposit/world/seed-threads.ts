/** Runs seeds of the world of deposits in threads. */
import type { Edit } from '../../world/threads/replace-modules.ts';
import { runInThreads } from '../../world/threads/run-in-threads.ts';
import type { Tally } from './invariants.ts';

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
  threads?: number,
): Promise<void> {
  const script = new URL('./seed-thread.ts', import.meta.url);
  await runInThreads<SeedOrder, SeedOutcome>({ script, setting, orders, onOutcome, ...(threads && { threads }) });
}
