/** A network in a folder of its own, for tests that need real parties; ports differ from those of other tests. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemRandom } from '../../../src/crypto/random.ts';
import { type ProvisionOptions, provisionNetwork } from '../../../src/party/provision/provision.ts';
import { createLog, type Log } from '../../../src/transport/log.ts';

export const catalogues = fileURLToPath(new URL('../../../catalogue', import.meta.url));

export function provisionIn(home: string, options: Partial<ProvisionOptions> = {}) {
  return provisionNetwork({ home, catalogues, nowMs: Date.now, random: systemRandom, ...options });
}

/** As `provisionIn`, with operators that settle a closed batch at once: no test waits a quarter of an hour for late reversals. */
export async function provisionSettlingAtOnce(home: string) {
  const provisioned = await provisionIn(home);
  for (const operator of ['north', 'south']) {
    const file = join(home, operator, 'party.json');
    const configuration = JSON.parse(readFileSync(file, 'utf8'));
    configuration.interchange.reversalSeconds = 0;
    writeFileSync(file, JSON.stringify(configuration));
  }
  return provisioned;
}

export function temporaryFolder(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'handsel-network-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A log whose lines a test can read. */
export function readableLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    log: createLog({ name: 'test', level: 'debug', destination: { write: (line) => void lines.push(line) } }),
  };
}
