/**
 * What was answered to which purchase. Whoever lost an answer gets the same one again; whoever shows an old payment again gets no new
 * work for it: without this, one payment would buy a changing resource for ever.
 */
import { concatBytes } from '../../codec/hex.ts';
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
  /**
   * At once, unless the answer is being made.
   * @param purchase `repeated`: it was paid before. If it is not known here it was answered before a restart, or forgotten since.
   */
  /** It was not paid in the end: whoever waits for its answer has to come again. */
  forget(key: string): void;
  serve(key: string, purchase: AnsweredPurchase & { readonly repeated?: boolean }): Serving | Promise<Serving>;
}

interface Entry extends AnsweredPurchase {
  readonly key: string;
  servings: number;
  /** Who makes the answer. */
  maker: AnswerRecorder | undefined;
  /** Resolves when it is made: there only while somebody waits. */
  made: PromiseWithResolvers<void> | undefined;
  kept: Kept | undefined;
  /** It was not paid in the end. */
  isVoid: boolean;
}

interface Kept {
  readonly entry: Entry;
  answer: KeptAnswer | undefined;
  readonly untilMs: number;
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
  /** As they came. */
  const oldest = createQueue<Entry>();
  /** As they were kept, also some that are not any more. */
  const oldestKept = createQueue<Kept>();
  let keptBytes = 0;
  /** Purchases have been forgotten: one that was paid before and is not known may be one of them. */
  let forgotten = false;

  const forget = (entry: Entry) => {
    const { kept } = entry;
    if (kept === undefined) return;
    keptBytes -= kept.answer?.body.length ?? 0;
    kept.answer = undefined;
    entry.kept = undefined;
  };
  const forgetOld = () => {
    for (let first = oldestKept.first(); first !== undefined; first = oldestKept.first()) {
      if (first.answer !== undefined) {
        const isOver = first.untilMs <= clock.nowMs();
        if (keptBytes <= maxBytes && !isOver) return;
        // It was there for all its time: made anew, one payment would bring an answer of now every two minutes.
        if (isOver) first.entry.servings = MAX_SERVINGS;
        forget(first.entry);
      }
      oldestKept.shift();
    }
  };
  const keep = (entry: Entry, answer: KeptAnswer) => {
    forget(entry);
    entry.kept = { entry, answer, untilMs: clock.nowMs() + keepMs };
    oldestKept.push(entry.kept);
    keptBytes += answer.body.length;
    forgetOld();
  };
  const enter = (key: string, { proof, units, number }: AnsweredPurchase, servings: number): Entry => {
    while (entries.size > 0 && entries.size >= maxPurchases) {
      const first = oldest.shift()!;
      if (entries.get(first.key) !== first) continue;
      entries.delete(first.key);
      forgotten = true;
    }
    const purchased = { key, proof, units, number, servings };
    const entry = { ...purchased, maker: undefined, made: undefined, kept: undefined, isVoid: false };
    entries.set(key, entry);
    oldest.push(entry);
    return entry;
  };
  const record = (entry: Entry): AnswerRecorder => {
    let chunks: Uint8Array[] | undefined = [];
    let size = 0;
    const done = () => {
      if (entry.maker !== maker) return;
      entry.maker = undefined;
      entry.made?.resolve();
      entry.made = undefined;
    };
    const maker: AnswerRecorder = {
      write(chunk) {
        if (chunks === undefined) return;
        size += chunk.length;
        if (size <= maxAnswerBytes) chunks.push(new Uint8Array(chunk));
        else {
          chunks = undefined;
          done();
        }
      },
      end(status, headers) {
        if (chunks !== undefined && status < FIRST_FAILURE) {
          keep(entry, { status, headers, body: chunks.length === 1 ? chunks[0]! : concatBytes(...chunks) });
        }
        chunks = undefined;
        done();
      },
      abandon() {
        chunks = undefined;
        done();
      },
    };
    entry.servings++;
    entry.maker = maker;
    return maker;
  };
  const serve = (entry: Entry): Serving => {
    if (entry.kept?.answer !== undefined) return { type: 'kept', answer: entry.kept.answer };
    if (entry.servings >= MAX_SERVINGS) return { type: 'used-up' };
    return { type: 'make', recorder: record(entry) };
  };
  const serveLater = async (entry: Entry): Promise<Serving> => {
    const untilMs = clock.nowMs() + waitMs;
    // Several may have waited for the same one: each looks again.
    while (entry.maker !== undefined) {
      entry.made ??= Promise.withResolvers();
      if (!(await settledWithin(entry.made.promise, clock, untilMs - clock.nowMs()))) return { type: 'busy' };
    }
    return entry.isVoid ? { type: 'busy' } : serve(entry);
  };

  return {
    forget(key) {
      const entry = entries.get(key);
      if (entry === undefined) return;
      entries.delete(key);
      entry.isVoid = true;
      entry.maker?.abandon();
    },
    find(key, proof) {
      const entry = entries.get(key);
      return entry?.proof === proof ? entry : undefined;
    },
    serve(key, purchase) {
      const known = entries.get(key);
      const { repeated = false } = purchase;
      if (known === undefined && repeated && forgotten) return { type: 'used-up' };
      const entry = known ?? enter(key, purchase, repeated ? MAX_SERVINGS - 1 : 0);
      forgetOld();
      return entry.maker === undefined ? serve(entry) : serveLater(entry);
    },
  };
}

interface Queue<T> {
  push(value: T): void;
  first(): T | undefined;
  shift(): T | undefined;
}

/** First in, first out. A `Map` or `Set` would do, but finds its first one ever more slowly as those before it are deleted. */
function createQueue<T>(): Queue<T> {
  let values: (T | undefined)[] = [];
  let at = 0;
  return {
    push: (value) => void values.push(value),
    first: () => values[at],
    shift() {
      const value = values[at];
      if (value === undefined) return undefined;
      values[at++] = undefined;
      if (at * 2 >= values.length) {
        values = values.slice(at);
        at = 0;
      }
      return value;
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
