/**
 * Purchases inside deposits at one merchant on a real SQLite journal: verified and durable ones a second in one thread, beside what would
 * be done without chains (a signature each) and without a till (a row lock each); and what a hundred thousand open deposits weigh.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import pg from 'pg';
import { sha256 } from '../src/crypto/digest.ts';
import { generateP256, signP256, verifyP256 } from '../src/crypto/signature.ts';
import { readMessage } from '../src/crypto/signed-message.ts';
import { checkpointType } from '../src/deposit/message/checkpoint.ts';
import { systemClock } from '../src/journal/clock.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import { DAY_MS, openMerchantWorld } from '../test/deposit/merchant/merchant-world.ts';
import { PayingCustomer, type Sale } from '../test/deposit/merchant/paying-customer.ts';
import { findPostgres, startPostgres } from '../test/journal/postgres-cluster.ts';
import type { Measurement } from './measurement.ts';

const SESSIONS = 64;
/** Callers of one deposit, each waiting for its answer before its next purchase. */
const CALLERS = 64;
const PURCHASES_OF_SESSION = 2048;
const ROUNDS = 7;
const OPEN = 100_000;
/** Every eighth buys so much before they are weighed: purchases make a deposit no heavier. */
const BUYING = 8;
const BOUGHT = 20;
const SIGNATURES = 4096;
const ROW_LOCK_MS = 3000;

interface Rate {
  /** By the clock, whatever else the machine does meanwhile. */
  readonly perSecond: number;
  /** By the time the process had on all cores together: the journal's thread and the collector count, too. */
  readonly perCore: number;
}

/** What the customers do is done before the clock starts. */
async function purchaseRate(units: number): Promise<Rate> {
  const folder = await mkdtemp(join(tmpdir(), 'handsel-bench-'));
  const journal = await openSqliteJournal({ file: join(folder, 'merchant.db') });
  const world = await openMerchantWorld({ clock: systemClock(), journal });
  try {
    const customers: PayingCustomer[] = [];
    // As many steps of each chain as a round takes; a checkpoint begins new ones.
    const lengths = units === 1 ? [2048, 1, 1, 1] : [2048 * 5, 2048 * 2, 1, 1];
    const deposit = { currency: 'EUR', minor: 100_000_000n };
    for (let at = 0; at < SESSIONS; at++) customers.push(await world.open(`Bank.${at + 1}.1`, { deposit }, lengths));
    const rates: Rate[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const sales = customers.map((customer) =>
        Array.from({ length: PURCHASES_OF_SESSION }, () => customer.buy(units)),
      );
      collect();
      const before = process.cpuUsage();
      const start = performance.now();
      await Promise.all(customers.map(({ transaction }, at) => spend(world.till, transaction, sales[at]!)));
      const { user, system } = process.cpuUsage(before);
      const done = SESSIONS * PURCHASES_OF_SESSION;
      const perSecond = (done * 1000) / (performance.now() - start);
      if (round > 0) rates.push({ perSecond, perCore: (done * 1e6) / (user + system) });
      for (const customer of customers) await world.checkpoint(customer.checkpoint());
    }
    const counted = [...world.host.state.sessions.values()].reduce((sum, session) => sum + session.count, 0);
    if (counted !== SESSIONS * PURCHASES_OF_SESSION * (ROUNDS + 1)) throw new Error(`${counted} purchases counted`);
    return {
      perSecond: median(rates.map(({ perSecond }) => perSecond)),
      perCore: median(rates.map(({ perCore }) => perCore)),
    };
  } finally {
    await world.host.close();
    await rm(folder, { recursive: true });
  }
}

type Till = Awaited<ReturnType<typeof openMerchantWorld>>['till'];

