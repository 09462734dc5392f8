/**
 * The journal of large operators: one PostgreSQL schema a shard, one writer at a time. Every append checks the shard's epoch in
 * the same statement, so a writer that was replaced, even one that does not know it yet, can no longer add anything.
 */
import { crc32 } from 'node:zlib';
import type pg from 'pg';
import { batchReads } from './batched-reads.ts';
import { type InTurn, inTurn } from './in-turn.ts';
import { type Journal, JournalError } from './journal.ts';
import { keyHash } from './key-hash.ts';
import { packEntries } from './packed-entries.ts';
import { type Doubts, watchDoubts } from './postgres-doubts.ts';
import { closeClients, connectPrimary } from './postgres-hosts.ts';
import { findByKeys, type KeyQuery } from './postgres-lookup.ts';
import { prepareShard, takeOver } from './postgres-shard.ts';
import { type RawEntry, readInChunks, storedEntry } from './read-entries.ts';

export interface PostgresJournalOptions {
  /** A connection string, which may name several hosts (`postgres-hosts.ts`), or the settings of the `pg` driver. */
  readonly connection: string | pg.ClientConfig;
  /** Names the shard's schema: 1 to 40 lower-case letters, digits and underscores, a letter first. */
  readonly shard: string;
}

/**
 * Opens (and creates when missing) the shard, and fences off whoever wrote to it before.
 * @throws JournalError `JOURNAL_UNSAFE` when the server may acknowledge what it has not flushed, `JOURNAL_FAILED` when it
 * cannot be reached. A fenced-off journal fails its next append with `JOURNAL_FENCED`.
 */
export async function openPostgresJournal({ connection, shard }: PostgresJournalOptions): Promise<Journal> {
  if (!/^[a-z][a-z0-9_]{0,39}$/.test(shard)) {
    throw new JournalError('JOURNAL_FAILED', `${JSON.stringify(shard)} is not a name for a shard`);
  }
  // Look-ups have a connection of their own, so that they need not wait for a flush.
  const { writer, reader, replicated } = await connectPrimary(connection);
  const doubts = watchDoubts(writer);
  try {
    await prepareShard(writer, shard, { replicated });
    const taken = await takeOver(writer, shard);
    // Its commit waited for the standby, so that whatever is read from here on is there, too.
    doubts.check();
    return withClients({ writer, reader, doubts, shard, ...taken });
  } catch (cause) {
    await closeClients(writer, reader);
    throw failed(cause);
  }
}

interface Opened {
  readonly writer: pg.Client;
  readonly reader: pg.Client;
  readonly doubts: Doubts;
  readonly shard: string;
  readonly epoch: string;
  readonly sequence: number;
}

function withClients({ writer, reader, doubts, shard, epoch, sequence }: Opened): Journal {
  let last = sequence;
  let closed: Promise<void> | undefined;
  // Whether an append that failed is in the table nobody here knows: the next one would stand in its place.
  let uncertain: JournalError | undefined;
  const lost = Promise.withResolvers<JournalError>();
  for (const client of [writer, reader]) {
    // An operator with nothing to do notices a fail-over, too: its next customer is not the one who finds out.
    client.once('end', () => {
      if (closed === undefined) lost.resolve(new JournalError('JOURNAL_FAILED', 'PostgreSQL: the connection was lost'));
    });
  }
  const ask = async <T>(turn: InTurn, work: () => Promise<T>): Promise<T> => {
    if (closed !== undefined) throw new JournalError('JOURNAL_CLOSED', 'the journal is closed');
    try {
      return await turn(work);
    } catch (cause) {
      const failure = failed(cause);
      // Look-ups, too: a connection on which one has failed answers none of the next.
      lost.resolve(failure);
      throw failure;
    }
  };
  const [writing, reading] = [inTurn(), inTurn()];
  const find = batchReads((queries: readonly KeyQuery[]) => ask(reading, () => findByKeys(reader, shard, queries)));
  return {
    append: (entries) =>
      ask(writing, async () => {
        if (uncertain !== undefined) throw uncertain;
        const { bytes, ends } = packEntries(entries);
        try {
          const { rows } = await writer.query({
            name: `append-${shard}`,
            text: appendStatement(shard),
            values: [epoch, bytes, last, ends, ...indexOf(entries, last)],
          });
          checkFence(rows, shard);
          doubts.check();
        } catch (cause) {
          uncertain = failed(cause);
          throw uncertain;
        }
        last += entries.length;
        return last;
      }),
    read: (afterSequence) =>
      readInChunks(afterSequence, (after, { maxEntries, maxBytes }) =>
        ask(reading, async () => {
          const query = {
            name: `read-${shard}`,
            text: readStatement(shard),
            values: [after, maxEntries, maxBytes],
          };
          return (await reader.query(query)).rows as RawEntry[];
        }),
      ),
    readByKey: async (key, { limit } = {}) =>
      (await find(limit === undefined ? { key } : { key, limit })).map(storedEntry),
    saveSnapshot: (at, body) =>
      ask(writing, async () => {
        const { rows } = await writer.query(snapshotStatement(shard), [epoch, at, crc32(body), body]);
        checkFence(rows, shard);
        doubts.check();
      }),
    loadSnapshot: () =>
      ask(reading, async () => {
        const { rows } = await reader.query(
          `SELECT sequence::float8 AS sequence, checksum::float8 AS checksum, body FROM ${shard}.snapshot`,
        );
        const row = rows[0] as { sequence: number; checksum: number; body: Uint8Array } | undefined;
        if (row === undefined) return undefined;
        if (crc32(row.body) !== row.checksum) {
          throw new JournalError('JOURNAL_CORRUPT', 'the snapshot does not match its checksum');
        }
        return { sequence: row.sequence, body: row.body };
      }),
    lost: lost.promise,
    close() {
      closed ??= closeClients(writer, reader);
      return closed;
    },
  };
}

