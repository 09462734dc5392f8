/** The clock port of the host: the time, and being called back later. Simulations bring a virtual one. */

export interface Clock {
  /** Unix milliseconds. */
  nowMs(): number;
  /** Calls back after the delay, never before `after` has returned; the result takes the call back. */
  after(delayMs: number, call: () => void): () => void;
}

const longestDelayMs = 2 ** 31 - 1;

/** The machine's own clock. A delay beyond 24 days is cut to 24 days, so whoever is called back looks at the time again. */
export function systemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    after(delayMs, call) {
      const timeout = setTimeout(call, Math.min(Math.max(delayMs, 0), longestDelayMs));
      return () => clearTimeout(timeout);
    },
  };
}
