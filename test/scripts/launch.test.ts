/** Starting under Node 24 as npm does it: in a shell that keeps signals for itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { temporaryFolder } from '../party/network-fixture.ts';

const { folder, remove } = temporaryFolder();
const bin = fileURLToPath(new URL('../../bin/handsel.mjs', import.meta.url));

afterAll(remove);

test('ends without loss when the shell that npm ran it in is killed', async () => {
  // The second command keeps the shell from becoming the first one.
  const args = `start --no-sale --home "${join(folder, 'home')}"`;
  const shell = spawn('sh', ['-c', `"${process.execPath}" "${bin}" ${args}; true`], {
    env: { ...process.env, npm_lifecycle_event: 'handsel' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  shell.stderr.on('data', (chunk) => {
    err += chunk;
  });
  await new Promise<void>((resolve, reject) => {
    shell.stdout.on('data', (chunk) => {
      out += chunk;
      if (out.includes('All parties stay up')) resolve();
    });
    shell.once('exit', () => reject(new Error(err)));
  });
  // The pipe is open for as long as anybody could still write to it.
  const allEnded = once(shell.stdout, 'close');
  shell.kill('SIGTERM');
  await allEnded;
  expect(err).toBe('');
});