/** Without our epoch no row is inserted; the lock on its row makes a successor wait for this append, or this for the successor. */
const fence = (shard: string) => `fence AS (SELECT FROM ${shard}.writer WHERE epoch = $1 FOR SHARE)`;

/** The group travels as one binary value and is cut up by the server: half the cost of an array of values. */
const appendStatement = (shard: string) => `
  WITH ${fence(shard)},
  added AS (INSERT INTO ${shard}.entry
    SELECT $3::bigint + at, substring($2::bytea FROM 1 + start FOR stop - start) FROM fence,
      (SELECT stop, at, coalesce(lag(stop) OVER (ORDER BY at), 0) AS start
        FROM unnest($4::int[]) WITH ORDINALITY AS u (stop, at)) AS cuts),
  indexed AS (INSERT INTO ${shard}.entry_key SELECT hash, sequence
    FROM fence, unnest($5::bigint[], $6::bigint[]) AS k (hash, sequence))
  SELECT count(*)::int AS writers FROM fence`;

const snapshotStatement = (shard: string) => `
  WITH ${fence(shard)},
  saved AS (INSERT INTO ${shard}.snapshot SELECT 1, $2::bigint, $3::bigint, $4::bytea FROM fence
    ON CONFLICT (one) DO UPDATE SET sequence = excluded.sequence, checksum = excluded.checksum, body = excluded.body)
  SELECT count(*)::int AS writers FROM fence`;

/** At most so many entries, and none after the bytes are used up. */
const readStatement = (shard: string) => `
  SELECT sequence::float8 AS sequence, data FROM (
    SELECT sequence, data, sum(length(data)) OVER (ORDER BY sequence) - length(data) AS before
    FROM (SELECT sequence, data FROM ${shard}.entry WHERE sequence > $1 ORDER BY sequence LIMIT $2) AS next
  ) AS sized WHERE before < $3 ORDER BY sequence`;

function checkFence(rows: readonly unknown[], shard: string): void {
  if ((rows[0] as { writers: number } | undefined)?.writers === 1) return;
  throw new JournalError(
    'JOURNAL_FENCED',
    `another process has taken over the shard ${shard}: this one must not write any more. Start it again if it should take over.`,
  );
}

/** Index rows in index order, which is cheaper on a large index. */
function indexOf(entries: Parameters<Journal['append']>[0], last: number): [hashes: number[], sequences: number[]] {
  const rows = entries.flatMap(({ keys }, at) =>
    [...new Set(keys.map(keyHash))].map((hash) => ({ hash, sequence: last + at + 1 })),
  );
  rows.sort((a, b) => a.hash - b.hash);
  return [rows.map(({ hash }) => hash), rows.map((row) => row.sequence)];
}

function failed(cause: unknown): JournalError {
  if (cause instanceof JournalError) return cause;
  return new JournalError('JOURNAL_FAILED', `PostgreSQL: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });
}
