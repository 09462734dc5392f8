/** Runs a TypeScript entry of the project under Node 24: inside this process where that is what runs already, else in a child. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot, run } from './set-up.mjs';

/**
 * @param node the program to run it with
 * @param entry path of the entry inside the project
 * @param args what the entry finds after its own name in `process.argv`
 */
export async function launch({ node, entry, args }) {
  const file = join(projectRoot, entry);
  if (realpathSync(node) === realpathSync(process.execPath)) {
    process.argv = [process.argv[0], file, ...args];
    await import(pathToFileURL(file).href);
    return;
  }
  // The caller's folder stays: paths among the arguments are relative to it.
  process.exitCode = await run(node, [file, ...args], { cwd: process.cwd() });
}
