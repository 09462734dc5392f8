/**
 * For tests: ends the process, as a power cut would, at a journal boundary that is named while it runs. With the environment
 * variable `HANDSEL_CRASH_POINTS=FOLDER`, a party writes each boundary it passes to `FOLDER/NAME.boundaries`, a line `MACHINE BOUNDARY`
 * each, and kills itself at the n-th from now that `FOLDER/NAME.crash-at` asks for: `MACHINE BOUNDARY N`.
 */
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Surroundings } from './running-party.ts';

export const CRASH_POINTS = 'HANDSEL_CRASH_POINTS';

export function crashPoints(folder: string, party: string): NonNullable<Surroundings['onBoundary']> {
  const passedFile = join(folder, `${party}.boundaries`);
  const orderFile = join(folder, `${party}.crash-at`);
  let order = '';
  let passed = 0;
  return (machine, boundary) => {
    const place = `${machine} ${boundary}`;
    appendFileSync(passedFile, `${place}\n`);
    const now = textOf(orderFile);
    if (now !== order) passed = 0;
    order = now;
    if (order.startsWith(`${place} `)) passed++;
    if (order !== `${place} ${passed}`) return;
    rmSync(orderFile, { force: true });
    process.kill(process.pid, 'SIGKILL');
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return ''; // no crash is asked for now
  }
}
