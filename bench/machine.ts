/** The machine a figure was measured on: a figure without it says nothing. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { cpus, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';

export interface MachineDescription {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  /** Median of writing 4 KiB and flushing it, in the folder where the measurements keep their journals. */
  readonly flushMs: number;
}

export function describeMachine(): MachineDescription {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.version,
    flushMs: measureFlushMs(tmpdir()),
  };
}

/** Journals live by the flush, and it differs a thousandfold between machines. */
export function measureFlushMs(where: string): number {
  const folder = mkdtempSync(join(where, 'handsel-flush-'));
  const file = openSync(join(folder, 'flushed'), 'w');
  try {
    const page = Buffer.alloc(4096, 1);
    const times = Array.from({ length: 51 }, () => {
      const start = performance.now();
      writeSync(file, page);
      fdatasyncSync(file);
      return performance.now() - start;
    }).sort((a, b) => a - b);
    return Number((times[25] ?? 0).toFixed(3));
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}
