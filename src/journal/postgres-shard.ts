/** A shard's schema in PostgreSQL, what its server must promise, and taking over as its one writer. */
import type { Client } from 'pg';
import { JournalError } from './journal.ts';

/**
 * `replicated`: another server may take this one's place.
 * @throws JournalError `JOURNAL_UNSAFE` when the server may acknowledge what it has not flushed to disk, or what no other server has that
 * may take its place.
 */
export async function prepareShard(
  client: Client,
  shard: string,
  { replicated }: { readonly replicated: boolean },
): Promise<void> {
  await assertFlushing(client);
  if (replicated) await assertSynchronous(client);
  // All of it is made in one transaction. Nothing is written where it is there: taking over then waits for one commit only.
  const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [`${shard}.snapshot`]);
  if ((rows[0] as { there: boolean }).there) return;
  // Two openers at once: one creates, the other waits and finds it there.
  await client.query('SELECT pg_advisory_lock(hashtext($1))', [`handsel ${shard}`]);
  try {
    await client.query(`
      CREATE SCHEMA IF NOT EXISTS ${shard};
      CREATE TABLE IF NOT EXISTS ${shard}.writer (one int PRIMARY KEY CHECK (one = 1), epoch bigint NOT NULL);
      INSERT INTO ${shard}.writer VALUES (1, 0) ON CONFLICT DO NOTHING;
      CREATE TABLE IF NOT EXISTS ${shard}.entry (sequence bigint PRIMARY KEY, data bytea NOT NULL);
      CREATE TABLE IF NOT EXISTS ${shard}.entry_key (hash bigint, sequence bigint, PRIMARY KEY (hash, sequence));
      CREATE TABLE IF NOT EXISTS ${shard}.snapshot (one int PRIMARY KEY CHECK (one = 1), sequence bigint NOT NULL,
        checksum bigint NOT NULL, body bytea NOT NULL);
      ALTER TABLE ${shard}.entry ALTER COLUMN data SET STORAGE EXTERNAL;
      ALTER TABLE ${shard}.snapshot ALTER COLUMN body SET STORAGE EXTERNAL`);
  } finally {
    await client.query('SELECT pg_advisory_unlock(hashtext($1))', [`handsel ${shard}`]);
  }
}

async function show(client: Client, setting: string): Promise<string> {
  const { rows } = await client.query(`SELECT current_setting($1) AS value`, [setting]);
  return String((rows[0] as { value: unknown } | undefined)?.value);
}

/** Patroni in strict synchronous mode names a standby here at all times; in its other mode only while there is one. */
async function assertSynchronous(client: Client): Promise<void> {
  if ((await show(client, 'synchronous_standby_names')) !== '') return;
  throw new JournalError(
    'JOURNAL_UNSAFE',
    'PostgreSQL with several hosts must replicate synchronously (synchronous_standby_names; in Patroni synchronous_mode_strict), ' +
      'or a host that takes over lacks what was acknowledged',
  );
}

async function assertFlushing(client: Client): Promise<void> {
  // `remote_apply` promises more than `on`; everything else may lose what it acknowledged.
  if ((await show(client, 'synchronous_commit')) !== 'remote_apply') await client.query('SET synchronous_commit = on');
  const expected = { fsync: ['on'], full_page_writes: ['on'], synchronous_commit: ['on', 'remote_apply'] };
  for (const [setting, allowed] of Object.entries(expected)) {
    const found = await show(client, setting);
    if (!allowed.includes(found)) {
      throw new JournalError('JOURNAL_UNSAFE', `PostgreSQL must run with ${setting} = ${allowed[0]}, not ${found}`);
    }
  }
}

/** Begins a new epoch: the writer of the one before is fenced off from here on. */
export async function takeOver(client: Client, shard: string): Promise<{ epoch: string; sequence: number }> {
  const epochs = await client.query(`UPDATE ${shard}.writer SET epoch = epoch + 1 RETURNING epoch::text`);
  // Only now: an append of the earlier writer is either in the table or will never be.
  const ends = await client.query(`SELECT coalesce(max(sequence), 0)::float8 AS last FROM ${shard}.entry`);
  const [{ epoch }, { last }] = [epochs.rows[0], ends.rows[0]] as [{ epoch: string }, { last: number }];
  return { epoch, sequence: last };
}
