/** Runs a TypeScript entry of the project under Node 24: inside this process where that is what runs already, else in a child. */
import { realpathSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot, run, toolEnvironment } from './set-up.mjs';

const PARENT_POLL_MS = 250;

/**
 * @param node the program to run it with
 * @param entry path of the entry inside the project
 * @param args what the entry finds after its own name in `process.argv`
 */
export async function launch({ node, entry, args }) {
  const file = join(projectRoot, entry);
  if (process.env.npm_lifecycle_event !== undefined) endWithParent();
  // Set here, before the first TypeScript file is read: a program found compiled does not load the compiler, which saves 30 MB.
  const compiled = join(projectRoot, 'node_modules', '.cache', 'handsel');
  if (realpathSync(node) === realpathSync(process.execPath)) {
    process.argv = [process.argv[0], file, ...args];
    module.enableCompileCache(compiled);
    // For the processes that this one starts.
    process.env.NODE_COMPILE_CACHE = compiled;
    await import(pathToFileURL(file).href);
    return;
  }
  // The caller's folder stays: paths among the arguments are relative to it.
  const env = toolEnvironment({ NODE_COMPILE_CACHE: compiled });
  process.exitCode = await run(node, [file, ...args], { cwd: process.cwd(), env });
}

/** npm hands a signal to the shell it runs us in, and the shell dies of it without a word to us: nobody would end us then. */
function endWithParent() {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, PARENT_POLL_MS);
  watch.unref();
}
