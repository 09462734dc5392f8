/** `npm run build [FOLDER]`: JavaScript and types in dist/, or there, for whoever installs Handsel below a node_modules folder, where Node strips no types. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { projectRoot, runTool, setUp } from './set-up.mjs';

/** Threads are started by the URL of their file, which the compiler leaves as it is. */
const FILE_URL = /(new URL\('\.[^']*)\.ts(', import\.meta\.url\))/g;

try {
  await setUp();
  const dist = resolve(projectRoot, process.argv[2] ?? 'dist');
  rmSync(dist, { recursive: true, force: true });
  process.exitCode = await runTool('tsc', ['-p', 'tsconfig.build.json', '--outDir', dist]);
  const names = readdirSync(dist, { recursive: true }).filter((name) => name.endsWith('.js'));
  for (const file of names.map((name) => join(dist, name))) {
    const text = readFileSync(file, 'utf8');
    const rewritten = text.replace(FILE_URL, '$1.js$2');
    if (rewritten !== text) writeFileSync(file, rewritten);
  }
} catch (error) {
  process.stderr.write(`build: ${error.message}\n`);
  process.exitCode = 1;
}
