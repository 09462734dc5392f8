/** Makes a folder with those above it. Node's own way never comes back on file systems such as /proc that have room for no folder. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { HandselError } from '../../handsel-error.ts';

const OWNER_FOLDER = 0o700;

/** @throws HandselError `FOLDER_IS_FILE` where a file stands in the way; `FOLDER_IMPOSSIBLE` where none can be made */
export function makeFolder(folder: string, mode = OWNER_FOLDER): void {
  const missing: string[] = [];
  let above = resolve(folder);
  for (let found = lookAt(above); found === undefined; found = lookAt(above)) {
    missing.unshift(above);
    above = dirname(above);
  }
  if (!lookAt(above)?.isDirectory()) throw new HandselError('FOLDER_IS_FILE', `${above} is a file, not a folder`);
  for (const one of missing) {
    try {
      mkdirSync(one, { mode });
    } catch (cause) {
      // Another process may have made it meanwhile.
      if (lookAt(one)?.isDirectory()) continue;
      throw new HandselError('FOLDER_IMPOSSIBLE', `${one} cannot be made: ${reasonOf(cause)}`, { cause });
    }
  }
}

const lookAt = (path: string) => statSync(path, { throwIfNoEntry: false });

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code === 'EACCES' || code === 'EPERM' ? `this user may not write in the folder above it (${code})` : message;
}
