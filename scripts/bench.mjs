/** `npm run bench`: set-up, then the measurements of bench/ with the given arguments (`--json`, names). */
import { launch } from './launch.mjs';
import { setUp } from './set-up.mjs';
import { provideSystemPackages } from './system-packages.mjs';

try {
  const node = await setUp();
  const missing = await provideSystemPackages();
  for (const { what, command } of missing) process.stderr.write(`bench: without ${what}; to measure it: ${command}\n`);
  await launch({ node, entry: 'bench/main.ts', args: process.argv.slice(2) });
} catch (error) {
  process.stderr.write(`handsel: ${error.message}\n`);
  process.exitCode = 1;
}
