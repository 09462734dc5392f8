/** How far a long piece of work is: one line that changes on a terminal, a line now and then elsewhere, JSON for programs; on standard error. */
import { systemClock } from '../journal/clock.ts';

export interface ProgressLine {
  /** @param what in a few words; bytes done of all */
  show(what: string, doneBytes: number, totalBytes: number): void;
  /** The line is done with: whatever is printed next has one of its own. */
  end(): void;
}

const ON_TERMINAL_MS = 100;
const ELSEWHERE_MS = 2000;
/** Bytes, because text cannot steer a terminal (`terminal.ts`). */
const CLEAR = Buffer.from('\r\u001b[2K');

export function createProgressLine(json: boolean): ProgressLine {
  const { nowMs } = systemClock();
  const terminal = !json && process.stderr.isTTY;
  const everyMs = terminal ? ON_TERMINAL_MS : ELSEWHERE_MS;
  // Short work says nothing at all.
  let nextMs = nowMs() + everyMs;
  let drawn = false;
  return {
    show(what, doneBytes, totalBytes) {
      if (nowMs() < nextMs) return;
      nextMs = nowMs() + everyMs;
      if (json) return void process.stderr.write(`${JSON.stringify({ progress: what, doneBytes, totalBytes })}\n`);
      const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
      const line = `${what}  ${percent} %  (${sizeWords(doneBytes)} of ${sizeWords(totalBytes)})`;
      if (terminal) process.stderr.write(CLEAR);
      process.stderr.write(terminal ? line : `${line}\n`);
      drawn = true;
    },
    end() {
      if (terminal && drawn) process.stderr.write(CLEAR);
      drawn = false;
    },
  };
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

export function sizeWords(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const size = bytes / 1000 ** power;
  return `${power === 0 ? size : size.toFixed(1)} ${UNITS[power]}`;
}
