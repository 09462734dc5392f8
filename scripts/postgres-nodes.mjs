/**
 * A PostgreSQL of three nodes on one machine, to try out what docs/scale.md describes: Patroni keeps one of them the primary, etcd
 * decides which. Commands: start, status, connection, kill, revive, stop; `--help` shows them.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { connectionString, DATABASE_USER, etcdArguments, nodeFolder, openCluster } from './postgres-node-files.mjs';

const USAGE = `node scripts/postgres-nodes.mjs <command> <folder>

  start FOLDER [--base-port 5600] [--database NAME]…   make (once) and start three nodes, with the data bases named
  status FOLDER                                        which node is what
  connection FOLDER --database NAME                    the connection string
  kill FOLDER --node primary|all|1|2|3                 end a node's programs at once, as a power cut does
  revive FOLDER --node 1|2|3                           start it again
  stop FOLDER                                          end all of them in order
`;

const PATIENCE_MS = 90_000;
const POLL_MS = 250;
const BASE_PORT = 5600;
const PROGRAMS = ['etcd', 'patroni'];

const commands = { start, status, connection, kill, revive, stop };

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'base-port': { type: 'string' },
      database: { type: 'string', multiple: true },
      node: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const [name, folder] = positionals;
  const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined;
  if (values.help || command === undefined || folder === undefined) {
    process.stdout.write(USAGE);
    process.exitCode = values.help ? 0 : 2;
  } else {
    await command(folder, values);
  }
} catch (error) {
  process.stderr.write(`postgres-nodes: ${error.message}\n`);
  process.exitCode = 1;
}

async function start(folder, { 'base-port': basePort = BASE_PORT, database = [] }) {
  const account = unprivilegedAccount();
  const cluster = openCluster(folder, { basePort: Number(basePort), account });
  for (const node of cluster.nodes) startNode(cluster, node, account);
  const primary = await untilReplicated(cluster);
  await prepare(cluster, primary, database);
  print(await statesOf(cluster));
}

async function status(folder) {
  print(await statesOf(openCluster(folder)));
}

function connection(folder, { database = [] }) {
  if (database.length !== 1) throw new Error('name one data base: --database NAME');
  process.stdout.write(`${connectionString(openCluster(folder), database[0])}\n`);
}

async function kill(folder, { node: asked }) {
  const cluster = openCluster(folder);
  const number = asked === 'primary' ? primaryOf(await statesOf(cluster))?.number : Number(asked);
  const nodes = cluster.nodes.filter((node) => asked === 'all' || node.number === number);
  if (nodes.length === 0) throw new Error('name a node that is there: --node primary, or its number');
  for (const node of nodes) {
    for (const pid of processesOf(cluster, node)) signal(pid, 'SIGKILL');
    process.stdout.write(`${node.name} is dead\n`);
  }
}

async function revive(folder, { node: asked }) {
  const cluster = openCluster(folder);
  const node = cluster.nodes.find(({ number }) => number === Number(asked));
  if (node === undefined) throw new Error('name a node by its number: --node 1');
  startNode(cluster, node, unprivilegedAccount());
  const states = await until(
    () => statesOf(cluster),
    (all) => primaryOf(all) !== undefined && all.some(({ name, state }) => name === node.name && isUp(state)),
    `${node.name} does not follow the primary`,
  );
  print(states);
}

async function stop(folder) {
  const cluster = openCluster(folder);
  for (const program of PROGRAMS.toReversed()) {
    const pids = cluster.nodes.flatMap((node) => pidOf(cluster, node, program) ?? []);
    for (const pid of pids) signal(pid, 'SIGTERM');
    await until(
      () => pids.filter(isRunning),
      (left) => left.length === 0,
      `${program} does not end`,
    );
  }
}

/** PostgreSQL and Patroni do not run as root. */
function unprivilegedAccount() {
  if (process.getuid?.() !== 0) return undefined;
  const ask = (option) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }));
  return { uid: ask('-u'), gid: ask('-g') };
}

function startNode(cluster, node, account) {
  const folder = nodeFolder(cluster.path, node);
  const programs = {
    etcd: ['etcd', etcdArguments(cluster.path, node, cluster)],
    patroni: ['patroni', [join(folder, 'patroni.yml')]],
  };
  for (const [program, [file, args]] of Object.entries(programs)) {
    if (pidOf(cluster, node, program) !== undefined) continue;
    const log = openSync(join(folder, `${program}.log`), 'a');
    const child = spawn(file, args, { ...account, cwd: folder, detached: true, stdio: ['ignore', log, log] });
    child.on('error', (error) => process.stderr.write(`postgres-nodes: ${program}: ${error.message}\n`));
    if (child.pid === undefined) throw new Error(`${program} cannot be started: is it installed?`);
    writeFileSync(pidFile(cluster, node, program), String(child.pid));
    child.unref();
  }
}

