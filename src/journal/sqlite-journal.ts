/** The embedded journal: SQLite files served by one journal thread a process, opened by the first and ended with the last. */
import { Worker } from 'node:worker_threads';
import { batchReads } from './batched-reads.ts';
import { type Journal, JournalError } from './journal.ts';
import { packEntries } from './packed-entries.ts';
import { readInChunks, storedEntry } from './read-entries.ts';
import type { KeyQuery } from './sqlite-file.ts';
import type { NumberedRequest, RequestResults, SqliteRequest, SqliteResponse } from './sqlite-request.ts';

/**
 * Opens (and creates when missing) the journal in the file.
 * @throws JournalError `JOURNAL_LOCKED`, `JOURNAL_UNSAFE` or `JOURNAL_CORRUPT`, as `sqlite-file.ts` says.
 */
export async function openSqliteJournal(options: { readonly file: string }): Promise<Journal> {
  const thread = useThread();
  const number = thread.nextJournal++;
  const ask = <A extends SqliteRequest['act']>(request: Extract<SqliteRequest, { act: A }>, moved?: ArrayBuffer[]) =>
    thread.ask(number, request, moved) as Promise<RequestResults[A]>;
  try {
    await ask({ act: 'open', file: options.file });
  } catch (cause) {
    thread.release();
    throw cause;
  }
  const find = batchReads((queries: readonly KeyQuery[]) => ask({ act: 'find', queries }));
  let closed: Promise<void> | undefined;
  return {
    append(entries) {
      const { bytes, ends } = packEntries(entries);
      return ask({ act: 'append', bytes, ends }, [bytes.buffer]);
    },
    read: (afterSequence) =>
      readInChunks(afterSequence, (after, limits) => ask({ act: 'read', afterSequence: after, ...limits })),
    readByKey: async (key, { limit } = {}) =>
      (await find(limit === undefined ? { key } : { key, limit })).map(storedEntry),
    async saveSnapshot(sequence, body) {
      await ask({ act: 'saveSnapshot', sequence, body });
    },
    loadSnapshot: () => ask({ act: 'loadSnapshot' }),
    close() {
      closed ??= ask({ act: 'close' })
        .then(() => undefined)
        .finally(() => thread.release());
      return closed;
    },
  };
}

interface JournalThread {
  nextJournal: number;
  ask(journal: number, request: SqliteRequest, moved?: ArrayBuffer[]): Promise<RequestResults[keyof RequestResults]>;
  release(): void;
}

let current: { thread: JournalThread; users: number } | undefined;

/** One thread for all journals of the process: a second one would cost memory and the disk flushes one at a time anyway. */
function useThread(): JournalThread {
  current ??= { thread: startThread(), users: 0 };
  current.users++;
  return current.thread;
}

function startThread(): JournalThread {
  const worker = new Worker(new URL('./sqlite-thread.ts', import.meta.url), {
    name: 'journal',
    execArgv: [], // options of the party's own thread, such as -e or --input-type, are not for this one
    resourceLimits: { maxYoungGenerationSizeMb: 16 },
  });
  const waiting = new Map<
    number,
    { resolve(result: RequestResults[keyof RequestResults]): void; reject(cause: Error): void }
  >();
  let nextId = 1;
  let dead: JournalError | undefined;
  const die = (cause: JournalError) => {
    dead ??= cause;
    for (const { reject } of waiting.values()) reject(dead);
    waiting.clear();
    if (current?.thread === thread) current = undefined;
  };
  worker.on('message', (response: SqliteResponse) => {
    const asker = waiting.get(response.id);
    waiting.delete(response.id);
    // An idle journal must not keep the process alive; a pending flush must.
    if (waiting.size === 0) worker.unref();
    if ('failure' in response) asker?.reject(new JournalError(response.failure.code, response.failure.message));
    else asker?.resolve(response.result);
  });
  worker.on('error', (cause) => die(new JournalError('JOURNAL_FAILED', 'the journal thread failed', { cause })));
  worker.on('exit', () => die(new JournalError('JOURNAL_CLOSED', 'the journal thread has ended')));
  const thread: JournalThread = {
    nextJournal: 1,
    ask(journal, request, moved = []) {
      if (dead !== undefined) return Promise.reject(dead);
      const id = nextId++;
      if (waiting.size === 0) worker.ref();
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        worker.postMessage({ ...request, journal, id } satisfies NumberedRequest, moved);
      });
    },
    release() {
      if (current?.thread !== thread || --current.users > 0) return;
      current = undefined;
      void worker.terminate();
    },
  };
  return thread;
}
