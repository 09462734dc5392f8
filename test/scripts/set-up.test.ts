/** The plain scripts around the program: exit codes and signals pass through, and the Node that npm brought is found. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { findNode, toolEnvironment } from '../../scripts/set-up.mjs';

const setUpModule = new URL('../../scripts/set-up.mjs', import.meta.url).href;
const launchModule = new URL('../../scripts/launch.mjs', import.meta.url).href;
const folder = fileURLToPath(new URL('../../', import.meta.url));

/** A script as `npm start` is one: it runs a child program and ends with the child's exit code. */
function outer(childCode: string) {
  const code = `
    const { run } = await import(${JSON.stringify(setUpModule)});
    process.exitCode = await run(process.execPath, ['-e', ${JSON.stringify(childCode)}]);`;
  return spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('the exit code of what was started is the exit code of the start', async () => {
  const [code] = await once(outer('process.exit(7)'), 'exit');
  expect(code).toBe(7);
});

test('a signal reaches what was started, which may end in its own time', async () => {
  const child = outer(`
    process.on('SIGTERM', () => { console.log('asked to end'); process.exit(5); });
    setInterval(() => {}, 1000);
    console.log('ready');`);
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
    if (output === 'ready\n') child.kill('SIGTERM');
  });
  const [code] = await once(child, 'close');
  expect(output).toBe('ready\nasked to end\n');
  expect(code).toBe(5);
});

test('the Node that runs the tests is the one npm brought, and tools find it first', async () => {
  expect(process.version).toMatch(/^v24\./);
  expect(findNode()).toBe(process.execPath);
  const env = toolEnvironment();
  const { stdout } = await promisify(execFile)('/usr/bin/env', ['node', '--version'], { env });
  expect(stdout.trim()).toBe(process.version);
});

test('an entry is run inside the same process where Node is right already, with its own arguments', async () => {
  const entry = 'test/scripts/print-arguments.mjs';
  const code = `
    const { launch } = await import(${JSON.stringify(launchModule)});
    await launch({ node: process.execPath, entry: ${JSON.stringify(entry)}, args: ['a', '--b'] });
    console.log(process.pid);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { cwd: folder });
  const [printed, pid] = stdout.trim().split('\n');
  expect(printed).toBe(`${pid} a --b`);
});
