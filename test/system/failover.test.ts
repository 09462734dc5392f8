/**
 * An operator with two shards on three nodes of PostgreSQL, brought up, loaded, and killed in the middle, by the commands of docs/scale.md
 * as they stand there: what was acknowledged is there once, sums are zero, and everything goes on by itself.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfiguration } from '../../src/party/configuration/configuration.ts';
import type { OperatorStatement } from '../../src/party/operator/operator-statement.ts';
import type { ShardsView } from '../../src/party/operator/sharded-accounts.ts';
import { partyClient, readCommunication } from '../../src/party/running/communication.ts';
import { silentLog } from '../../src/transport/log.ts';
import { findPostgres } from '../journal/postgres-cluster.ts';
import { createPatience } from '../patience.ts';
import { openDocument } from './documented-commands.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const INSTALL = 'apt-get install -y postgresql patroni etcd-server';
/** It is ended before. */
const LOAD_SECONDS = 600;
/** Before the test's own time is over. */
const PATIENCE_MS = 60_000;

const hasProgram = (name: string) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
const isInstalled = findPostgres() !== undefined && hasProgram('patroni') && hasProgram('etcd');

if (isInstalled) describe('an operator with two shards on three nodes', failover);
else {
  describe.skip(`an operator with two shards on three nodes (to run this test: ${INSTALL})`, () => {
    it('loses nothing');
  });
}

