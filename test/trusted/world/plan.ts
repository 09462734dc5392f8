/** What a seed of the town has in store, drawn before it begins: how faulty networks, disks and power are, and who is dishonest in which way. */
import type { SeededRandom } from '../../world/seeded-random.ts';
import { roughWorld, type WorldFaults } from '../../world/simulation.ts';
import { everybody, gates, people } from './town.ts';

/** How long the faults last; after it there is time to settle. */
export const roughMs = 60_000;
export const settleMs = 4 * 86_400_000;

/** In fair weather most comes to its end, and a fault hits what is far on its way; in foul weather little gets far. */
export type Weather = 'fair' | 'lossy' | 'late' | 'cut off' | 'crashing' | 'failing disks' | 'foul';

const fairNetwork = { loss: 0.01, duplication: 0.02, lateness: 0.01, maxDelayMs: 40 };

const weathers: { readonly [K in Weather]: WorldFaults } = {
  fair: { network: fairNetwork, crashEveryMs: 150_000, crashAtBoundary: 0.0003, failAppend: 0 },
  lossy: {
    network: { ...fairNetwork, loss: 0.06, duplication: 0.1, echo: { probability: 0.03, withinMs: 40_000 } },
    ...{ crashEveryMs: 150_000, crashAtBoundary: 0.0003, failAppend: 0 },
  },
  late: {
    network: { ...fairNetwork, lateness: 0.25 },
    ...{ crashEveryMs: 150_000, crashAtBoundary: 0.0003, failAppend: 0 },
  },
  'cut off': {
    network: { ...fairNetwork, echo: { probability: 0.1, withinMs: 60_000 } },
    ...{ crashEveryMs: 0, crashAtBoundary: 0.0003, failAppend: 0 },
  },
  crashing: { network: fairNetwork, crashEveryMs: 0, crashAtBoundary: 0.006, failAppend: 0 },
  'failing disks': { network: fairNetwork, crashEveryMs: 0, crashAtBoundary: 0.001, failAppend: 0.004 },
  foul: { ...roughWorld, crashEveryMs: 20_000, crashAtBoundary: 0.004, failAppend: 0.002 },
};

/** Each twentieth part of all seeds; foul weather costs the most and shows the least. */
const seasons: readonly Weather[] = [
  ...Array<Weather>(6).fill('fair'),
  ...Array<Weather>(4).fill('lossy'),
  ...Array<Weather>(2).fill('late'),
  ...Array<Weather>(2).fill('cut off'),
  ...Array<Weather>(3).fill('crashing'),
  ...Array<Weather>(2).fill('failing disks'),
  'foul',
];

/** What a dishonest host side, or whoever carries its messages, does all the time. */
export const ways = [
  /** Drops, changes and repeats messages and answers. */
  'tampers',
  /** Keeps messages for a while, and so turns their order. */
  'holds back',
  /** Switches the device off when a message leaves it, before or after it has arrived. */
  'pulls the plug',
  /** Is out of reach from time to time. */
  'goes dark',
  /** Asks and offers other prices, and brings other merchandise than was asked for. */
  'misprices',
  /** Confirms nothing that it can refuse. */
  'refuses',
] as const;
export type Way = (typeof ways)[number];

/** Nothing passes between two for a while. */
export interface Cut {
  readonly between: readonly [string, string];
  readonly atMs: number;
  readonly forMs: number;
}

export interface Plan {
  readonly cuts: readonly Cut[];
  readonly weather: Weather;
  readonly faults: WorldFaults;
  readonly liar: { readonly name: string; readonly way: Way } | undefined;
}

const townsfolk = [...people, ...people, 'house', ...gates];

export function planTown(seed: number, random: SeededRandom, mayLie: readonly string[] = townsfolk): Plan {
  const weather = seasons[seed % seasons.length]!;
  const liar = random.chance(0.6) ? { name: random.pick(mayLie), way: random.pick(ways) } : undefined;
  return { weather, faults: weathers[weather], liar, cuts: weather === 'cut off' ? planCuts(random) : [] };
}

/** Long enough for everybody to lose patience: those who pay with those who are paid, and both with those who move the money. */
function planCuts(random: SeededRandom): readonly Cut[] {
  return Array.from({ length: 24 }, () => {
    const one = random.pick(everybody);
    const others = [...everybody.filter((name) => name !== one), `port:money-${one}`];
    const between = random.pick<readonly [string, string]>([
      ...([
        [one, 'port:card'],
        [one, 'port:card'],
        ['port:card', 'bank'],
      ] as const),
      [one, random.pick(others)],
    ]);
    return { between, atMs: random.below(roughMs), forMs: random.below(random.pick([5000, 20_000, 45_000])) };
  });
}

/** For lives that have one weather each. */
export const faultsOf = (seed: number): WorldFaults => ({
  ...roughWorld,
  network: { ...roughWorld.network, lateness: seed % 3 === 0 ? 0.3 : 0.05 },
  crashEveryMs: seed % 2 === 0 ? 10_000 : 40_000,
  crashAtBoundary: seed % 2 === 0 ? 0.002 : 0.01,
  failAppend: 0.002,
});
