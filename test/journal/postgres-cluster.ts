/** A PostgreSQL server for the time of a test: its own cluster in a temporary directory, reached by a unix socket only. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/** What makes the tests run that need PostgreSQL, on Debian and its like. */
export const postgresInstallCommand = 'apt-get install -y postgresql';

/** The directory of the server's programs (`initdb`, `postgres`), newest version first; undefined when there is none. */
export function findPostgres(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const places = [...versions.map((version) => join(root, version, 'bin')), ...(process.env.PATH ?? '').split(':')];
  return places.find((place) => existsSync(join(place, 'initdb')) && existsSync(join(place, 'postgres')));
}

export interface PostgresCluster {
  readonly connection: pg.ClientConfig;
  /** Of its first process. */
  readonly pid: number;
  /** What stands for it among the hosts of a connection string. */
  readonly host: string;
  /** As `pg_ctl promote`: one that follows does so no longer. */
  promote(): Promise<void>;
  /** At once, as a power cut. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * `follows`: a copy of that server, which goes on copying from it under the name `follower`.
 * @throws Error when `findPostgres` finds nothing or the server does not start.
 */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
  follows?: PostgresCluster,
): Promise<PostgresCluster> {
  const programs = findPostgres();
  if (programs === undefined) throw new Error(`PostgreSQL is not installed: ${postgresInstallCommand}`);
  const directory = mkdtempSync(join(tmpdir(), 'handsel-pg-'));
  const account = unprivilegedAccount();
  if (account !== undefined) chownSync(directory, account.uid, account.gid);
  const data = join(directory, 'data');
  const options = { ...account, cwd: directory, stdio: 'ignore' as const };
  if (follows === undefined) {
    const how = ['-U', 'handsel', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
    execFileSync(join(programs, 'initdb'), ['-D', data, ...how], options);
  } else {
    const from = `host=${follows.connection.host} user=handsel application_name=follower`;
    const how = ['--write-recovery-conf', '--checkpoint=fast', '--no-sync'];
    execFileSync(join(programs, 'pg_basebackup'), ['-D', data, '-d', from, ...how], options);
  }
  const merged = { listen_addresses: '', unix_socket_directories: directory, max_wal_size: '4GB', ...settings };
  const server = spawn(
    join(programs, 'postgres'),
    ['-D', data, ...Object.entries(merged).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    options,
  );
  const killWithUs = () => server.kill('SIGQUIT');
  process.once('exit', killWithUs);
  const connection = { host: directory, user: 'handsel', database: 'postgres' };
  await untilReady(server, connection);
  const end = async (signal: NodeJS.Signals) => {
    process.off('exit', killWithUs);
    if (server.exitCode === null && server.signalCode === null) {
      await new Promise((resolve) => {
        server.once('exit', resolve);
        server.kill(signal);
      });
    }
  };
  return {
    connection,
    pid: server.pid!,
    host: encodeURIComponent(directory),
    async promote() {
      execFileSync(join(programs, 'pg_ctl'), ['promote', '-D', data], options);
    },
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGINT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
function unprivilegedAccount(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const ask = (option: string) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }));
  return { uid: ask('-u'), gid: ask('-g') };
}

async function untilReady(server: ChildProcess, connection: pg.ClientConfig): Promise<void> {
  for (let tries = 0; tries < 300 && server.exitCode === null; tries++) {
    const client = new pg.Client(connection);
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`the PostgreSQL server did not start (exit code ${server.exitCode})`);
}
