/** Gathers the look-ups of one moment into one request to the store: a look-up per message would cost a round trip each. */

/** `run` gets all queries made in the same turn (and while an earlier request is under way) and answers them in their order. */
export function batchReads<Q, A>(run: (queries: readonly Q[]) => Promise<readonly A[]>): (query: Q) => Promise<A> {
  type Waiting = { query: Q; resolve(answer: A): void; reject(cause: unknown): void };
  const waiting: Waiting[] = [];
  let busy = false;
  const pump = async () => {
    busy = true;
    await undefined;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, 256);
      try {
        const answers = await run(batch.map(({ query }) => query));
        batch.forEach(({ resolve }, index) => {
          resolve(answers[index] as A);
        });
      } catch (cause) {
        for (const { reject } of batch) reject(cause);
      }
    }
    busy = false;
  };
  return (query) =>
    new Promise((resolve, reject) => {
      waiting.push({ query, resolve, reject });
      if (!busy) void pump();
    });
}
