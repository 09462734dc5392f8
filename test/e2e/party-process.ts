/** A party as a real process, which a test may end in any way and start again. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { NetworkMember } from '../../src/party/configuration/network-home.ts';
import { CRASH_POINTS } from '../../src/party/running/crash-point.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface PartyProcess {
  readonly ended: Promise<Ended>;
  /** Resolves when the party says that it is ready, which only merchants do. */
  readonly ready: Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

/** Resolves when the party says that it listens. @throws when it ends before that */
export async function startProcess(
  { party }: Pick<NetworkMember, 'party'>,
  places: { readonly configuration: string; readonly log: string; readonly crashPoints: string },
): Promise<PartyProcess> {
  const log = openSync(places.log, 'a');
  const child = spawn(process.execPath, [MAIN, 'run', party, '--config', places.configuration, '--json'], {
    stdio: ['ignore', 'pipe', log],
    env: { ...process.env, NODE_OPTIONS: '', [CRASH_POINTS]: places.crashPoints },
  });
  closeSync(log);
  const ended = new Promise<Ended>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const lines = createInterface({ input: child.stdout! });
  const listening = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  lines.on('line', (line) => (JSON.parse(line).ready ? ready : listening).resolve());
  const failed = ended.then(({ code, signal }) => {
    throw new Error(`${places.configuration} ended before it listened: ${signal ?? code}; see ${places.log}`);
  });
  await Promise.race([listening.promise, failed]);
  failed.catch(() => {});
  return { ended, ready: ready.promise, signal: (signal) => void child.kill(signal) };
}
