/** Processes of the bench's own: each is asked one thing at a time and answers it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Child<R> {
  /** What it said first. */
  readonly ready: R;
  ask<A>(question: string, detail?: unknown): Promise<A>;
  end(): Promise<void>;
}

/** @param file relative to bench/ */
export async function startChild<R>(file: string, args: readonly string[] = []): Promise<Child<R>> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = fork(path, args, { execArgv: [], serialization: 'advanced' });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${file} has ended`);
  });
  ended.catch(() => {});
  const next = <A>() => Promise.race([said<A>(child), ended]);
  return {
    ready: await next<R>(),
    ask(question, detail) {
      const answer = next();
      child.send({ question, detail });
      return answer as Promise<never>;
    },
    async end() {
      child.disconnect();
      await ended.catch(() => {});
    },
  };
}

async function said<A>(child: ChildProcess): Promise<A> {
  const [message] = await once(child, 'message');
  return message as A;
}

export type Answers = Readonly<Record<string, (detail: never) => unknown>>;

/** In the child: says that it is ready and answers until the parent lets go. */
export function answerParent(ready: unknown, answers: Answers, end: () => Promise<void>): void {
  process.on('message', async ({ question, detail }: { question: string; detail: never }) => {
    process.send?.((await answers[question]?.(detail)) ?? null);
  });
  process.on('disconnect', async () => {
    await end();
    process.exit();
  });
  process.send?.(ready);
}

export interface Usage {
  /** Microseconds of processor that the process's own thread had. */
  readonly mainUs: number;
  /** And all of its threads together. */
  readonly allUs: number;
}

export function usageSoFar(): Usage {
  const main = process.threadCpuUsage();
  const all = process.cpuUsage();
  return { mainUs: main.user + main.system, allUs: all.user + all.system };
}
