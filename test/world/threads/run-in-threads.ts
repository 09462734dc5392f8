/** Runs orders in threads, each with modules of its own: Node runs the world twice as fast there as vitest does. */
import { availableParallelism } from 'node:os';
import { parentPort, Worker } from 'node:worker_threads';

export interface InThreads<Order, Outcome> {
  /** The module that each thread runs: it calls `serveOrders`. */
  readonly script: URL;
  /** What each thread finds as its `workerData`. */
  readonly setting: unknown;
  readonly orders: Iterable<Order>;
  /** Called with every outcome, in no order; no more is begun when it says false. */
  readonly onOutcome: (outcome: Outcome) => boolean;
  readonly threads?: number;
}

/** Resolves when all is done. @throws what a thread threw that nobody caught there */
export async function runInThreads<Order, Outcome>(options: InThreads<Order, Outcome>): Promise<void> {
  const { onOutcome, threads = availableParallelism() } = options;
  const waiting = options.orders[Symbol.iterator]();
  let stopped = false;
  const work = async () => {
    const thread = startThread<Order, Outcome>(options);
    try {
      for (let next = waiting.next(); !stopped && next.done !== true; next = waiting.next()) {
        if (!onOutcome(await thread.run(next.value))) stopped = true;
      }
    } finally {
      await thread.stop();
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
}

function startThread<Order, Outcome>({ script, setting }: Pick<InThreads<Order, Outcome>, 'script' | 'setting'>) {
  const worker = new Worker(script, {
    workerData: setting,
    // Most of a seed is dead when the next begins.
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
  });
  let waiting: PromiseWithResolvers<Outcome> | undefined;
  worker.on('message', (outcome: Outcome) => waiting?.resolve(outcome));
  worker.on('error', (cause) => waiting?.reject(cause));
  return {
    run(order: Order): Promise<Outcome> {
      waiting = Promise.withResolvers();
      worker.postMessage(order);
      return waiting.promise;
    },
    stop: () => worker.terminate(),
  };
}

/** What goes wrong aside of everything, in work that nobody waits for, is a fault of the order that runs. */
export function serveOrders<Order, Outcome extends { readonly faults?: string }>(
  run: (order: Order) => Promise<Outcome>,
): void {
  let aside: string[] = [];
  process.on('unhandledRejection', (cause) =>
    aside.push(`nobody expected ${cause instanceof Error ? cause.stack : cause}`),
  );
  parentPort!.on('message', async (order: Order) => {
    aside = [];
    const outcome = await run(order);
    const faults = [outcome.faults ?? [], aside].flat().join('\n');
    parentPort!.postMessage(faults === '' ? outcome : { ...outcome, faults });
  });
}
