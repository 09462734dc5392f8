/**
 * What an idle operator weighs: `handsel run operator` itself, gateway, acquirer and issuer on SQLite, listening with TLS, with
 * nothing to do. (An open purchase is weighed in set-purchase.ts.)
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { systemRandom } from '../src/crypto/random.ts';
import { provisionNetwork } from '../src/party/provision/provision.ts';
import type { Measurement } from './measurement.ts';

const TARGET_MB = 150;
const RUNS = 3;
const SETTLE_MS = 3000;

export async function benchMemory(): Promise<readonly Measurement[]> {
  const home = mkdtempSync(join(tmpdir(), 'handsel-memory-'));
  try {
    const { network } = await provisionNetwork({
      home,
      catalogues: fileURLToPath(new URL('../catalogue/', import.meta.url)),
      nowMs: Date.now,
      random: systemRandom,
    });
    const operator = network.parties.find(({ party }) => party === 'operator');
    if (operator === undefined) throw new Error('the network that was made has no operator');
    const weights: number[] = [];
    for (let run = 0; run < RUNS; run++) weights.push(await weigh(join(home, operator.configuration)));
    const value = weights.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Number.NaN;
    const name = 'memory: resident in an idle operator';
    return [{ name, value, unit: 'MB', better: 'lower', target: TARGET_MB, met: value <= TARGET_MB }];
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Megabytes (10⁶ bytes) that the system counts for the process once it has settled. */
async function weigh(configuration: string): Promise<number> {
  const command = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
  const args = [command, 'run', 'operator', '--config', configuration];
  const operator = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(operator, 'exit');
  try {
    await Promise.race([once(operator.stderr, 'data'), once(operator.stdout, 'data'), ended]);
    await sleep(SETTLE_MS);
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(operator.pid)]);
    return (Number(stdout.trim()) * 1024) / 1e6;
  } finally {
    operator.kill('SIGTERM');
    await ended;
  }
}
