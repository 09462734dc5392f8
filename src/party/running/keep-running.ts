/**
 * Keeps something running that stops by itself when it is no longer certain of its state: it is started again after a pause, and recovers
 * from its journal, as often as it takes. What cannot pass (somebody else has taken over, the journal is damaged) is reported instead.
 */
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import type { Log } from '../../transport/log.ts';

export interface Startable {
  /** Resolves with the cause when it has stopped by itself. */
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

export interface Kept<T> {
  /** Undefined while it is away. */
  current(): T | undefined;
  state(): KeptState;
  /** Resolves when it runs for the first time. */
  readonly started: Promise<void>;
  /** Resolves with a cause that does not pass. */
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

export interface KeptState {
  /** Unix milliseconds: since when it has been running, or away. */
  readonly sinceMs: number;
  /** How often it was started again. */
  readonly restarts: number;
  /** Why it is away. */
  readonly cause?: string;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 3000;
/** Whoever has run so long begins with the shortest pause again. */
const STEADY_MS = 30_000;

export function keepRunning<T extends Startable>(options: {
  /** For the log. */
  readonly what: string;
  start(): Promise<T>;
  readonly clock: Clock;
  readonly log: Log;
  readonly mayPass?: (cause: unknown) => boolean;
  /** What is done while it is away, after the pause; until then or until `closing` it is not started again. */
  readonly meanwhile?: (closing: Promise<void>) => Promise<void>;
}): Kept<T> {
  const { what, start, clock, log, mayPass = mayPassByItself, meanwhile } = options;
  const started = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<unknown>();
  const closing = Promise.withResolvers<void>();
  let closed = false;
  let running: T | undefined;
  let state: KeptState = { sinceMs: clock.nowMs(), restarts: 0 };

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const cancel = clock.after(ms, resolve);
      void closing.promise.then(() => {
        cancel();
        resolve();
      });
    });
  /** Resolves with why it ended. */
  const runOnce = async (): Promise<unknown> => {
    try {
      running = await start();
    } catch (cause) {
      return cause;
    }
    state = { sinceMs: clock.nowMs(), restarts: state.restarts };
    started.resolve();
    const cause = await Promise.race([running.failed, closing.promise]);
    await running.close().catch((err: unknown) => log.warn({ err }, `${what} did not close well`));
    running = undefined;
    return cause;
  };
  const run = async () => {
    let pauseMs = FIRST_PAUSE_MS;
    while (!closed) {
      const beganMs = clock.nowMs();
      const cause = await runOnce();
      if (closed) return;
      if (!mayPass(cause)) {
        failed.resolve(cause);
        return;
      }
      if (clock.nowMs() - beganMs > STEADY_MS) pauseMs = FIRST_PAUSE_MS;
      state = { sinceMs: clock.nowMs(), restarts: state.restarts + 1, cause: wordsOf(cause) };
      log.warn({ err: cause, pauseMs }, `${what} has stopped and is started again`);
      await pause(pauseMs);
      if (!closed) await meanwhile?.(closing.promise);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  };
  const ended = run();
  return {
    current: () => running,
    state: () => state,
    started: started.promise,
    failed: failed.promise,
    async close() {
      closed = true;
      closing.resolve();
      await ended;
    },
  };
}

/**
 * A store that is away comes back: another host takes its place, or the same one. What a process that has just ended still holds, a file or
 * a port, is free in a moment. Nothing else passes.
 */
export function mayPassByItself(cause: unknown): boolean {
  return cause instanceof HandselError && PASSING.has(cause.code);
}

const PASSING = new Set(['JOURNAL_FAILED', 'JOURNAL_UNSAFE', 'JOURNAL_LOCKED', 'EADDRINUSE', 'SHARD_ENDED']);

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
