/**
 * What an idle operator weighs, as issue 2 asks ("Speed and memory", d): one real operator in a process of its own, gateway,
 * acquirer and issuer on SQLite, listening with TLS, with nothing to do. (An open purchase is weighed in set-purchase.ts.)
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { systemRandom } from '../src/crypto/random.ts';
import { provisionNetwork } from '../src/party/provision.ts';
import type { Measurement } from './measurement.ts';

const TARGET_MB = 150;
/** Where src/cli/main.ts keeps compiled code: an operator's second start finds it there, and does not load the compiler. */
const COMPILED = fileURLToPath(new URL('../node_modules/.cache/handsel', import.meta.url));
const RUNS = 3;

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

/** Megabytes (10⁶ bytes) that the process itself reports once it has settled. */
async function weigh(configuration: string): Promise<number> {
  const child = fileURLToPath(new URL('idle-operator.ts', import.meta.url));
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILED };
  const { stdout } = await promisify(execFile)(process.execPath, [child, configuration], { env });
  return Number(stdout.trim()) / 1e6;
}