async function spend(till: Till, transaction: string, sales: readonly Sale[]): Promise<void> {
  let next = 0;
  const caller = async () => {
    while (next < sales.length) {
      const { token, item } = sales[next++]!;
      await till.purchase(transaction, token, item);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

/** What one core can check when every purchase is signed: nothing stored, nobody answered. */
function signaturesPerCore(): number {
  const { privateKey, publicKey } = generateP256();
  const data = sha256(new Uint8Array(1));
  const signature = signP256(privateKey, data, 'raw');
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let at = 0; at < SIGNATURES; at++) verifyP256(publicKey, data, signature, 'raw');
    const { user, system } = process.cpuUsage(before);
    if (round > 0) rates.push((SIGNATURES * 1e6) / (user + system));
  }
  return median(rates);
}

/** The usual way: one row a deposit, taken down under its lock by each purchase; undefined without PostgreSQL. */
async function rowUpdatesPerSecond(): Promise<number | undefined> {
  if (findPostgres() === undefined) return undefined;
  const cluster = await startPostgres();
  const pool = new pg.Pool({ ...cluster.connection, max: SESSIONS });
  pool.on('error', () => {}); // connections that the cluster's end cuts
  try {
    await pool.query('CREATE TABLE deposit (id integer PRIMARY KEY, units bigint NOT NULL, purchases bigint NOT NULL)');
    await pool.query(`INSERT INTO deposit SELECT n, 1000000000, 0 FROM generate_series(1, ${SESSIONS}) AS n`);
    let done = 0;
    const start = performance.now();
    const caller = async (id: number) => {
      const text = 'UPDATE deposit SET units = units - 1, purchases = purchases + 1 WHERE id = $1 AND units >= 1';
      while (performance.now() - start < ROW_LOCK_MS) {
        await pool.query({ name: 'pay', text, values: [id] });
        done++;
      }
    };
    await Promise.all(Array.from({ length: SESSIONS }, (_, at) => caller(at + 1)));
    return (done * 1000) / (performance.now() - start);
  } finally {
    await pool.end();
    await cluster.stop();
  }
}

/** Megabytes (10⁶ bytes) on and outside V8's heap; the journal is on disk, so that it is not weighed with them. */
async function megabytesOfOpenDeposits(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'handsel-bench-'));
  const journal = await openSqliteJournal({ file: join(folder, 'merchant.db') });
  const world = await openMerchantWorld({ clock: systemClock(), journal });
  const used = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  // What the doors check is signed by nobody here: it leaves nothing in memory, and a hundred thousand times it takes minutes.
  const keys = generateP256();
  const openOne = async (at: number) => {
    const customer = new PayingCustomer(`Bank.${at}.1`, { keys, lengths: [BOUGHT, 1, 1, 1] });
    const { transaction } = customer;
    const endsAtMs = Date.now() + 30 * DAY_MS;
    const deposit = { currency: 'EUR', minor: 10_000n };
    const certificate = new Uint8Array(1);
    const information = { transaction, merchant: 'Shop', customer: '', deposit, certificate, idleMs: DAY_MS, endsAtMs };
    await world.host.submit({ type: 'information', information, customerKey: customer.point });
    const bytes = customer.checkpoint();
    const checkpoint = readMessage(checkpointType, bytes).value;
    await world.host.submit({ type: 'checkpoint', checkpoint, bytes });
    if (at % BUYING !== 0) return;
    customer.meet(world.host.state.sessions.get(transaction)!.ownKey);
    for (let bought = 0; bought < BOUGHT; bought++) {
      const { token, item } = customer.buy(1);
      await world.till.purchase(transaction, token, item);
    }
  };
  const openSome = async (from: number, to: number) => {
    let next = from;
    const opener = async () => {
      while (next < to) await openOne(++next);
    };
    await Promise.all(Array.from({ length: 512 }, opener));
  };
  try {
    await openSome(0, 1024);
    const before = used();
    await openSome(1024, 1024 + OPEN);
    const bytes = used() - before;
    return world.host.state.sessions.size === OPEN + 1024 ? bytes / 1e6 : Number.NaN;
  } finally {
    await world.host.close();
    await rm(folder, { recursive: true });
  }
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

export async function benchDeposit(): Promise<Measurement[]> {
  const megabytes = await megabytesOfOpenDeposits();
  const one = await purchaseRate(1);
  const many = await purchaseRate(37);
  const signatures = signaturesPerCore();
  const rows = await rowUpdatesPerSecond();
  const told = { unit: '1/s', better: 'higher', target: null, met: null } as const;
  const asked = (rate: number) => ({ unit: '1/s', better: 'higher', target: TARGET, met: rate >= TARGET }) as const;
  return [
    { name: 'deposit: purchases of 1 unit, verified and durable, a core', value: one.perCore, ...asked(one.perCore) },
    {
      name: 'deposit: purchases of 37 units, verified and durable, a core',
      value: many.perCore,
      ...asked(many.perCore),
    },
    { name: 'deposit: purchases of 1 unit, by the clock', value: one.perSecond, ...told },
    { name: 'deposit: purchases of 37 units, by the clock', value: many.perSecond, ...told },
    { name: 'deposit: beside it, P-256 signatures verified and nothing kept, a core', value: signatures, ...told },
    {
      name: 'deposit: purchases of 1 unit, times as many as signatures, a core',
      ...{ value: one.perCore / signatures, ...told, unit: 'ratio' },
    },
    ...(rows === undefined
      ? []
      : [
          { name: 'deposit: beside it, row updates on PostgreSQL, by the clock', value: rows, ...told },
          {
            name: 'deposit: purchases of 1 unit, times as many as row updates, by the clock',
            ...{ value: one.perSecond / rows, ...told, unit: 'ratio' },
          },
        ]),
    {
      name: `deposit: memory of ${OPEN.toLocaleString('en')} open at one merchant`,
      ...{ value: megabytes, unit: 'MB', better: 'lower', target: TARGET_MB, met: megabytes <= TARGET_MB },
    },
  ];
}

const TARGET = 150_000;
const TARGET_MB = 500;
