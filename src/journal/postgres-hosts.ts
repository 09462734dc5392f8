/**
 * Connecting to PostgreSQL where several hosts keep one database and one of them may be written to, which Patroni changes when that one
 * fails. The driver knows one host: the connection string of libpq with several (PostgreSQL's documentation, "Specifying Multiple
 * Hosts") is taken apart here, and each is asked what it is.
 */
import pg from 'pg';
import { JournalError } from './journal.ts';

export interface Connected {
  /** To one and the same server. */
  readonly writer: pg.Client;
  readonly reader: pg.Client;
  /** Whether another host may take this one's place. */
  readonly replicated: boolean;
}

const CONNECT_MS = 3000;
/** Longer than any statement of ours takes; a machine that is gone answers nothing, not even an error. */
const ANSWER_MS = 30_000;
const KEEP_ALIVE_MS = 5000;
const CLOSE_MS = 2000;
const MAX_HOSTS = 16;

/** @throws JournalError `JOURNAL_FAILED` with what each host said when none may be written to */
export async function connectPrimary(connection: string | pg.ClientConfig): Promise<Connected> {
  const hosts = hostsOf(connection);
  const refusals: string[] = [];
  for (const host of hosts) {
    const [writer, reader] = [newClient(host), newClient(host)];
    try {
      await Promise.all([writer.connect(), reader.connect()]);
      await requirePrimary(writer);
      return { writer, reader, replicated: hosts.length > 1 };
    } catch (cause) {
      await closeClients(writer, reader);
      refusals.push(cause instanceof Error ? cause.message : String(cause));
    }
  }
  throw new JournalError('JOURNAL_FAILED', `PostgreSQL: no host to write to: ${refusals.join('; ')}`);
}

/** In bounded time: a server that is gone says no goodbye. */
export async function closeClients(...clients: readonly pg.Client[]): Promise<void> {
  const closed = Promise.allSettled(clients.map((client) => client.end()));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS);
  });
  await Promise.race([closed, late]);
  clearTimeout(timer);
}

function newClient(host: pg.ClientConfig): pg.Client {
  const client = new pg.Client(host);
  // A lost connection fails the query under way and every later one: the host learns it there.
  client.on('error', () => undefined);
  return client;
}

async function requirePrimary(client: pg.Client): Promise<void> {
  const { rows } = await client.query('SELECT pg_is_in_recovery() AS follows');
  if ((rows[0] as { follows: boolean }).follows) {
    throw new Error(`${client.host}:${client.port} follows another and cannot be written to`);
  }
}

/**
 * `postgresql://user@a:5432,b:5432/name?target_session_attrs=read-write` is two hosts.
 * @throws JournalError for more hosts than anybody has, and for a server that need not be the primary
 */
export function hostsOf(connection: string | pg.ClientConfig): readonly pg.ClientConfig[] {
  const bounds: pg.ClientConfig = {
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
  if (typeof connection !== 'string') return [{ ...bounds, ...connection }];
  const parts = /^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)([^/?#]*)([^?#]*)(?:\?(.*))?$/s.exec(connection);
  if (parts === null) return [{ ...bounds, connectionString: connection }];
  const [, start, authority, path, query] = parts as unknown as [string, string, string, string, string | undefined];
  const settings = new URLSearchParams(query);
  const wanted = settings.get('target_session_attrs') ?? 'read-write';
  if (wanted !== 'read-write' && wanted !== 'primary') {
    throw new JournalError('JOURNAL_FAILED', `a journal needs target_session_attrs=read-write, not ${wanted}`);
  }
  settings.delete('target_session_attrs');
  const hosts = authority.split(',');
  if (hosts.length > MAX_HOSTS) throw new JournalError('JOURNAL_FAILED', `a database has at most ${MAX_HOSTS} hosts`);
  const rest = settings.size === 0 ? path : `${path}?${settings}`;
  return hosts.map((host) => ({ ...bounds, connectionString: `${start}${host}${rest}` }));
}
