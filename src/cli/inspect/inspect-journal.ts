/** A machine's journal (SQLite) from outside: whose it is, how many entries and bytes. What stands in it holds secrets and is not shown. */
import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { Inspection } from './inspection.ts';

const MAGIC = Buffer.from('SQLite format 3\0', 'latin1');
const BUSY = 5;

export const isSqlite = (first: Uint8Array) => Buffer.from(first.subarray(0, MAGIC.length)).equals(MAGIC);

/** Read only, and without a trace: nothing of the file, or of the log beside it, is changed. */
export function inspectJournal(file: string): Inspection {
  const log = `${file}-wal`;
  const sizes = {
    bytes: String(statSync(file).size),
    ...(existsSync(log) && { 'bytes in the log': String(statSync(log).size) }),
  };
  const machine = basename(file).replace(/\.journal$/, '');
  try {
    return { kind: 'journal', facts: { machine, ...sizes, ...counts(file, existsSync(log)), content: 'not shown' } };
  } catch (error) {
    const busy = error instanceof Error && 'errcode' in error && error.errcode === BUSY;
    if (busy) {
      return { kind: 'journal', facts: { machine, ...sizes, entries: 'not counted: a running party has it open' } };
    }
    return { kind: 'SQLite file', facts: { ...sizes, content: 'not a journal of this version' }, unreadable: true };
  }
}

function counts(file: string, withLog: boolean): Record<string, string> {
  const url = pathToFileURL(resolve(file));
  // Without a log nobody writes, and nothing needs to be made beside the file to read it.
  if (!withLog) url.searchParams.set('immutable', '1');
  const database = new DatabaseSync(url, { readOnly: true });
  try {
    const { entries } = database.prepare('SELECT count(*) AS entries FROM entry').get() as { entries: number };
    const snapshot = database.prepare('SELECT sequence FROM snapshot').get() as { sequence: number } | undefined;
    return {
      entries: String(entries),
      snapshot: snapshot === undefined ? 'none' : `of the state after entry ${snapshot.sequence}`,
    };
  } finally {
    database.close();
  }
}