function failover(): void {
  const folder = mkdtempSync(join(tmpdir(), 'handsel-scale-'));
  // The nodes run as another user where we are root.
  chmodSync(folder, 0o755);
  const nodes = join(folder, 'nodes');
  const home = join(folder, 'home');
  const node = JSON.stringify(process.execPath);
  const basePort = 21_000 + 16 * (process.pid % 500);
  const document = openDocument('docs/scale.md', {
    'start /tmp/handsel-nodes': `start ${nodes} --base-port ${basePort}`,
    '/tmp/handsel-nodes': nodes,
    '/tmp/handsel-scaled': home,
    'npm run -s handsel --': `${node} ${MAIN}`,
    'node scripts/': `${node} scripts/`,
    'node examples/': `${node} examples/`,
    '--seconds 60': `--seconds ${LOAD_SECONDS}`,
  });
  const handsel = (args: string) => document.run(`npm run -s handsel -- ${args}`);
  const nodesDo = (args: string) => document.run(`node scripts/postgres-nodes.mjs ${args}`);
  const succeed = async (line: string) => {
    const { code, said } = await document.run(line);
    expect([line, code, said]).toEqual([line, 0, said]);
    return said;
  };
  const until = async <T>(ask: () => Promise<T>, isEnough: (answer: T) => boolean): Promise<T> => {
    const isOver = createPatience(PATIENCE_MS);
    for (;;) {
      const answer = await ask();
      if (isEnough(answer)) return answer;
      if (isOver()) throw new Error(`it never came about: ${JSON.stringify(answer)}`);
      await sleep(300);
    }
  };
  const shards = async (): Promise<ShardsView | undefined> => {
    const { code, said } = await handsel('operator shards --json --config /tmp/handsel-scaled/south');
    return code === 0 ? (JSON.parse(said) as ShardsView) : undefined;
  };
  const allRun = (view: ShardsView | undefined) => view?.shards.every(({ state }) => state === 'running') === true;
  const acknowledged = () => {
    const file = join(home, 'acknowledged.txt');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
  };
  const primary = async () => /^(node\d).*primary, running$/m.exec((await nodesDo(`status ${nodes}`)).said)?.[1];

  afterAll(async () => {
    document.killAll();
    await nodesDo(`kill ${nodes} --node all`);
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('loses and doubles nothing when the primary and a shard are killed under load, and goes on', async () => {
    for (const line of document.under('Three nodes').slice(1)) await succeed(line);
    const [init = '', configure = '', ...rest] = document.under('An operator with two shards');
    await succeed(init);
    await succeed(configure);
    const parties = rest.filter((line) => line.endsWith(' &')).map((line) => document.start(line));
    for (const party of parties) await party.said('listens at');
    const [look = '', buy = '', close = ''] = rest.filter((line) => !line.endsWith(' &'));
    expect(await succeed(look)).toMatch(/shard 0: running.*shard 1: running.*under way between shards: nothing/s);
    expect(await succeed(buy)).toMatch(/200 purchases of deposit/);
    expect(await succeed(close)).toMatch(/settled/);

    const [loadLine = '', killLine = '', statusLine = '', ...afterwards] = document.under('Kill one');
    const load = document.start(loadLine);
    await until(
      async () => acknowledged(),
      (count) => count > 100,
    );

    const victim = await shardProcess(1);
    process.kill(victim, 'SIGKILL');
    const restarted = await until(shards, (view) => view?.shards[1]?.restarts === 1 && allRun(view));
    expect(restarted?.shards[0]?.restarts).toBe(0);
    const beforeKill = acknowledged();
    await until(
      async () => acknowledged(),
      (count) => count > beforeKill + 50,
    );

    const old = await primary();
    const statuses = watchDoor();
    expect(await succeed(killLine)).toContain(`${old} is dead`);
    const atKill = acknowledged();
    await until(primary, (name) => name !== undefined && name !== old);
    await until(
      async () => acknowledged(),
      (count) => count > atKill + 100,
    );
    expect(await statuses.stop()).toEqual(new Set([200, 503]));
    load.stop();

    expect(await succeed(statusLine)).toMatch(/unknown, away/);
    const [lookAgain = '', buyAgain = '', closeAgain = ''] = afterwards;
    expect(await succeed(lookAgain)).toMatch(/shard 0: running.*shard 1: running/s);
    expect(await succeed(buyAgain)).toMatch(/200 purchases of deposit/);
    expect(await succeed(closeAgain)).toMatch(/settled/);

    const { code, said } = await load.ended;
    expect([code, said]).toEqual([0, expect.stringMatching(/bookings acknowledged, [1-9]\d* asked for again/)]);
    const [accounts = '', compare = ''] = document.under('See that nothing is lost');
    // What is on its way to the billing book arrives by itself.
    const verdict = await until(
      async () => {
        await succeed(accounts);
        return document.run(compare);
      },
      (compared) => compared.code === 0,
    );
    expect(verdict.said).toContain('nothing lost, nothing doubled');
    expect(Number(/^(\d+) acknowledged/m.exec(verdict.said)?.[1])).toBe(acknowledged());

    const statement = JSON.parse(
      (await handsel('statement --json --config /tmp/handsel-scaled/south')).said,
    ) as OperatorStatement;
    const customer = statement.customers.find(({ name }) => name === 'customer');
    const merchant = statement.merchants.find(({ name }) => name === 'lexicon');
    // Two deposits of 200 purchases for 0.0004 EUR each: the customer's shard has paid what the merchant's has got.
    expect([customer?.balance, customer?.held, merchant?.balance]).toEqual(['-0.16 EUR', '0.00 EUR', '0.16 EUR']);
    expect([customer?.deposits.length, merchant?.deposits.length]).toEqual([2, 2]);
    expect(statement.violations).toEqual([]);
    expect((await shards())?.underWay).toEqual([]);
  }, 240_000);

  /** The operator's own people ask it all the time: it may say no for a while, but only "later". */
  function watchDoor() {
    const { configuration, path } = readConfiguration('operator', join(home, 'south/party.json'));
    const { name, deposits, communication } = configuration;
    const identity = readCommunication(communication, path);
    const client = partyClient({ name, identity, peers: {}, surroundings: { log: silentLog() } });
    const seen = new Set<number>();
    let stopped = false;
    const watching = (async () => {
      while (!stopped) {
        // Nobody at the door is no answer: whoever asks tries again, as with any party that is away.
        const answer = await client.get(`${deposits!.url}/operator/shards`).catch(() => undefined);
        if (answer !== undefined) seen.add(answer.status);
        await sleep(200);
      }
      client.close();
    })();
    return {
      async stop() {
        stopped = true;
        await watching;
        return seen;
      },
    };
  }

  /** Of the processes of this test's operator. */
  async function shardProcess(number: number): Promise<number> {
    const { said } = await document.run(`pgrep -f -- "--shard ${number} --config ${home}/south"`);
    const pids = said.trim().split('\n').map(Number);
    const found = pids.find((pid) => /--shard/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
    if (found === undefined) throw new Error(`shard ${number} has no process`);
    return found;
  }
}
