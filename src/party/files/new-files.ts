/** Files that are planned in memory first and then written together: each with who may read it, all of them flushed. */
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface NewFile {
  readonly content: Uint8Array;
  /** Readable by its owner only. */
  readonly secret: boolean;
}

/** By path relative to a folder chosen later, with `/` between the parts. */
export type NewFiles = ReadonlyMap<string, NewFile>;

const FOLDER_MODE = 0o700;
const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;

export function publicFile(content: string | Uint8Array): NewFile {
  return { content: typeof content === 'string' ? Buffer.from(content, 'utf8') : content, secret: false };
}

export function secretFile(content: string | Uint8Array): NewFile {
  return { ...publicFile(content), secret: true };
}

/** The same files one folder deeper. */
export function below(folder: string, files: NewFiles): NewFiles {
  return new Map([...files].map(([path, file]) => [`${folder}/${path}`, file]));
}

/** All are written before the first is flushed: a file system then flushes most of them at once. */
export function writeNewFiles(directory: string, files: NewFiles): void {
  const open: number[] = [];
  const folders = new Set<string>([directory]);
  try {
    for (const [path, { content, secret }] of files) {
      const file = join(directory, ...path.split('/'));
      for (let folder = dirname(file); !folders.has(folder); folder = dirname(folder)) folders.add(folder);
      mkdirSync(dirname(file), { recursive: true, mode: FOLDER_MODE });
      // The mode is there from the first byte on, never set afterwards.
      const descriptor = openSync(file, 'wx', secret ? SECRET_MODE : PUBLIC_MODE);
      open.push(descriptor);
      for (let at = 0; at < content.length; ) at += writeSync(descriptor, content, at);
    }
    for (const descriptor of open) fsyncSync(descriptor);
  } finally {
    for (const descriptor of open) closeSync(descriptor);
  }
  for (const folder of folders) flushFolder(folder);
}

/** The names in a folder, too, are to survive a power cut. */
export function flushFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
