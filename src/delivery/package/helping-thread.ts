/** Threads that help with long files: started for one job, ended with it, and small. */
import { Worker } from 'node:worker_threads';

/** Below this much work starting a thread takes longer than it saves. */
export const WORTH_A_THREAD = 8 * 1024 * 1024;

export interface HelpingThread<T> {
  /** The one message the thread sends, or undefined when it ends without. Rejects with what it threw. */
  readonly result: Promise<T | undefined>;
  stop(): Promise<void>;
}

export function startThread<T>(module: URL, workerData: unknown): HelpingThread<T> {
  const thread = new Worker(module, {
    ...{ name: 'delivery', workerData },
    execArgv: [], // options of the party's own thread, such as -e or --input-type, are not for this one
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  const result = new Promise<T | undefined>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => resolve(undefined));
  });
  // Whoever stopped it does not wait for it any more.
  result.catch(() => {});
  return {
    result,
    async stop() {
      await thread.terminate();
    },
  };
}
