/** Starting under Node 24 as npm does it: in a shell that keeps signals for itself. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { temporaryFolder } from '../party/network/network-fixture.ts';

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

test('what it starts finds compiled code, too, under the Node it is itself run by', async () => {
  const program = join(folder, 'tell.mjs');
  const launch = new URL('../../scripts/launch.mjs', import.meta.url).href;
  const entry = relative(fileURLToPath(new URL('../../', import.meta.url)), join(folder, 'entry.mjs'));
  writeFileSync(join(folder, 'entry.mjs'), 'process.stdout.write(process.env.NODE_COMPILE_CACHE ?? "nowhere");');
  writeFileSync(
    program,
    `import { launch } from ${JSON.stringify(launch)};
await launch({ node: process.execPath, entry: ${JSON.stringify(entry)}, args: [] });`,
  );
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env });
  expect(stdout).toMatch(/node_modules\/\.cache\/handsel$/);
});
