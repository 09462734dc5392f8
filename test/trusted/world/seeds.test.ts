/** Tickets, money and disputes of trusted agents survive every seed: faults of network, disks and power, and liars on every side. */
import { relative } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { type Life, type LifeOrder, liveSeeds } from './life-threads.ts';
import { ways } from './plan.ts';
import { runLife } from './ticket-life.ts';
import { buildTown } from './town.ts';

/**
 * More of them with HANDSEL_SEEDS=N in the environment, HANDSEL_REAL_SEEDS=N with the cryptography that parties have; only one with
 * HANDSEL_SEED, whose trace is printed when it fails. README.md beside this file says more.
 */
const { HANDSEL_SEED, HANDSEL_SEEDS, HANDSEL_REAL_SEEDS } = process.env;
const hourMs = 3_600_000;
/** More than 100,000 purchases and transfers are tried in that many. */
const townSeeds = 370;

function* ordersOf(life: Life, count: number): Generator<LifeOrder> {
  if (HANDSEL_SEED !== undefined) yield { life, seed: Number(HANDSEL_SEED), traced: true };
  else for (let seed = 1; seed <= count; seed++) yield { life, seed, traced: false };
}

/** @throws Error with the first seed that fails and the command that replays it */
async function survive(life: Life, count: number, { quick = true } = {}) {
  const seen = new Map<string, number>();
  const sums = { seeds: 0, crashes: 0 };
  let failed: string | undefined;
  const name = expect.getState().currentTestName?.replaceAll(' > ', ' ');
  await liveSeeds({ edits: [], quick }, ordersOf(life, count), (outcome) => {
    const { seed, faults, trace } = outcome;
    if (faults !== undefined) {
      if (trace !== undefined) console.error(trace.join('\n'));
      const file = relative(process.cwd(), expect.getState().testPath ?? 'test/trusted/world');
      failed ??= `seed ${seed} fails: ${faults}\nreplay: HANDSEL_SEED=${seed} npx vitest run ${file} -t ${JSON.stringify(name)}`;
      return false;
    }
    sums.seeds++;
    sums.crashes += outcome.crashes;
    for (const [what, times] of outcome.seen) seen.set(what, (seen.get(what) ?? 0) + times);
    return true;
  });
  if (failed !== undefined) throw new Error(failed);
  return { ...sums, times: (what: string) => seen.get(what) ?? 0, seen };
}

type Survived = Awaited<ReturnType<typeof survive>>;

/** One line for each kind of weather and of lie: what was tried, what was finished. */
function tableOf({ seen, times, seeds, crashes }: Survived): string {
  const kinds = [...seen.keys()].flatMap((what) => /^tried purchase: (.*)/.exec(what)?.[1] ?? []).toSorted();
  const line = (kind: string) => {
    const sums = ['purchase', 'transfer'].map((what) => {
      const [tried, finished] = ['tried', 'finished'].map((how) =>
        times(`${how} ${what}${kind === '' ? '' : `: ${kind}`}`),
      );
      return `${String(finished).padStart(7)} of ${String(tried).padStart(7)}`;
    });
    return `${(kind === '' ? 'all' : kind).padEnd(26)}${sums.join('  ')}`;
  };
  const head = `${`${seeds} seeds, ${crashes} crashes`.padEnd(26)}      purchases          transfers`;
  return [head, ...['', ...kinds].map(line)].join('\n');
}

describe('trusted agents in a world of faults and liars', () => {
  it(
    'try 100,000 purchases and transfers: nobody honest ends worse off, no ticket lives twice or vanishes, whatever the seed',
    async () => {
      const survived = await survive('town', Number(HANDSEL_SEEDS ?? townSeeds));
      const { seeds, crashes, times, seen } = survived;
      console.info(tableOf(survived));
      if (seeds < townSeeds) return;
      const [tried, finished] = ['tried', 'finished'].map((how) => times(`${how} purchase`) + times(`${how} transfer`));
      expect(tried).toBeGreaterThanOrEqual(100_000);
      expect(times('tried purchase')).toBeGreaterThan(10_000);
      // Neither too kind nor too cruel a world: most comes to its end, and a great deal does not.
      expect(finished).toBeGreaterThan(0.7 * tried!);
      expect(finished).toBeLessThan(0.95 * tried!);
      expect(times('finished purchase')).toBeGreaterThan(0.3 * times('tried purchase'));
      expect(crashes).toBeGreaterThan(20 * seeds);
      const kinds = [...ways.map((way) => `somebody ${way}`), 'nobody lies'];
      for (const weather of ['fair', 'lossy', 'late', 'crashing', 'failing disks', 'foul'])
        kinds.push(`${weather} weather`);
      for (const kind of kinds) {
        for (const what of ['tried purchase', 'finished purchase', 'tried transfer', 'finished transfer']) {
          expect([kind, what, seen.get(`${what}: ${kind}`)]).toEqual([
            ...[kind, what],
            expect.toSatisfy((count: number) => count > seeds / 5),
          ]);
        }
      }
      for (const what of [
        'presented',
        'used',
        'unused',
        'undecided',
        'bought by card',
        'bought by module',
        'certified',
      ])
        expect(times(what), what).toBeGreaterThan(seeds);
      for (const what of ['failed declined', 'failed MERCHANDISE_WRONG', 'module failed', 'bank released'])
        expect(times(what), what).toBeGreaterThan(seeds / 40);
    },
    hourMs,
  );

  it(
    'live so with the cryptography that parties have, too',
    async () => {
      await survive('town', Number(HANDSEL_REAL_SEEDS ?? 16), { quick: false });
    },
    hourMs,
  );

  it('live the same life again from the same seed', async () => {
    const town = await buildTown();
    const [first, second, other] = [5, 5, 6].map((seed) => runLife({ seed, town }));
    expect((await first!).world.trace).toEqual((await second!).world.trace);
    expect((await other!).world.trace).not.toEqual((await first!).world.trace);
  });
});

describe('a copied device in a world of faults', () => {
  it(
    'is found out, and no gate admits one ticket twice, whatever the seed',
    async () => {
      const { seeds, times } = await survive('twins', Number(HANDSEL_SEEDS ?? 40));
      if (seeds < 20) return;
      // The world is cruel enough: tickets did double, and gates did notice.
      expect(times('doubled')).toBeGreaterThan(10);
      expect(times('suspicions')).toBeGreaterThan(0);
    },
    hourMs,
  );
});

describe('disputes in a life with liars and faults', () => {
  test(
    '[CITI-E] leave nobody honest worse off, whatever the seed',
    async () => {
      const { seeds, seen } = await survive('disputes', Number(HANDSEL_SEEDS ?? 24));
      if (HANDSEL_SEEDS !== undefined) console.info(seeds, seen);
      if (seeds < 12) return;
      const count = (what: RegExp) => [...seen].reduce((sum, [name, times]) => sum + (what.test(name) ? times : 0), 0);
      for (const what of [
        ...[/: kept/, /: refunded/, /: replaced/, /cheat by card, late: refunded/, /bob of house by card, good: kept/],
        /by module, \w+: refunded/,
      ]) {
        expect(count(what), String(what)).toBeGreaterThan(0);
      }
    },
    hourMs,
  );
});
