/**
 * One journal file of SQLite, synchronously: what the journal thread does for each request.
 * WAL with synchronous=FULL (asserted), and locking_mode=EXCLUSIVE, so that a second opener is refused by the file's own lock.
 */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { JournalError } from './journal.ts';
import { keyHash } from './key-hash.ts';
import { packedKeys, unpackEntry } from './packed-entries.ts';
import type { RawEntry } from './read-entries.ts';
import { requireWholeLog } from './sqlite-log-check.ts';

export interface KeyQuery {
  readonly key: string;
  readonly limit?: number;
}

export interface SqliteFile {
  append(bytes: Uint8Array, ends: readonly number[]): number;
  read(afterSequence: number, limits: { maxEntries: number; maxBytes: number }): RawEntry[];
  find(queries: readonly KeyQuery[]): RawEntry[][];
  saveSnapshot(sequence: number, body: Uint8Array): void;
  loadSnapshot(): { sequence: number; body: Uint8Array } | undefined;
  close(): void;
}

const schemaVersion = 1;
/** Pages in the write-ahead log before it is copied into the file: larger means fewer, longer pauses. */
const checkpointPages = 4000;

/**
 * @throws JournalError `JOURNAL_LOCKED` when another process has the file open, `JOURNAL_UNSAFE` when the file system cannot
 * give WAL with full synchronisation, `JOURNAL_CORRUPT` when the file is not a journal of this version or its log is damaged.
 */
export function openSqliteFile(file: string): SqliteFile {
  closeSync(openSync(file, 'a', 0o600)); // the journal holds secrets: readable by its owner only
  requireWholeLog(file);
  const database = new DatabaseSync(file);
  try {
    prepareDatabase(database, file);
    return withDatabase(database);
  } catch (cause) {
    database.close();
    throw explain(cause, file);
  }
}

function prepareDatabase(database: DatabaseSync, file: string): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  const { journal_mode: mode } = database.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode: string };
  database.exec(`PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
    PRAGMA wal_autocheckpoint = ${checkpointPages}; PRAGMA cache_size = -2048; PRAGMA trusted_schema = OFF`);
  const { synchronous } = database.prepare('PRAGMA synchronous').get() as { synchronous: number };
  if (mode !== 'wal' || synchronous !== 2) {
    throw new JournalError(
      'JOURNAL_UNSAFE',
      `${file}: expected WAL with synchronous=FULL (2), found ${mode} with ${synchronous}`,
    );
  }
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version !== 0 && version !== schemaVersion) {
    throw new JournalError('JOURNAL_CORRUPT', `${file}: expected journal version ${schemaVersion}, found ${version}`);
  }
  database.exec(`BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS entry (sequence INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS entry_key (hash INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (hash, sequence))
      STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS snapshot (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL,
      checksum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
    PRAGMA user_version = ${schemaVersion};
    COMMIT`);
}

function withDatabase(database: DatabaseSync): SqliteFile {
  const insertEntry = database.prepare('INSERT INTO entry VALUES (?, ?)');
  const insertKey = database.prepare('INSERT OR IGNORE INTO entry_key VALUES (?, ?)');
  const readEntries = database.prepare('SELECT sequence, data FROM entry WHERE sequence > ? ORDER BY sequence LIMIT ?');
  const findEntries = database.prepare(
    `SELECT sequence, data FROM entry_key JOIN entry USING (sequence) WHERE hash = ? ORDER BY sequence DESC`,
  );
  const lastRow = database.prepare('SELECT max(sequence) AS last FROM entry').get() as { last: number | null };
  let last = lastRow.last ?? 0;
  return {
    append(bytes, ends) {
      const indexed: [hash: number, sequence: number][] = [];
      transaction(database, () => {
        let start = 0;
        let sequence = last;
        for (const end of ends) {
          sequence++;
          const data = bytes.subarray(start, end);
          insertEntry.run(sequence, data);
          for (const key of packedKeys(data)) indexed.push([keyHash(key), sequence]);
          start = end;
        }
        // In index order neighbouring rows meet the same page once: about a third faster on a large journal.
        indexed.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
        for (const [hash, at] of indexed) insertKey.run(hash, at);
      });
      last += ends.length;
      return last;
    },
    read(afterSequence, limits) {
      const found: RawEntry[] = [];
      let size = 0;
      for (const row of readEntries.iterate(afterSequence, limits.maxEntries)) {
        const entry = row as unknown as RawEntry;
        found.push(entry);
        size += entry.data.length;
        if (size >= limits.maxBytes) break;
      }
      return found;
    },
    find: (queries) => queries.map((query) => find(findEntries, query)),
    saveSnapshot(sequence, body) {
      database
        .prepare('INSERT OR REPLACE INTO snapshot (one, sequence, checksum, body) VALUES (1, ?, ?, ?)')
        .run(sequence, crc32(body), body);
    },
    loadSnapshot() {
      const row = database.prepare('SELECT sequence, checksum, body FROM snapshot').get();
      if (row === undefined) return undefined;
      const { sequence, checksum, body } = row as { sequence: number; checksum: number; body: Uint8Array };
      if (crc32(body) !== checksum)
        throw new JournalError('JOURNAL_CORRUPT', 'the snapshot does not match its checksum');
      return { sequence, body };
    },
    close: () => database.close(),
  };
}

function find(statement: StatementSync, { key, limit = Number.POSITIVE_INFINITY }: KeyQuery): RawEntry[] {
  const found: RawEntry[] = [];
  if (limit <= 0) return found;
  for (const row of statement.iterate(keyHash(key))) {
    const entry = row as unknown as RawEntry;
    if (!unpackEntry(entry.data).keys.includes(key)) continue;
    found.push(entry);
    if (found.length >= limit) break;
  }
  return found.reverse();
}

function transaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    database.exec('COMMIT');
  } catch (cause) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw cause;
  }
}

const busyCode = 5;

function explain(cause: unknown, file: string): unknown {
  if (cause instanceof JournalError) return cause;
  if (cause instanceof Error && 'errcode' in cause && cause.errcode === busyCode) {
    return new JournalError(
      'JOURNAL_LOCKED',
      `${file} is in use by another process (or opened twice in this one): a journal has exactly one writer. Stop the other one first.`,
      { cause },
    );
  }
  return new JournalError('JOURNAL_FAILED', `${file} cannot be opened: ${String(cause)}`, { cause });
}
