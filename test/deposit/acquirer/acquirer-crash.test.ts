/** Power cuts and failing disks at every place: whoever repeats gets the same answers, and a deposit is cleared once. */
import { expect, test } from 'vitest';
import { equalBytes, toHex } from '../../../src/codec/hex.ts';
import { exposureTo } from '../../../src/deposit/acquirer/acquirer-state.ts';
import { clearingInformationType } from '../../../src/deposit/message/conclusion.ts';
import { informationType } from '../../../src/deposit/message/initiation.ts';
import type { Outgoing } from '../../../src/journal/machine.ts';
import type { MemoryDisk } from '../../../src/journal/memory-journal.ts';
import { seededRandom } from '../../world/seeded-random.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { createSpending } from '../message/spending-fixture.ts';
import {
  acknowledging,
  amendedInitiation,
  known,
  openWorld,
  sameBytes,
  transaction,
  type World,
} from './acquirer-world.ts';

const spending = createSpending();
for (const units of [300, 44, 7]) spending.buy(units);
const records = { customer: spending.record('customer'), merchant: spending.record('merchant') };

interface Breaking {
  /** Called at each boundary and in the middle of each flush; true cuts the power there. */
  readonly cutAt?: (place: number) => boolean;
  readonly failAppend?: number;
  readonly seed: number;
}

/** One deposit from beginning to end, with restarts; every party repeats what was not answered. */
async function liveThrough({ cutAt = () => false, failAppend, seed }: Breaking) {
  const random = seededRandom(seed);
  const clock = createVirtualClock();
  const initiation = amendedInitiation(clock.nowMs());
  const sent: Outgoing[] = [];
  const answers = new Map<string, Uint8Array>();
  let disk: MemoryDisk | undefined;
  let cuts = 0;
  let places = 0;
  let world: World | undefined;
  let broken = Promise.withResolvers<'broken'>();

  const start = async (): Promise<World> => {
    broken = Promise.withResolvers<'broken'>();
    const mine = broken;
    const cut = () => {
      if (world === undefined || !cutAt(places++)) return;
      cuts++;
      disk = world.crash();
      mine.resolve('broken');
    };
    const opened = await openWorld({
      clock,
      ...(disk && { disk }),
      journal: {
        random: random.bytes,
        flush: async () => cut(),
        ...(failAppend === undefined ? {} : { faults: { failAppend } }),
      },
      deliver(message) {
        sent.push(message);
        return acknowledging(message);
      },
      onBoundary: cut,
    });
    void opened.host.failed.then(() => {
      cuts++;
      disk = opened.crash();
      mine.resolve('broken');
    });
    return opened;
  };

  const insist = async (what: string, act: (on: World) => Promise<Uint8Array>, onAnswer?: () => void) => {
    for (let tries = 0; ; tries++) {
      expect(tries).toBeLessThan(100);
      world ??= await start();
      const acting: World = world;
      const outcome = Promise.race([act(acting), broken.promise]).catch((error) => {
        if (error.code !== 'HOST_STOPPED') throw error;
        return 'broken' as const;
      });
      let settled: Uint8Array | 'broken' | undefined;
      void outcome.then((value) => {
        settled = value;
      });
      for (let turns = 0; settled === undefined && turns < 1000; turns++) await clock.run(clock.nowMs() + 100);
      const answer = await outcome;
      if (answer === 'broken') {
        world = undefined;
        continue;
      }
      const before = answers.get(what);
      if (before !== undefined) expect(toHex(answer)).toBe(toHex(before));
      answers.set(what, answer);
      onAnswer?.();
      return;
    }
  };

  const steps: readonly (readonly [string, (on: World) => Promise<Uint8Array>])[] = [
    ['initiation', (on) => on.initiate(initiation)],
    ['customer', (on) => on.record(records.customer, 'north')],
    ['merchant', (on) => on.record(records.merchant, 'ada')],
  ];
  for (const [what, act] of steps) await insist(what, act);
  for (const [what, act] of steps) await insist(what, act);
  for (let hours = 0; hours < 3; hours++) {
    world ??= await start();
    await clock.run(clock.nowMs() + 3_600_000);
    if ((await Promise.race([broken.promise, Promise.resolve('whole')])) === 'broken') world = undefined;
  }
  return { world: world ?? (await start()), sent, cuts, places };
}

async function expectOneClearing({ world, sent }: Awaited<ReturnType<typeof liveThrough>>) {
  const clearing = sent.filter(({ kind }) => kind === clearingInformationType.name);
  expect(new Set(clearing.map(({ to }) => to)).size).toBe(2);
  expect(sameBytes(clearing)).toBe(true);
  expect(sameBytes(sent.filter(({ kind }) => kind === informationType.name))).toBe(true);
  expect(world.host.state.deposits.size).toBe(0);
  expect(exposureTo(world.host.state, 'north', 'EUR')).toEqual({ openMinor: 0n, clearedMinor: 35n });
  const kept = await world.host.readByKey(`deposit:${transaction}`);
  expect(kept.map(({ type }) => type)).toEqual(['asked', 'opened', 'record', 'record', 'cleared']);
  const cleared = kept.find((record) => record.type === 'cleared')!;
  expect(equalBytes(cleared.clearing, clearing[0]!.body)).toBe(true);
}

test('a power cut at any boundary, or in the middle of any write, loses and doubles nothing', async () => {
  const calm = await liveThrough({ seed: 1 });
  await expectOneClearing(calm);
  expect(calm.places).toBeGreaterThan(15);
  for (let at = 0; at < calm.places; at++) {
    for (let seed = 1; seed <= 3; seed++) {
      const run = await liveThrough({ seed, cutAt: (place) => place === at });
      expect(run.cuts).toBe(1);
      await expectOneClearing(run);
    }
  }
});

test('power cuts and failing writes again and again', async () => {
  let cuts = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed + 1000);
    const run = await liveThrough({ seed, failAppend: 0.1, cutAt: () => random.chance(0.05) });
    cuts += run.cuts;
    await expectOneClearing(run);
  }
  expect(cuts).toBeGreaterThan(40);
});

test('a replay of the whole journal gives the same state as living through it', async () => {
  const { clock, ...world } = await openWorld();
  await world.initiate();
  await world.initiate(amendedInitiation(clock.nowMs(), { changes: { transaction: 'north.2.1' } }));
  await world.record(records.customer, 'north');
  await world.record(records.merchant, 'ada');
  await world.settle('south.north.EUR.1', { operator: 'north', amount: { currency: 'EUR', minor: 5n } });
  await world.host.settled();
  const before = known({ clock, ...world });
  const { frames } = world.crash();
  const replayed = await openWorld({ clock, disk: { frames, snapshot: undefined } });
  expect(known(replayed)).toBe(before);
  expect(replayed.host.state).toEqual(world.host.state);
});
