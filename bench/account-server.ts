/** An account manager with its ledger on a real SQLite journal, in a process of its own, with so many customers' accounts: weighed, and worked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import { answerParent, usageSoFar } from './child.ts';
import { openAccounts, openHolders, playSessions } from './deposit-sessions.ts';

const accounts = Number(process.argv[2]);
/** Accounts that are opened at a time. */
const AT_ONCE = 1000;

const folder = mkdtempSync(join(tmpdir(), 'handsel-bench-'));
const host = await openAccounts({ journal: await openSqliteJournal({ file: join(folder, 'accounts.db') }) });
await openHolders(host, { customers: [], merchants: ['merchant'] });
for (let from = 0; from < accounts; from += AT_ONCE) {
  const customers = Array.from({ length: Math.min(AT_ONCE, accounts - from) }, (_, at) => `customer-${from + at}`);
  await openHolders(host, { customers, merchants: [] });
}

/** Customers in an order without pattern, the same in every run. */
const players = {
  customer: (session: number) => `customer-${(Math.imul(session, 0x9e3779b1) >>> 4) % accounts}`,
  merchant: () => 'merchant',
};

export interface Played {
  readonly sessions: number;
  /** Microseconds of processor of all threads. */
  readonly us: number;
}

answerParent(
  null,
  {
    residentMb: () => process.memoryUsage.rss() / 1e6,
    async play(forMs: number): Promise<Played> {
      const before = usageSoFar();
      const sessions = await playSessions(host, players, forMs);
      return { sessions, us: usageSoFar().allUs - before.allUs };
    },
  },
  async () => {
    await host.close();
    rmSync(folder, { recursive: true });
  },
);
