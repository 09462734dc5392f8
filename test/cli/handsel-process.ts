/** The command line as a process of its own, as a person or a service manager starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const children: ChildProcess[] = [];

/** To be called after each test: none outlives it. */
export function killAll(): void {
  for (const child of children.splice(0)) child.kill('SIGKILL');
}

export function handsel(...args: string[]) {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    said.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said.err += chunk;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...said }));
  const printed = (words: string) => {
    const seen = new Promise<void>((resolve, reject) => {
      child.stdout.on('data', () => said.out.includes(words) && resolve());
      void ended.then(({ err }) => reject(new Error(err)));
    });
    seen.catch(() => undefined);
    return seen;
  };
  return { child, said, ended, printed, listening: printed('\n') };
}
