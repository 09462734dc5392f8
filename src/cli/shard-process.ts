/**
 * A shard of an operator in a process of its own, `handsel run operator --shard NUMBER`: how the operator starts it, and how it tells the
 * operator what becomes of it. A shard whose operator is gone ends by itself.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HandselError } from '../handsel-error.ts';
import type { RunShard } from '../party/running/running-party.ts';

type Said = { readonly listening: string } | { readonly failed: { readonly code: string; readonly message: string } };

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
/** Longer than a server takes to let its last requests finish. */
const CLOSE_MS = 15_000;

/** `args`: what each is given besides its number. */
export function shardProcesses(args: readonly string[]): RunShard {
  return async (number) => {
    const child = spawn(
      process.execPath,
      [...process.execArgv, MAIN, 'run', 'operator', '--shard', `${number}`, ...args],
      {
        // A group of its own: what is typed at the terminal is for the operator, which ends its shards in order.
        ...{ detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
      },
    );
    const listening = Promise.withResolvers<string>();
    const ended = Promise.withResolvers<HandselError>();
    let reason = new HandselError('SHARD_ENDED', `the process of shard ${number} has ended`);
    child.on('message', (said: Said) => {
      if ('listening' in said) listening.resolve(said.listening);
      else reason = new HandselError(said.failed.code, said.failed.message);
    });
    child.on('error', (cause) => {
      ended.resolve(new HandselError('SHARD_ENDED', `the process of shard ${number} cannot be started`, { cause }));
    });
    child.on('exit', () => ended.resolve(reason));
    const url = await Promise.race([listening.promise, ended.promise.then((error) => Promise.reject(error))]);
    return {
      url,
      failed: ended.promise,
      async close() {
        if (child.connected) child.disconnect();
        const impatient = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS);
        await ended.promise;
        clearTimeout(impatient);
      },
    };
  };
}

export interface OperatorAbove {
  /** Resolves when the operator wants the shard to end, or has ended itself. */
  readonly gone: Promise<void>;
  listening(url: string): void;
  failed(cause: unknown): Promise<void>;
}

/** In the shard's process; undefined when a person has started it. */
export function operatorAbove(): OperatorAbove | undefined {
  if (process.send === undefined) return undefined;
  const gone = new Promise<void>((resolve) => process.once('disconnect', resolve));
  const tell = (said: Said) =>
    new Promise<void>((resolve) => {
      if (process.connected) process.send?.(said, undefined, undefined, () => resolve());
      else resolve();
    });
  return {
    gone,
    listening: (url) => void tell({ listening: url }),
    async failed(cause) {
      const known = cause instanceof Error && 'code' in cause && typeof cause.code === 'string';
      const code = known ? String(cause.code) : 'SHARD_ENDED';
      await tell({ failed: { code, message: cause instanceof Error ? cause.message : String(cause) } });
      if (process.connected) process.disconnect();
    },
  };
}
