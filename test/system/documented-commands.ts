/** The commands of a document, run as they stand there, in folders of the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Ran {
  readonly code: number | null;
  /** Both outputs, as they came. */
  readonly said: string;
}

export interface Background {
  /** Resolves when it has said that. @throws Error with what it said instead, when it ends before */
  said(words: string): Promise<void>;
  readonly ended: Promise<Ran>;
  /** Asks it to end. */
  stop(): void;
}

export interface Document {
  /** The lines of the shell blocks under a heading, in order. */
  under(heading: string): readonly string[];
  /** Ends when the command does. */
  run(line: string): Promise<Ran>;
  /** For lines that end with `&`. */
  start(line: string): Background;
  /** Ends what was started and has not ended, at once. */
  killAll(): void;
}

/** `instead`: what stands for parts of the text, such as folders, here. */
export function openDocument(file: string, instead: Readonly<Record<string, string>>): Document {
  const text = readFileSync(new URL(file, `file://${ROOT}`), 'utf8');
  const children = new Set<ChildProcess>();
  const launch = (line: string) => {
    let command = line.replace(/ &$/, '');
    for (const [written, meant] of Object.entries(instead)) command = command.replaceAll(written, meant);
    // In a group of its own, so that no process of it is left behind.
    const child = spawn('/bin/sh', ['-c', `exec ${command}`], {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    let said = '';
    const listeners = new Set<() => void>();
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        said += chunk;
        for (const listen of listeners) listen();
      });
    }
    const ended = new Promise<Ran>((resolve) => {
      child.on('close', (code) => {
        children.delete(child);
        resolve({ code, said });
        for (const listen of listeners) listen();
      });
    });
    return { child, ended, listeners, saidSoFar: () => said };
  };
  return {
    under(heading) {
      const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
      if (section === undefined) throw new Error(`${file} has no heading ${heading}`);
      const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)];
      return blocks.flatMap(([, lines = '']) => lines.trim().split('\n'));
    },
    run: (line) => launch(line).ended,
    start(line) {
      const { child, ended, listeners, saidSoFar } = launch(line);
      return {
        ended,
        stop: () => void child.kill('SIGTERM'),
        said: (words) =>
          new Promise((resolve, reject) => {
            const listen = () => {
              if (saidSoFar().includes(words)) resolve();
              else if (child.exitCode !== null || child.signalCode !== null)
                reject(new Error(`${line}: ${saidSoFar()}`));
            };
            listeners.add(listen);
            listen();
          }),
      };
    },
    killAll() {
      for (const { pid } of children) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    },
  };
}
