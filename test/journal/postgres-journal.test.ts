/** The PostgreSQL journal: the conformance suite, fencing, and servers that must be refused. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/codec/hex.ts';
import { openPostgresJournal } from '../../src/journal/postgres-journal.ts';
import { describeJournal } from './journal-conformance.ts';
import { findPostgres, type PostgresCluster, postgresInstallCommand, startPostgres } from './postgres-cluster.ts';

const entry = (text: string) => ({ keys: [text], body: utf8(text) });

if (findPostgres() === undefined) {
  describe.skip(`PostgreSQL journal (to run these tests: ${postgresInstallCommand})`, () => {
    it('passes the conformance suite');
  });
} else {
  let cluster: PostgresCluster;
  let shards = 0;
  const newShard = () => `shard_${shards++}`;
  const open = (shard: string) => openPostgresJournal({ connection: cluster.connection, shard });
  beforeAll(async () => {
    cluster = await startPostgres();
  }, 60_000);
  afterAll(() => cluster.stop());

  describeJournal('PostgreSQL', async () => {
    const shard = newShard();
    return { open: () => open(shard) };
  });

  describe('a PostgreSQL shard', () => {
    it('fences off the older writer: its append and its snapshot change nothing', async () => {
      const shard = newShard();
      const older = await open(shard);
      await older.append([entry('a')]);
      const newer = await open(shard);
      await expect(older.append([entry('b')])).rejects.toMatchObject({ code: 'JOURNAL_FENCED' });
      await expect(older.saveSnapshot(1, utf8('s'))).rejects.toMatchObject({ code: 'JOURNAL_FENCED' });
      expect(await newer.loadSnapshot()).toBeUndefined();
      expect(await newer.readByKey('b')).toEqual([]);
      expect(await newer.append([entry('c')])).toBe(2);
      await Promise.all([older.close(), newer.close()]);
    });

    it('keeps one line of entries when writers take over from each other in the middle of appends', async () => {
      const shard = newShard();
      const acknowledged: string[] = [];
      const write = async (name: string) => {
        const journal = await open(shard);
        try {
          for (let at = 0; at < 200; at++) {
            await journal.append([entry(`${name} ${at}`)]);
            acknowledged.push(`${name} ${at}`);
          }
        } catch (cause) {
          expect(cause).toMatchObject({ code: 'JOURNAL_FENCED' });
        }
        await journal.close();
      };
      await Promise.all(['one', 'two', 'three', 'four'].map(write));
      const reader = await open(shard);
      const found: string[] = [];
      for await (const { body } of reader.read(0)) found.push(Buffer.from(body).toString());
      expect([...found].sort()).toEqual([...acknowledged].sort());
      const lines = found.map((text) => text.split(' ')[0]!).filter((name, at, all) => name !== all[at - 1]);
      expect(new Set(lines).size).toBe(lines.length);
      await reader.close();
    });

    it('lives beside others in one database', async () => {
      const [one, two] = [await open(newShard()), await open(newShard())];
      await one.append([entry('a')]);
      expect(await two.readByKey('a')).toEqual([]);
      await Promise.all([one.close(), two.close()]);
    });

    it('fails, and goes on failing, when the server ends the connection', async () => {
      const shard = newShard();
      const journal = await open(shard);
      const admin = new pg.Client(cluster.connection);
      await admin.connect();
      await admin.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename IS NOT NULL',
      );
      await admin.end();
      await expect(journal.append([entry('a')])).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
      await expect(journal.append([entry('b')])).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
      await journal.close();
    });

    it('takes nothing after an append that failed, because nobody knows whether that one is there', async () => {
      const shard = newShard();
      const journal = await open(shard);
      const admin = new pg.Client(cluster.connection);
      await admin.connect();
      await admin.query(`INSERT INTO ${shard}.entry VALUES (1, '')`);
      await expect(journal.append([entry('a')])).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
      await admin.query(`DELETE FROM ${shard}.entry`);
      await admin.end();
      await expect(journal.append([entry('b')])).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
      await journal.close();
    });

    it('has a name that cannot be anything else in SQL', async () => {
      for (const shard of ['', 'a; drop schema public', 'Shard', '1a', 'a'.repeat(41)]) {
        await expect(open(shard)).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
      }
    });
  });

  describe('a server that may lose what it acknowledged', () => {
    const withServer = async (
      settings: Record<string, string>,
      run: (connection: pg.ClientConfig) => Promise<unknown>,
    ) => {
      const server = await startPostgres(settings);
      try {
        await run(server.connection);
      } finally {
        await server.stop();
      }
    };

    it('is refused', async () => {
      await withServer({ fsync: 'off' }, (connection) =>
        expect(openPostgresJournal({ connection, shard: 'a' })).rejects.toMatchObject({ code: 'JOURNAL_UNSAFE' }),
      );
    }, 60_000);

    it('is told to flush each commit of ours, whatever its default', async () => {
      await withServer({ synchronous_commit: 'off' }, async (connection) => {
        await (await openPostgresJournal({ connection, shard: 'a' })).close();
      });
    }, 60_000);
  });

  it('says that a server cannot be reached', async () => {
    await expect(
      openPostgresJournal({ connection: { host: '/nowhere', user: 'nobody' }, shard: 'a' }),
    ).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
  });
}
