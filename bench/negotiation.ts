/**
 * Signed offers a second through a market on a SQLite journal, many customer agents bargaining at once, everything included: launching,
 * calls, proposals, strategies, signing and checking every offer, agreements, payment starts. And a tournament of the strategies.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomContest } from '../src/agent/negotiation/random-contest.ts';
import { strategies } from '../src/agent/negotiation/strategy-by-name.ts';
import { holdTournament } from '../src/agent/negotiation/tournament.ts';
import { systemClock } from '../src/journal/clock.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import { createAgentWorld, good, type Platform } from '../test/agent/market-world.ts';
import type { Measurement } from './measurement.ts';

const MERCHANTS = 8;
const CUSTOMERS = 150;
const ROUNDS = 5;
const TARGET = 2000;
const ACKNOWLEDGED = new Uint8Array([0xf6]);

export async function benchNegotiation(): Promise<Measurement[]> {
  const rates: number[] = [];
  let offersEach = 0;
  // The first one warms up and is not counted.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const { offers, seconds } = await oneMarket();
    if (round > 0) rates.push(offers / seconds);
    offersEach = offers / CUSTOMERS;
  }
  const rate = median(rates);
  const [first, second] = holdTournament({
    strategies,
    contests: Array.from({ length: 40 }, (_, at) => randomContest(9000 + at)),
    rounds: 40,
  });
  const lead = first!.meanUtility - second!.meanUtility;
  return [
    {
      name: 'negotiation: signed offers through the market on SQLite',
      value: rate,
      unit: 'offers/s',
      better: 'higher',
      target: TARGET,
      met: rate >= TARGET,
    },
    {
      name: 'negotiation: offers an agent and its merchants make for one purchase',
      value: offersEach,
      unit: 'offers',
      better: 'lower',
      target: null,
      met: null,
    },
    {
      name: `negotiation: mean utility of ${first!.strategy}, best of ${strategies.length} strategies`,
      value: first!.meanUtility,
      unit: 'of 1',
      better: 'higher',
      target: null,
      met: null,
    },
    {
      name: `negotiation: its lead over ${second!.strategy}, the next best`,
      value: lead,
      unit: 'of 1',
      better: 'higher',
      target: 0.02,
      met: first!.strategy === 'pareto-seeking' && lead >= 0.02,
    },
  ];
}

async function oneMarket(): Promise<{ offers: number; seconds: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'handsel-bench-'));
  const world = createAgentWorld({ clock: systemClock() });
  const market = await world.platform('https://market.test', {
    journal: await openSqliteJournal({ file: join(folder, 'market.db') }),
  });
  try {
    for (let at = 0; at < MERCHANTS; at += 1) {
      const owner = world.owner(`merchant ${at}`);
      const goods = [good('words', { listMinor: 900n + BigInt(at * 7), floorMinor: 400n, choices })];
      await world.deploy(market, owner, { goods, concession: strategies[at % strategies.length]!.name });
      world.routes.set(owner.url, async () => ACKNOWLEDGED);
    }
    const station = world.owner('station');
    world.routes.set(station.url, async () => ACKNOWLEDGED);
    const launches: (() => Promise<unknown>)[] = [];
    for (let at = 0; at < CUSTOMERS; at += 1) {
      const strategy = strategies[at % strategies.length]!.name;
      launches.push(
        await world.prepareLaunch(market, station, { rounds: 20, strategy, preferences }, `customer ${at}`),
      );
    }
    const start = performance.now();
    await Promise.all(launches.map((launch) => launch()));
    await market.host.settled();
    const seconds = (performance.now() - start) / 1000;
    return { offers: offersIn(market), seconds };
  } finally {
    await market.host.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const choices = {
  licence: [
    { value: 'personal', surchargeMinor: 0n },
    { value: 'team', surchargeMinor: 150n },
    { value: 'redistribution', surchargeMinor: 300n },
  ],
  delivery: [
    { value: 'next day', surchargeMinor: 0n },
    { value: 'at once', surchargeMinor: 20n },
  ],
};

const preferences = [
  { issue: 'price', weight: 60, worths: {} },
  { issue: 'licence', weight: 30, worths: { team: 100, redistribution: 80 } },
  { issue: 'delivery', weight: 10, worths: { 'at once': 100, 'next day': 30 } },
];

function offersIn(market: Platform): number {
  let offers = 0;
  for (const talk of market.host.state.talks.values()) offers += talk.offers.length;
  return offers;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
