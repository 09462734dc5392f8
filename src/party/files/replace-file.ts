/** Writes a whole file so that a crash leaves the old one or the new one, never half of either. */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from './make-folder.ts';

const OWNER_ONLY = 0o600;
const OWNER_FOLDER = 0o700;
const PUBLIC_FOLDER = 0o755;

/** Creates missing folders; the file is readable by its owner only unless `mode` says otherwise. */
export function replaceFile(file: string, content: Uint8Array | string, mode: number = OWNER_ONLY): void {
  const directory = dirname(file);
  makeFolder(directory, mode === OWNER_ONLY ? OWNER_FOLDER : PUBLIC_FOLDER);
  const temporary = `${file}.new`;
  const descriptor = openSync(temporary, 'w', mode);
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  const folder = openSync(directory, 'r');
  try {
    fsyncSync(folder); // the new name itself must survive a power cut
  } finally {
    closeSync(folder);
  }
}
