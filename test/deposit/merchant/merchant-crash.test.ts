/**
 * The merchant's process ends at every boundary of its journal, the disk keeps what it likes of a write under way: nothing that was
 * answered is lost, and what is sent again because no answer came is counted once.
 */
import { expect, test } from 'vitest';
import { readMessage } from '../../../src/crypto/signed-message.ts';
import { readList } from '../../../src/deposit/merchant/read-list.ts';
import type { Taken } from '../../../src/deposit/merchant/till.ts';
import { checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import { provenUnits } from '../../../src/deposit/message/tab.ts';
import type { Boundary } from '../../../src/journal/group-commit.ts';
import { createMemoryJournal, type MemoryDisk } from '../../../src/journal/memory-journal.ts';
import { soon } from '../../journal/scripted-host.ts';
import { seededRandom } from '../../world/seeded-random.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { type MerchantWorld, openMerchantWorld, storageKey } from './merchant-world.ts';
import { PayingCustomer } from './paying-customer.ts';

const T = 'Bank.1.1';
const PRICES = [1, 37, 300, 5, 5, 1];

/** Lives until the boundary of the group that is told, then nothing of it does anything any more. */
async function livingUntil(disk: MemoryDisk | undefined, seed: number, end?: { boundary: Boundary; group: number }) {
  const died = Promise.withResolvers<MemoryDisk>();
  const clock = createVirtualClock();
  const journal = createMemoryJournal({ random: seededRandom(seed).bytes, ...(disk === undefined ? {} : { disk }) });
  let dead = false;
  const world = await openMerchantWorld({
    journal,
    clock: { nowMs: clock.nowMs, after: (delayMs, call) => clock.after(delayMs, () => dead || call()) },
    host: {
      onBoundary(boundary, group) {
        if (dead || boundary !== end?.boundary || group !== end.group) return;
        dead = true;
        died.resolve(journal.powerCut());
      },
    },
  });
  return { world, clock, died: died.promise, isDead: () => dead };
}

type Life = Awaited<ReturnType<typeof livingUntil>>;

/** What was answered, and what was made: it is sent again byte for byte. */
interface Day {
  readonly answers: Map<string, unknown>;
  readonly messages: Map<string, unknown>;
}

/** The customer's day with the merchant, from wherever it was not answered. */
async function live(life: Life, customer: PayingCustomer, { answers, messages }: Day): Promise<void> {
  const { world, clock, isDead } = life;
  const once = async <T>(what: string, make: () => T, send: (made: T) => Promise<unknown>) => {
    if (answers.has(what)) return;
    if (!messages.has(what)) messages.set(what, make());
    const answer = await send(messages.get(what) as T);
    // An answer of the dead does not arrive.
    if (isDead()) await new Promise(() => undefined);
    answers.set(what, answer);
  };
  const checkpoint = (what: string) => once(what, () => customer.checkpoint(), world.checkpoint);
  await once(
    'information',
    () => world.information(customer),
    (bytes) => world.informAgain(customer, bytes),
  );
  await checkpoint('checkpoint 0');
  for (const [at, units] of PRICES.entries()) {
    await once(
      `purchase ${at + 1}`,
      () => customer.buy(units),
      ({ token, item }) => world.till.purchase(T, token, item),
    );
    if (at === 2) await checkpoint('checkpoint 3');
  }
  await once('terminate', () => customer.terminate(), world.terminate);
  await clock.run(clock.nowMs() + 10);
  await soon();
}

async function expectWhole(world: MerchantWorld): Promise<void> {
  const session = world.host.state.sessions.get(T)!;
  const sum = PRICES.reduce((units, more) => units + more, 0);
  expect(session).toMatchObject({ count: PRICES.length, units: sum, status: 'concluding', epoch: 2 });
  const checkpoint = readMessage(checkpointType, session.checkpoint).value;
  expect(provenUnits(checkpoint, { steps: session.steps, words: session.proof.subarray(0, 128) })).toBe(sum);
  const list = await readList(world.host, T, storageKey);
  expect(list.map(({ units }) => units)).toEqual(PRICES);
}

const boundaries: readonly Boundary[] = ['before-append', 'after-append', 'after-answers'];
const groups = Array.from({ length: 11 }, (_, at) => at + 1);
const seeds = [1, 2, 3];

test.each(boundaries)('what is answered is kept and what comes again is counted once, ending %s', async (boundary) => {
  let repeated = 0;
  for (const group of groups) {
    for (const seed of seeds) {
      const customer = new PayingCustomer(T);
      const day: Day = { answers: new Map(), messages: new Map() };
      const first = await livingUntil(undefined, seed, { boundary, group });
      const disk = await Promise.race([first.died, live(first, customer, day)]);
      if (disk === undefined) expect.unreachable(`group ${group} was never written`);

      const second = await livingUntil(disk, seed);
      const paid = [...day.answers.keys()].filter((what) => what.startsWith('purchase')).length;
      const counted = second.world.host.state.sessions.get(T)?.count ?? 0;
      expect(counted === paid || counted === paid + 1).toBe(true);

      await live(second, customer, day);
      await expectWhole(second.world);
      const taken = PRICES.map((_, at) => day.answers.get(`purchase ${at + 1}`) as Taken);
      expect(taken.map(({ number }) => number)).toEqual(PRICES.map((_, at) => at + 1));
      repeated += taken.filter((answer) => answer.repeated).length;
    }
  }
  // Every purchase was once durable and not answered.
  if (boundary === 'after-append') expect(repeated).toBe(PRICES.length * seeds.length);
});
