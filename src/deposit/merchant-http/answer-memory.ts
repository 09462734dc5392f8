/**
 * What was answered to which purchase. Whoever lost an answer gets the same one again; whoever shows an old payment again gets no new
 * work for it: without this, one payment would buy a changing resource for ever.
 */
import type { Clock } from '../../journal/clock.ts';

export interface AnswerLimits {
  /** How long an answer is kept; default two minutes. */
  readonly keepMs?: number;
  /** A larger answer is not kept but made anew; default 1 MiB. */
  readonly maxAnswerBytes?: number;
  /** Of all answers together; default 64 MiB. */
  readonly maxBytes?: number;
  /** Purchases of which it is known that they were answered, about 200 bytes each; default 65,536. */
  readonly maxPurchases?: number;
  /** How long a repetition waits for the answer that is being made; default 30 s. */
  readonly waitMs?: number;
}

export interface KeptAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

/** Takes down an answer while it is sent. After the first of `end` and `abandon` nothing changes any more. */
export interface AnswerRecorder {
  write(chunk: Uint8Array): void;
  end(status: number, headers: readonly (readonly [string, string])[]): void;
  /** There was no whole answer: it may be made again. */
  abandon(): void;
}

export type Serving =
  | { readonly type: 'kept'; readonly answer: KeptAnswer }
  | { readonly type: 'make'; readonly recorder: AnswerRecorder }
  /** The answer is being made, for longer than a repetition waits. */
  | { readonly type: 'busy' }
  /** It was made often enough. */
  | { readonly type: 'used-up' };

export interface AnsweredPurchase {
  /** Of token and request: what looks like a repetition has to be one. */
  readonly proof: string;
  readonly units: number;
  readonly number: number;
}

export interface AnswerMemory {
  find(key: string, proof: string): AnsweredPurchase | undefined;
  serve(key: string, purchase: AnsweredPurchase): Promise<Serving>;
}

interface Entry extends AnsweredPurchase {
  servings: number;
  running: Promise<void> | undefined;
  answer: KeptAnswer | undefined;
  untilMs: number;
}

/** How often an answer is made that is not kept, because it was too large, or failed. */
const MAX_SERVINGS = 3;
const FIRST_FAILURE = 500;

export function createAnswerMemory(clock: Clock, limits: AnswerLimits = {}): AnswerMemory {
  const {
    keepMs = 120_000,
    maxAnswerBytes = 2 ** 20,
    maxBytes = 2 ** 26,
    maxPurchases = 65_536,
    waitMs = 30_000,
  } = limits;
  const entries = new Map<string, Entry>();
  /** Those with an answer, the oldest first. */
  const kept = new Set<Entry>();
  let keptBytes = 0;

  const forget = (entry: Entry) => {
    if (!kept.delete(entry)) return;
    keptBytes -= entry.answer?.body.length ?? 0;
    entry.answer = undefined;
  };
  const forgetOld = () => {
    for (const entry of kept) {
      if (keptBytes <= maxBytes && entry.untilMs > clock.nowMs()) return;
      forget(entry);
    }
  };
  const enter = (key: string, purchase: AnsweredPurchase): Entry => {
    const known = entries.get(key);
    if (known !== undefined) return known;
    for (const [oldest, entry] of entries) {
      if (entries.size < maxPurchases) break;
      forget(entry);
      entries.delete(oldest);
    }
    const entry = { ...purchase, servings: 0, running: undefined, answer: undefined, untilMs: 0 };
    entries.set(key, entry);
    return entry;
  };
  const record = (entry: Entry): AnswerRecorder => {
    const { promise, resolve } = Promise.withResolvers<void>();
    entry.running = promise;
    entry.servings++;
    let chunks: Uint8Array[] | undefined = [];
    let size = 0;
    const done = () => {
      if (entry.running === promise) entry.running = undefined;
      resolve();
    };
    return {
      write(chunk) {
        if (chunks === undefined) return;
        size += chunk.length;
        if (size <= maxAnswerBytes) chunks.push(chunk.slice());
        else {
          chunks = undefined;
          done();
        }
      },
      end(status, headers) {
        if (chunks !== undefined && status < FIRST_FAILURE) {
          entry.answer = { status, headers, body: new Uint8Array(Buffer.concat(chunks)) };
          entry.untilMs = clock.nowMs() + keepMs;
          kept.add(entry);
          keptBytes += size;
          forgetOld();
        }
        done();
      },
      abandon: done,
    };
  };

  return {
    find(key, proof) {
      const entry = entries.get(key);
      return entry?.proof === proof ? entry : undefined;
    },
    async serve(key, purchase) {
      const entry = enter(key, purchase);
      forgetOld();
      const untilMs = clock.nowMs() + waitMs;
      // Several may have waited for the same one: each looks again.
      while (entry.running !== undefined) {
        if (!(await settledWithin(entry.running, clock, untilMs - clock.nowMs()))) return { type: 'busy' };
      }
      if (entry.answer !== undefined) return { type: 'kept', answer: entry.answer };
      if (entry.servings >= MAX_SERVINGS) return { type: 'used-up' };
      return { type: 'make', recorder: record(entry) };
    },
  };
}

async function settledWithin(running: Promise<void>, clock: Clock, waitMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const cancel = clock.after(waitMs, () => resolve(false));
  const settled = await Promise.race([running.then(() => true), late]);
  cancel();
  return settled;
}
