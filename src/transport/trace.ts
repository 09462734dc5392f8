/**
 * The trace that `--trace DIR` asks for: every message exchanged, one file each, numbered in order, with an index to read
 * and one for programs. Several processes may write the same directory and a restart goes on counting, because a number
 * is taken by creating a file that must not exist yet. What is written is what was on the wire: senders of messages with
 * card numbers in clear hand in a masked text instead. It is as confidential as what it shows: for its owner's eyes only.
 */
import { appendFileSync, closeSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TracedMessage {
  readonly from: string;
  readonly to: string;
  /** The message's name, e.g. `PInitReq`. */
  readonly kind: string;
  /** Without the dot: `der`, `cose`, `json`, `txt`. */
  readonly extension: string;
  readonly bytes: Uint8Array;
}

export interface Tracer {
  /** Writes at once, so that the order of calls is the order of numbers. */
  record(message: TracedMessage): void;
}

const NUMBERS = '.numbers';
const OWNER_ONLY = { mode: 0o600 };

export function createTracer({ directory, nowMs = Date.now }: { directory: string; nowMs?: () => number }): Tracer {
  const numbers = join(directory, NUMBERS);
  mkdirSync(numbers, { recursive: true, mode: 0o700 });
  let last = readdirSync(numbers).reduce((highest, name) => Math.max(highest, Number(name) || 0), 0);

  return {
    record({ from, to, kind, extension, bytes }) {
      last = takeNumber(numbers, last + 1);
      const number = String(last).padStart(4, '0');
      const file = `${number}-${[from, to, kind].map(fileWord).join('-')}.${fileWord(extension)}`;
      writeFileSync(join(directory, file), bytes, OWNER_ONLY);

      const at = new Date(nowMs()).toISOString();
      const line = { number: last, at, from, to, kind, bytes: bytes.length, file };
      appendFileSync(join(directory, 'index.jsonl'), `${JSON.stringify(line)}\n`, OWNER_ONLY);
      appendFileSync(
        join(directory, 'index.txt'),
        `${number}  ${at}  ${from} → ${to}  ${kind}  ${bytes.length} bytes\n`,
        OWNER_ONLY,
      );
    },
  };
}

function takeNumber(numbers: string, from: number): number {
  for (let number = from; ; number++) {
    try {
      closeSync(openSync(join(numbers, String(number)), 'wx'));
      return number;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Names come from peers' addresses too: nothing in them may leave the directory or the file name's form. */
function fileWord(text: string): string {
  return (
    text
      .replace(/[^A-Za-z0-9._]+/g, '_')
      .replace(/^\.+/, '')
      .slice(0, 60) || '_'
  );
}
