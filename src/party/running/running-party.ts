/** What every party is to whoever runs it: something that was started, can fail by itself, and is closed without loss. */
import type { Log } from '../../transport/log.ts';
import type { Tracer } from '../../transport/trace.ts';

/** What a process brings to the parties it runs. */
export interface Surroundings {
  readonly log: Log;
  /** Present with `--trace DIR`. */
  readonly tracer?: Tracer;
  /** For tests that end the process at a journal boundary: the machine, the boundary, and how many groups it has written. */
  readonly onBoundary?: (machine: string, boundary: string, group: number) => void;
  /** Of an operator whose accounts are cut. */
  readonly shards?: {
    /** Into how many, where the configuration does not list them. */
    readonly count?: number;
    /** Starts one in a process of its own; without it they run in this one. */
    readonly run?: RunShard;
  };
}

/** Resolves when the shard listens. */
export type RunShard = (number: number) => Promise<Pick<RunningParty, 'url' | 'failed' | 'close'>>;

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

/** Remembers what was opened, so that it can be closed again. */
export type Opened = <C extends { close(): Promise<void> | void }>(one: C) => C;

/** For a start in several steps: when one fails, what those before it opened is closed again, the newest first. */
export async function startInSteps<T>(start: (opened: Opened) => Promise<T>): Promise<T> {
  const closers: (() => Promise<void> | void)[] = [];
  try {
    return await start((one) => {
      closers.unshift(() => one.close());
      return one;
    });
  } catch (cause) {
    // What does not close now cannot be helped, and is not why the start failed.
    await closeInOrder(closers).catch(() => undefined);
    throw cause;
  }
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
