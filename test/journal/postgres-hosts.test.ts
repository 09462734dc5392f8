/** Several hosts for one database: which one is written to, what becomes of what was acknowledged, and what is never believed. */
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/codec/hex.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { hostsOf } from '../../src/journal/postgres-hosts.ts';
import { openPostgresJournal } from '../../src/journal/postgres-journal.ts';
import { findPostgres, type PostgresCluster, postgresInstallCommand, startPostgres } from './postgres-cluster.ts';

const entry = (text: string) => ({ keys: [text], body: utf8(text) });
const SYNCHRONOUS = { synchronous_standby_names: 'follower' };

describe('a connection string with several hosts', () => {
  const stringsOf = (connection: string) => hostsOf(connection).map(({ connectionString }) => connectionString);

  it('is one of each host, with everything else as it was', () => {
    expect(
      stringsOf('postgresql://me:a,b@one:5432,two:5433/db?target_session_attrs=read-write&sslmode=disable'),
    ).toEqual(['postgresql://me:a,b@one:5432/db?sslmode=disable', 'postgresql://me:a,b@two:5433/db?sslmode=disable']);
    expect(stringsOf('postgres://one,two')).toEqual(['postgres://one', 'postgres://two']);
    expect(stringsOf('postgresql://me@one/db')).toEqual(['postgresql://me@one/db']);
    expect(stringsOf('/var/run/postgresql db')).toEqual(['/var/run/postgresql db']);
  });

  it('is refused where it asks for a server that need not be the primary, or names too many', () => {
    expect(() => hostsOf('postgresql://one,two/db?target_session_attrs=any')).toThrowError(/read-write, not any/);
    expect(() => hostsOf(`postgresql://${Array.from({ length: 17 }, (_, at) => `h${at}`)}/db`)).toThrowError(
      /16 hosts/,
    );
  });
});

const describeWithServers =
  findPostgres() === undefined
    ? (name: string, _tests: () => void) => {
        describe.skip(`${name} (to run these tests: ${postgresInstallCommand})`, () => {
          it('loses nothing');
        });
      }
    : (name: string, tests: () => void) => {
        describe(name, tests);
      };

describeWithServers('a journal on several hosts', () => {
  const connectionTo = (...servers: readonly PostgresCluster[]) =>
    `postgresql://handsel@${servers.map(({ host }) => host)}/postgres?target_session_attrs=read-write`;
  const open = (connection: string) => openPostgresJournal({ connection, shard: 'accounts' });
  const textsOf = async (journal: Journal) => {
    const texts: string[] = [];
    for await (const { body } of journal.read(0)) texts.push(Buffer.from(body).toString());
    return texts;
  };
  const ask = async (server: PostgresCluster, query: string) => {
    const client = new pg.Client(server.connection);
    await client.connect();
    try {
      return (await client.query(query)).rows;
    } finally {
      await client.end();
    }
  };

  it('writes to the primary wherever it stands, and goes on with all that was acknowledged on the one that takes its place', async () => {
    const first = await startPostgres(SYNCHRONOUS);
    const follower = await startPostgres({}, first);
    try {
      const connection = connectionTo(follower, first);
      const journal = await open(connection);
      const acknowledged: string[] = [];
      const writing = (async () => {
        for (let at = 0; ; at++) {
          await journal.append([entry(`${at}`)]);
          acknowledged.push(`${at}`);
          if (at === 20) void first.kill();
        }
      })();
      await expect(writing).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
      await expect(journal.append([entry('late')])).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
      await expect(open(connection)).rejects.toMatchObject({
        code: 'JOURNAL_FAILED',
        message: expect.stringMatching(/follows another.*;/s),
      });
      await journal.close();

      await follower.promote();
      // It has nobody who follows it now, and is told so by hand: Patroni does that.
      await ask(follower, "ALTER SYSTEM SET synchronous_standby_names = ''");
      await ask(follower, 'SELECT pg_reload_conf()');
      const alone = await open(connectionTo(follower));
      const found = await textsOf(alone);
      expect(found.slice(0, acknowledged.length)).toEqual(acknowledged);
      expect(found.length - acknowledged.length).toBeLessThanOrEqual(1);
      expect(await alone.append([entry('on')])).toBe(found.length + 1);
      await alone.close();
    } finally {
      await follower.stop();
      await first.stop();
    }
  }, 60_000);

  it.each<[string, (journal: Journal) => Promise<unknown>]>([
    ['while nothing is asked of it', async () => undefined],
    ['by a look-up', (journal) => journal.readByKey('a').catch(({ code }) => expect(code).toBe('JOURNAL_FAILED'))],
  ])('says that it is lost when its server dies, %s', async (_, ask) => {
    const server = await startPostgres();
    try {
      const journal = await open(connectionTo(server));
      await journal.append([entry('a')]);
      await Promise.all([server.kill(), ask(journal)]);
      expect(await journal.lost).toMatchObject({ code: 'JOURNAL_FAILED' });
      await journal.close();
    } finally {
      await server.stop();
    }
  });

  it('does not call itself lost when it is closed', async () => {
    const server = await startPostgres();
    try {
      const journal = await open(connectionTo(server));
      await journal.close();
      await server.kill();
      expect(await Promise.race([journal.lost, Promise.resolve('closed')])).toBe('closed');
    } finally {
      await server.stop();
    }
  });

  it('is refused where a host may take over that lacks what was acknowledged', async () => {
    const server = await startPostgres();
    try {
      await expect(open(connectionTo(server, server))).rejects.toMatchObject({ code: 'JOURNAL_UNSAFE' });
      await (await open(connectionTo(server))).close();
    } finally {
      await server.stop();
    }
  }, 60_000);

  it('does not believe a commit that stopped waiting for its standby', async () => {
    const server = await startPostgres();
    const stopWaiting = async (): Promise<void> => {
      const query = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
      while ((await ask(server, query)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    /** The reload reaches the backend of each connection in its own time: a commit waits for a standby from then on. */
    const untilNobody = async (of: PostgresCluster): Promise<void> => {
      const waits = async () =>
        (await ask(of, "SELECT FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting = 'nobody'"))
          .length > 0;
      while (!(await waits())) await new Promise((resolve) => setTimeout(resolve, 20));
      await new Promise((resolve) => setTimeout(resolve, 500));
    };
    try {
      const journal = await open(connectionTo(server));
      await journal.append([entry('a')]);
      await ask(server, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
      await ask(server, 'SELECT pg_reload_conf()');
      await untilNobody(server);
      const doubtful = journal.append([entry('b')]);
      await Promise.all([expect(doubtful).rejects.toMatchObject({ message: /warns.*synchronous/ }), stopWaiting()]);
      await expect(journal.append([entry('c')])).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
      const opening = open(connectionTo(server));
      await Promise.all([expect(opening).rejects.toMatchObject({ message: /warns/ }), stopWaiting()]);
      await journal.close();
    } finally {
      await server.stop();
    }
  }, 60_000);
});
