/**
 * An operator's account manager with a thousand accounts and with a million: what a session costs it from log-on to statement, what it weighs, and
 * that neither its messages nor its ledger know how many purchases a session has.
 */
import type { Played } from './account-server.ts';
import { type Child, startChild } from './child.ts';
import type { Measurement } from './measurement.ts';
import { playWholeSession } from './whole-session.ts';

const FEW = 1000;
const MANY = 1_000_000;
const ROUNDS = 9;
const PLAY_MS = 2000;
const TIMES = 1.15;
const RESIDENT_MB = 1000;
const PURCHASES = [1, 1000, 1_000_000] as const;

export async function benchAccountManager(): Promise<Measurement[]> {
  return [...(await countsBySize()), ...(await costBySize())];
}

async function countsBySize(): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  let first: Awaited<ReturnType<typeof playWholeSession>> | undefined;
  for (const purchases of PURCHASES) {
    const counts = await playWholeSession(purchases);
    first ??= counts;
    const sameKinds = counts.kinds.join() === first.kinds.join();
    const row = (what: string, of: 'messages' | 'ledgerWrites' | 'journalEntries'): Measurement => {
      const name = `deposit session: ${what}, ${purchases.toLocaleString('en')} purchases`;
      const [value, target] = [counts[of], first![of]];
      return { name, value, unit: '', better: 'lower', target, met: value === target && sameKinds };
    };
    rows.push(row('messages operators get or send', 'messages'), row("records in operators' ledgers", 'ledgerWrites'));
    rows.push(row("entries in operators' journals", 'journalEntries'));
  }
  return rows;
}

async function costBySize(): Promise<Measurement[]> {
  const few = await startChild<null>('./account-server.ts', [String(FEW)]);
  const many = await startChild<null>('./account-server.ts', [String(MANY)]);
  try {
    const residentMb = await many.ask<number>('residentMb');
    const us = { few: [] as number[], many: [] as number[] };
    const cost = async (of: Child<null>) => {
      const { sessions, us: spent } = await of.ask<Played>('play', PLAY_MS);
      return spent / sessions;
    };
    for (let round = 0; round <= ROUNDS; round++) {
      // Either order, so that whatever else the machine does falls on both.
      const first = round % 2 === 0 ? few : many;
      const firstUs = await cost(first);
      const secondUs = await cost(first === few ? many : few);
      const [fewUs, manyUs] = first === few ? [firstUs, secondUs] : [secondUs, firstUs];
      if (round === 0) continue;
      us.few.push(fewUs);
      us.many.push(manyUs);
    }
    const times = median(us.many) / median(us.few);
    const told = { unit: 'µs', better: 'lower', target: null, met: null } as const;
    return [
      {
        name: 'account manager: cost of a session with a million accounts, of that with a thousand',
        ...{ value: times, unit: 'ratio', better: 'lower', target: TIMES, met: times <= TIMES },
      },
      { name: 'account manager: processor time of a session, 1,000 accounts', value: median(us.few), ...told },
      { name: 'account manager: processor time of a session, 1,000,000 accounts', value: median(us.many), ...told },
      {
        name: 'account manager: resident with 1,000,000 accounts',
        ...{ value: residentMb, unit: 'MB', better: 'lower', target: RESIDENT_MB, met: residentMb <= RESIDENT_MB },
      },
      {
        name: 'account manager: resident after sessions, too',
        ...{ value: await many.ask<number>('residentMb'), unit: 'MB', better: 'lower', target: null, met: null },
      },
    ];
  } finally {
    await few.end();
    await many.end();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
