/**
 * The files of a PostgreSQL cluster for trying out docs/scale.md: nodes on one machine, each an etcd member, a Patroni and its PostgreSQL.
 * Patroni's own documentation explains every setting; here is why these values.
 */
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const NODES = [1, 2, 3];
export const DATABASE_USER = 'handsel';
const HOST = '127.0.0.1';
const CLUSTER_FILE = 'nodes.json';
const PORTS_A_NODE = 4;

/** A cluster on one machine: folder, passwords and the ports of each node. Made once, then read. */
export function openCluster(folder, { basePort, account } = {}) {
  const path = resolve(folder);
  const file = join(path, CLUSTER_FILE);
  if (!existsSync(file)) {
    if (basePort === undefined) throw new Error(`there are no nodes in ${path}: start some`);
    makeCluster(path, { file, basePort, account });
  }
  return { path, ...JSON.parse(readFileSync(file, 'utf8')) };
}

function makeCluster(path, { file, basePort, account }) {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  const secret = () => randomBytes(18).toString('base64url');
  const nodes = NODES.map((number) => {
    const [postgres, rest, etcdClient, etcdPeer] = Array.from(
      { length: PORTS_A_NODE },
      (_, kind) => basePort + kind * NODES.length + number - 1,
    );
    return { number, name: `node${number}`, host: HOST, ports: { postgres, rest, etcdClient, etcdPeer } };
  });
  const cluster = { passwords: { superuser: secret(), replication: secret(), user: secret() }, nodes };
  for (const node of nodes) writeNode(path, node, cluster, account);
  // Last: from here on the cluster is there.
  writeFileSync(file, `${JSON.stringify(cluster, null, 2)}\n`, { mode: 0o600 });
}

export const nodeFolder = (path, { name }) => join(path, name);

function writeNode(path, node, cluster, account) {
  const folder = nodeFolder(path, node);
  mkdirSync(folder, { mode: 0o700 });
  const file = join(folder, 'patroni.yml');
  // JSON is YAML.
  writeFileSync(file, `${JSON.stringify(patroniOf(folder, node, cluster), null, 2)}\n`, { mode: 0o600 });
  if (account !== undefined) for (const owned of [folder, file]) chownSync(owned, account.uid, account.gid);
}

/** One that has run before finds its members in its own data. */
export function etcdArguments(path, node, { nodes }) {
  const { name, host, ports } = node;
  const client = `http://${host}:${ports.etcdClient}`;
  const peer = `http://${host}:${ports.etcdPeer}`;
  const members = nodes.map((other) => `${other.name}=http://${other.host}:${other.ports.etcdPeer}`).join(',');
  return [
    ['--name', name],
    ['--data-dir', join(nodeFolder(path, node), 'etcd')],
    ['--listen-client-urls', client],
    ['--advertise-client-urls', client],
    ['--listen-peer-urls', peer],
    ['--initial-advertise-peer-urls', peer],
    ['--initial-cluster', members],
    ['--initial-cluster-token', 'handsel'],
    ['--initial-cluster-state', 'new'],
    ['--log-level', 'warn'],
  ].flat();
}

function patroniOf(folder, { name, host, ports }, { nodes, passwords }) {
  const at = `${host}:${ports.rest}`;
  return {
    scope: 'handsel',
    name,
    restapi: { listen: at, connect_address: at },
    etcd3: { hosts: nodes.map((node) => `${node.host}:${node.ports.etcdClient}`) },
    bootstrap: {
      dcs: {
        // The least Patroni allows: a node that has died is replaced when its lease is over.
        ttl: 20,
        loop_wait: 2,
        retry_timeout: 5,
        // A PostgreSQL that has crashed under a Patroni that lives is replaced at once.
        primary_start_timeout: 0,
        // What is acknowledged is on two nodes, and with one node alone nothing is acknowledged.
        synchronous_mode: true,
        synchronous_mode_strict: true,
        maximum_lag_on_failover: 0,
        postgresql: {
          use_pg_rewind: true,
          use_slots: true,
          parameters: { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', max_connections: 60 },
        },
      },
      initdb: [
        { encoding: 'UTF8' },
        { 'auth-local': 'scram-sha-256' },
        { 'auth-host': 'scram-sha-256' },
        'data-checksums',
      ],
      pg_hba: [`host replication replicator ${host}/32 scram-sha-256`, `host all all ${host}/32 scram-sha-256`],
    },
    postgresql: {
      listen: `${host}:${ports.postgres}`,
      connect_address: `${host}:${ports.postgres}`,
      data_dir: join(folder, 'data'),
      bin_dir: postgresPrograms(),
      pgpass: join(folder, 'pgpass'),
      authentication: {
        superuser: { username: 'postgres', password: passwords.superuser },
        replication: { username: 'replicator', password: passwords.replication },
        rewind: { username: 'postgres', password: passwords.superuser },
      },
      parameters: { unix_socket_directories: folder, password_encryption: 'scram-sha-256' },
    },
  };
}

/** Newest version first. */
function postgresPrograms() {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(root, version, 'bin')).find((bin) => existsSync(join(bin, 'postgres')));
  if (found === undefined) throw new Error(`there is no PostgreSQL in ${root}`);
  return found;
}

/** As any program reaches whichever node is the primary. */
export function connectionString({ nodes, passwords }, database) {
  const places = nodes.map(({ host, ports }) => `${host}:${ports.postgres}`).join(',');
  return `postgresql://${DATABASE_USER}:${passwords.user}@${places}/${database}?target_session_attrs=read-write`;
}
