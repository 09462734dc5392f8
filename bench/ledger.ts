/**
 * The ledger through a real host on a real SQLite journal: does one account in every transfer slow it down (it would, with
 * row locks), how many transfers a second the ledger alone decides, and what a million accounts weigh in memory.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../src/journal/clock.ts';
import { type Host, openHost } from '../src/journal/host.ts';
import type { Machine } from '../src/journal/machine.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import { UNLIMITED } from '../src/ledger/account-table.ts';
import { applyLedger } from '../src/ledger/apply.ts';
import type { Transfer } from '../src/ledger/command.ts';
import { decideLedger } from '../src/ledger/decide.ts';
import { assertLedger } from '../src/ledger/invariant.ts';
import { createLedger, type LedgerState } from '../src/ledger/ledger.ts';
import type { LedgerRecord } from '../src/ledger/record.ts';
import { restoreLedger, snapshotLedger } from '../src/ledger/snapshot.ts';
import type { Measurement } from './measurement.ts';

const ACCOUNTS = 10_000;
const CALLERS = 1024;
const TRANSFERS = 16_384;
const ROUNDS = 7;
const ANSWER = new Uint8Array([1]);

type Pick = (index: number) => readonly [from: number, to: number];

// Multiplying by an odd constant walks all accounts in an order without pattern, the same in every run.
const scatter = (index: number) => (Math.imul(index, 0x9e3779b1) >>> 8) % ACCOUNTS;
const uniform: Pick = (index) => {
  const from = scatter(2 * index);
  const to = scatter(2 * index + 1);
  return [from, to === from ? (to + 1) % ACCOUNTS : to];
};
/** Account 0 pays or is paid in every single transfer. */
const hot: Pick = (index) => {
  const other = 1 + (scatter(index) % (ACCOUNTS - 1));
  return index % 2 === 0 ? [0, other] : [other, 0];
};

function openedLedger(): LedgerState {
  const ledger = createLedger();
  for (let index = 0; index < ACCOUNTS; index++) {
    applyLedger(ledger, openedRecord(accountId(index)));
  }
  return ledger;
}

function openedRecord(account: string): LedgerRecord {
  return { type: 'opened', account, currency: 'EUR', kind: 'customer', creditLine: UNLIMITED, ceiling: UNLIMITED };
}

function accountId(index: number): string {
  return `NL-${String(index).padStart(12, '0')}`;
}

function transferOf(pick: Pick, index: number): Transfer {
  const [from, to] = pick(index);
  const amount = { currency: 'EUR', minor: BigInt(1 + (index % 5000)) };
  return { type: 'transfer', id: `t${index}`, legs: [{ from: accountId(from), to: accountId(to), amount }] };
}

const machine: Machine<LedgerState, Transfer, LedgerRecord> = {
  name: 'bench-ledger',
  initial: openedLedger,
  decide(ledger, transfer, { nowMs }) {
    const decision = decideLedger(ledger, transfer, { nowMs });
    if ('refused' in decision) throw new Error(decision.detail);
    const [leg] = transfer.legs;
    return { records: decision, keys: [leg!.from, leg!.to], answer: ANSWER };
  },
  apply: applyLedger,
  snapshot: snapshotLedger,
  restore: restoreLedger,
  received: () => unexpected(),
  fired: () => unexpected(),
};

function unexpected(): never {
  throw new Error('this machine sends nothing and sets no timers');
}

/** Transfers a second, with as many callers at once as wait for each other's flush. */
async function drive(host: Host<LedgerState, Transfer>, pick: Pick, from: number): Promise<number> {
  let next = from;
  const caller = async () => {
    while (next < from + TRANSFERS) {
      const index = next++;
      const messageId = `m${index}`;
      const digest = createHash('sha256').update(messageId).digest();
      await host.handle({ messageId, digest, input: transferOf(pick, index) });
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return (TRANSFERS * 1000) / (performance.now() - start);
}

async function openBenchHost(file: string): Promise<Host<LedgerState, Transfer>> {
  const quiet = () => {};
  return openHost({
    machine,
    journal: await openSqliteJournal({ file }),
    clock: systemClock(),
    random: (length) => new Uint8Array(length),
    courier: { deliver: () => Promise.reject(new Error('nothing is sent')) },
    log: { info: quiet, warn: quiet, error: quiet },
    snapshotEvery: Number.MAX_SAFE_INTEGER,
  });
}

/** Rounds of both kinds in turn, each kind on its own journal, so that whatever else the machine does falls on both. */
async function throughHost(): Promise<{ uniform: number; hot: number; ratio: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'handsel-bench-'));
  const hosts = [await openBenchHost(join(folder, 'uniform.db')), await openBenchHost(join(folder, 'hot.db'))] as const;
  const rates: { uniform: number; hot: number }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const from = round * TRANSFERS;
    const rate = { uniform: 0, hot: 0 };
    const kinds = ['uniform', 'hot'] as const;
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      rate[kind] = await drive(hosts[kind === 'hot' ? 1 : 0], kind === 'hot' ? hot : uniform, from);
    }
    if (round > 0) rates.push(rate);
  }
  for (const host of hosts) {
    assertLedger(host.state);
    await host.close();
  }
  await rm(folder, { recursive: true });
  return {
    uniform: median(rates.map((rate) => rate.uniform)),
    hot: median(rates.map((rate) => rate.hot)),
    ratio: median(rates.map((rate) => rate.hot / rate.uniform)),
  };
}

function alone(): number {
  const ledger = openedLedger();
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const transfers = Array.from({ length: 100_000 }, (_, index) => transferOf(uniform, index));
    const start = performance.now();
    for (const transfer of transfers) {
      const decision = decideLedger(ledger, transfer, { nowMs: 0 });
      if ('refused' in decision) throw new Error(decision.detail);
      for (const record of decision) applyLedger(ledger, record);
    }
    if (round > 0) rates.push((transfers.length * 1000) / (performance.now() - start));
  }
  return median(rates);
}

function megabytesOfAMillion(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  const ledger = createLedger();
  for (let index = 0; index < 1_000_000; index++) applyLedger(ledger, openedRecord(accountId(index)));
  const bytes = used() - before;
  return ledger.accounts.slots.size === 1_000_000 ? bytes / 2 ** 20 : Number.NaN;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

export async function benchLedger(): Promise<Measurement[]> {
  const memory = megabytesOfAMillion();
  const decided = alone();
  const host = await throughHost();
  const told = { better: 'higher', target: null, met: true } as const;
  return [
    {
      name: 'transfers with one account in all of them, share of the uniform rate',
      value: host.ratio,
      unit: 'ratio',
      better: 'higher',
      target: 0.8,
      met: host.ratio >= 0.8,
    },
    { name: 'transfers over uniform accounts, SQLite', value: host.uniform, unit: 'transfers/s', ...told },
    { name: 'transfers with one account in all of them, SQLite', value: host.hot, unit: 'transfers/s', ...told },
    { name: 'transfers decided and applied in memory', value: decided, unit: 'transfers/s', ...told },
    {
      name: 'memory of a million accounts',
      value: memory,
      unit: 'MB',
      better: 'lower',
      target: 1024,
      met: memory <= 1024,
    },
  ];
}