function pidFile(cluster, node, program) {
  return join(nodeFolder(cluster.path, node), `${program}.pid`);
}

/** Of a program of ours that runs: numbers are given out again, so its command line has to be about this node. */
function pidOf(cluster, node, program) {
  const file = pidFile(cluster, node, program);
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8'));
  if (isRunning(pid) && commandOf(pid).includes(nodeFolder(cluster.path, node))) return pid;
  rmSync(file);
  return undefined;
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function isRunning(pid) {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Etcd, Patroni, PostgreSQL, and what PostgreSQL has started: those that would restart others first. */
function processesOf(cluster, node) {
  const own = PROGRAMS.toReversed().flatMap((program) => pidOf(cluster, node, program) ?? []);
  const file = join(nodeFolder(cluster.path, node), 'data', 'postmaster.pid');
  const postmaster = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n', 1)[0]) : undefined;
  if (postmaster === undefined || !commandOf(postmaster).includes(nodeFolder(cluster.path, node))) return own;
  return [...own, postmaster, ...childrenOf(postmaster)];
}

function childrenOf(parent) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid) {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** What each Patroni says of its node; one that does not answer is `away`. */
async function statesOf({ nodes }) {
  return Promise.all(
    nodes.map(async ({ number, name, host, ports }) => {
      const place = { number, name, address: `${host}:${ports.postgres}` };
      try {
        const answer = await fetch(`http://${host}:${ports.rest}/patroni`, { signal: AbortSignal.timeout(2000) });
        const { role, state, sync_standby: inStep } = await answer.json();
        if (role === 'master' || role === 'primary') return { ...place, role: 'primary', state };
        return { ...place, role: inStep ? 'synchronous standby' : 'standby', state };
      } catch {
        return { ...place, role: 'unknown', state: 'away' };
      }
    }),
  );
}

function primaryOf(states) {
  return states.find(({ role, state }) => role === 'primary' && isUp(state));
}

/** Newer versions of Patroni tell standbys that follow from those that only run. */
function isUp(state) {
  return state === 'running' || state === 'streaming';
}

/** Both others follow, one of them in step. */
async function untilReplicated(cluster) {
  const states = await until(
    () => {
      const ended = cluster.nodes.find((node) =>
        PROGRAMS.some((program) => pidOf(cluster, node, program) === undefined),
      );
      if (ended === undefined) return statesOf(cluster);
      const reach = process.getuid?.() === 0 ? ' May the user postgres reach that folder?' : '';
      throw new Error(
        `${ended.name} has ended: ${nodeFolder(cluster.path, ended)} holds etcd.log and patroni.log.${reach}`,
      );
    },
    (all) =>
      primaryOf(all) !== undefined &&
      all.some(({ role }) => role === 'synchronous standby') &&
      all.every(({ state }) => isUp(state)),
    'the nodes do not come up; their folders hold etcd.log and patroni.log',
  );
  return cluster.nodes.find(({ name }) => name === primaryOf(states).name);
}

async function until(ask, isEnough, complaint) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (isEnough(answer)) return answer;
    if (Date.now() > end) throw new Error(complaint);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The user Handsel connects as, and its data bases; what is there already is fine. */
async function prepare({ passwords }, { host, ports }, databases) {
  const client = new pg.Client({
    ...{ host, port: ports.postgres, user: 'postgres', password: passwords.superuser, database: 'postgres' },
  });
  await client.connect();
  try {
    const user = pg.escapeIdentifier(DATABASE_USER);
    const has = async (query, name) => (await client.query(query, [name])).rows.length > 0;
    if (!(await has('SELECT FROM pg_roles WHERE rolname = $1', DATABASE_USER))) {
      await client.query(`CREATE ROLE ${user} LOGIN PASSWORD ${pg.escapeLiteral(passwords.user)}`);
    }
    for (const name of databases) {
      if (await has('SELECT FROM pg_database WHERE datname = $1', name)) continue;
      await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} OWNER ${user}`);
    }
  } finally {
    await client.end();
  }
}

function print(states) {
  for (const { name, address, role, state } of states) {
    process.stdout.write(`${name}  ${address}  ${role}, ${state}\n`);
  }
}
