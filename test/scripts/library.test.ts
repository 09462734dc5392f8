/** `import … from 'handsel'` in a project of somebody else: linked to a checkout, as a copy that was built, and under a Node that is too old. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { provisionIn, temporaryFolder } from '../party/network/network-fixture.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { folder, remove } = temporaryFolder();
const home = join(folder, 'home');
const env = { ...process.env, NODE_OPTIONS: '' };
const run = promisify(execFile);

/** Opens a till, which needs the thread of its journal, and closes it again. */
const PROGRAM = `
import { openPurse, openTill } from 'handsel';
const till = await openTill({ config: ${JSON.stringify(join(home, 'bakery'))}, url: 'http://127.0.0.1:8080' });
process.stdout.write([typeof openPurse, typeof till.charge({ price: '0.0004 EUR' })].join(' '));
await till.close();
`;

beforeAll(async () => {
  await provisionIn(home);
});
afterAll(remove);

/** A project that has it installed so. */
function project(name: string, install: (installed: string) => void): string {
  const installed = join(folder, name, 'node_modules', 'handsel');
  mkdirSync(join(installed, '..'), { recursive: true });
  install(installed);
  const program = join(folder, name, 'program.mjs');
  writeFileSync(program, PROGRAM);
  return program;
}

test('linked to a checkout it runs from the sources', async () => {
  const program = project('linked', (installed) => symlinkSync(root, installed));
  expect((await run(process.execPath, [program], { env })).stdout).toBe('function function');
});

test('a copy runs from what was built, and says so where nothing was', async () => {
  const program = project('copied', (installed) => {
    for (const part of ['package.json', 'bin']) cpSync(join(root, part), join(installed, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'));
  });
  await expect(run(process.execPath, [program], { env })).rejects.toThrow('npm run build');
  const dist = join(folder, 'copied', 'node_modules', 'handsel', 'dist');
  await run(process.execPath, [join(root, 'scripts', 'build.mjs'), dist], { env, cwd: root });
  expect((await run(process.execPath, [program], { env })).stdout).toBe('function function');
});

test('an older Node is told which one is needed', async () => {
  const program = project('older', (installed) => symlinkSync(root, installed));
  const older = "data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.20.2'}})";
  await expect(run(process.execPath, ['--import', older, program], { env })).rejects.toThrow('under Node 24 or later');
});
