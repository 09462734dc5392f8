/** Writes a whole file under a name that is never written again: after a crash it is there whole, or not at all. */
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { toHex, utf8 } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';

const OWNER_ONLY = 0o600;
const OWNER_FOLDER = 0o700;

/** False, and nothing is changed, when the file is there already. Readable by its owner only; creates its folder. */
export function writeOnce(file: string, content: string): boolean {
  const folder = dirname(file);
  // Begins with a dot, so that whoever takes files away by their ending leaves it alone.
  const unfinished = join(folder, `.${basename(file)}.unfinished`);
  if (existsSync(file)) {
    rmSync(unfinished, { force: true });
    return false;
  }
  mkdirSync(folder, { recursive: true, mode: OWNER_FOLDER });
  const descriptor = openSync(unfinished, 'w', OWNER_ONLY);
  try {
    const bytes = Buffer.from(content, 'utf8');
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  try {
    // Unlike a renaming, a link does not replace what another process may have put there.
    linkSync(unfinished, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(unfinished, { force: true });
  }
  flushFolder(folder);
  flushFolder(dirname(folder));
  return true;
}

/** The new name itself must survive a power cut. */
function flushFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const MAX_NAME = 120;
const KEPT = 80;

/** A name that is safe on any file system, and another one for another id: what is not plain is written as its bytes. */
export function fileNameOf(id: string): string {
  const plain = id.replaceAll(/[^A-Za-z0-9.-]|^\./gu, (character) => {
    return [...Buffer.from(character, 'utf8')].map((byte) => `_${byte.toString(16).padStart(2, '0')}`).join('');
  });
  return plain.length <= MAX_NAME ? plain : `${plain.slice(0, KEPT)}_${toHex(sha256(utf8(id))).slice(0, 32)}`;
}
