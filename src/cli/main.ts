/** The program behind `handsel` and `npm start`. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Compiled code is kept between starts, in a folder that only this checkout's owner writes. It must be on before anything
// else is loaded, which is why the rest comes by a dynamic import.
enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/handsel', import.meta.url)));

// Whoever reads our output may stop reading (`handsel … | head`): that ends the program quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const { guardTerminal } = await import('./terminal.ts');
for (const stream of [process.stdout, process.stderr]) guardTerminal(stream);

const { runCommandLine } = await import('./command-line.ts');
process.exitCode = await runCommandLine(process.argv.slice(2));

// A party that could not start may have opened its journals already; that must not keep a failed program alive. Ending it so is
// what a crash is, after which every party recovers.
const PATIENCE_MS = 500;
if (process.exitCode !== 0) setTimeout(() => process.exit(), PATIENCE_MS).unref();
