/** Virtual time: what is scheduled runs in the order of its time, then of its scheduling, as fast as the machine can. */
import type { Clock } from '../../src/journal/clock.ts';

export interface VirtualClock extends Clock {
  /** Runs everything due up to the time, each event with all that follows from it at once, and leaves the clock there. */
  run(untilMs: number): Promise<void>;
  /** As `run`, but stops early when nothing is scheduled any more. */
  runUntilIdle(untilMs: number): Promise<void>;
  /** Nothing is scheduled any more. */
  readonly idle: boolean;
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly call: () => void;
  cancelled: boolean;
}

export function createVirtualClock(startMs = 1_700_000_000_000): VirtualClock {
  let nowMs = startMs;
  let order = 0;
  const events: Event[] = [];

  const insert = (event: Event) => {
    let low = 0;
    let high = events.length;
    // Latest first, so that the next event is taken off the end.
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = events[middle]!;
      if (other.atMs > event.atMs || (other.atMs === event.atMs && other.order > event.order)) low = middle + 1;
      else high = middle;
    }
    events.splice(low, 0, event);
  };
  /** Promises settle among themselves before the next turn of the event loop: nothing here waits for real I/O. */
  const settlePromises = () => new Promise(setImmediate);

  const runDue = async (untilMs: number) => {
    await settlePromises();
    for (let event = events.at(-1); event !== undefined && event.atMs <= untilMs; event = events.at(-1)) {
      events.pop();
      if (event.cancelled) continue;
      nowMs = Math.max(nowMs, event.atMs);
      event.call();
      await settlePromises();
    }
  };
  return {
    nowMs: () => nowMs,
    after(delayMs, call) {
      const event = { atMs: nowMs + Math.ceil(Math.max(0, delayMs)), order: order++, call, cancelled: false };
      insert(event);
      return () => {
        event.cancelled = true;
      };
    },
    async run(untilMs) {
      await runDue(untilMs);
      nowMs = Math.max(nowMs, untilMs);
    },
    runUntilIdle: runDue,
    get idle() {
      return events.every(({ cancelled }) => cancelled);
    },
  };
}
