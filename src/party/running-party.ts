/** What every party is to whoever runs it: something that was started, can fail by itself, and is closed without loss. */
import type { Log } from '../transport/log.ts';
import type { Tracer } from '../transport/trace.ts';

/** What a process brings to the parties it runs. */
export interface Surroundings {
  readonly log: Log;
  /** Present with `--trace DIR`. */
  readonly tracer?: Tracer;
  /** For tests that end the process at a journal boundary: the machine, the boundary, and how many groups it has written. */
  readonly onBoundary?: (machine: string, boundary: string, group: number) => void;
}

export interface RunningParty {
  readonly name: string;
  readonly url: string;
  /** Where a party still has to be let in somewhere after it has started: resolves when it has been. */
  readonly ready?: Promise<void>;
  /** Resolves when a host of the party had to stop by itself: the process must then end, and recover when started again. */
  readonly failed: Promise<unknown>;
  /** Takes nothing new, finishes what runs, flushes, closes. */
  close(): Promise<void>;
}

/** Closes in the given order, each whatever became of the one before; the first failure is thrown at the end. */
export async function closeInOrder(closers: readonly (() => Promise<void> | void)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers) {
    try {
      await close();
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw failures[0];
}
