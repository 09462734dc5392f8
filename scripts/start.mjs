/** `npm start`: set-up, then `handsel start` with the given arguments. */
import { launch } from './launch.mjs';
import { setUp } from './set-up.mjs';

try {
  const node = await setUp();
  await launch({ node, entry: 'src/cli/main.ts', args: ['start', ...process.argv.slice(2)] });
} catch (error) {
  process.stderr.write(`handsel: ${error.message}\n`);
  process.exitCode = 1;
}
