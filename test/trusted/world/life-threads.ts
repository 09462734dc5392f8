/** Lives many seeds of the worlds of trusted agents in threads, each on modules of its own: as they are, quick, or with a bug in them. */
import type { Edit } from '../../world/threads/replace-modules.ts';
import { runInThreads } from '../../world/threads/run-in-threads.ts';

/** `town`: tickets are bought, passed on and presented; `twins`: and a device is copied or set back; `disputes`: and fought over. */
export type Life = 'town' | 'twins' | 'disputes';

export interface LifeSetting {
  /** Bugs to plant. */
  readonly edits: readonly Edit[];
  /** Whether stand-ins take the place of slow cryptography. */
  readonly quick: boolean;
}

export interface LifeOrder {
  readonly life: Life;
  readonly seed: number;
  readonly traced: boolean;
}

export interface LifeOutcome {
  readonly seed: number;
  readonly crashes: number;
  /** How often what happened. */
  readonly seen: ReadonlyMap<string, number>;
  /** What was found to be wrong; absent when all is well. */
  readonly faults?: string;
  readonly trace?: readonly string[];
}

/** Calls back with every outcome, in no order; stops early when that returns false. */
export async function liveSeeds(
  setting: LifeSetting,
  orders: Iterable<LifeOrder>,
  onOutcome: (outcome: LifeOutcome) => boolean,
  threads?: number,
): Promise<void> {
  const script = new URL('./life-thread.ts', import.meta.url);
  await runInThreads<LifeOrder, LifeOutcome>({ script, setting, orders, onOutcome, ...(threads && { threads }) });
}
