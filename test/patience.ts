/**
 * How long a test waits for what others do. Counted is only time in which the test itself ran: a process that was stopped for a minute, on a
 * machine that had something else to do, finds everything overdue at once, and must not give up before what was due has had its turn.
 */

/** What one look counts at most, however long it took. */
const LOOK_MS = 500;

/** @returns asked at each look: whether the patience is over */
export function createPatience(forMs: number): () => boolean {
  let waitedMs = 0;
  let lastMs = performance.now();
  return () => {
    const nowMs = performance.now();
    waitedMs += Math.min(nowMs - lastMs, LOOK_MS);
    lastMs = nowMs;
    return waitedMs > forMs;
  };
}
