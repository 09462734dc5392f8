/** What happens in a seed, as far as it is planned before it begins: who buys what of whom, who lies, and what breaks. */
import { toHex, utf8 } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import type { OutboxPace } from '../../../src/journal/outbox.ts';
import type { SeededRandom } from '../../world/seeded-random.ts';
import type { WorldFaults } from '../../world/simulation.ts';
import {
  type CustomerRole,
  currencies,
  customers,
  type MerchantRole,
  merchants,
  type OperatorRole,
  operators,
} from './cast.ts';
import { createRateFeed, type RateFeed } from './rates.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** How long the faults last. */
export const ROUGH_MS = HOUR_MS + 5 * MINUTE_MS;

/** When all is calm messages wait for answers that take a week: asking every minute would be most of what happens in a seed. */
export function paceAt(nowMs: number, { startMs }: Pick<Plan, 'startMs'>): OutboxPace {
  return { longestPauseMs: nowMs < startMs + ROUGH_MS ? 4 * MINUTE_MS : 6 * HOUR_MS };
}

/** How a customer behaves: mostly he is honest. */
export type CustomerWay = 'honest' | 'understates' | 'vanishes' | 'twins' | 'tampers' | 'overspends';
/** There are many ways to tamper. */
const customerLies: readonly CustomerWay[] = ['understates', 'vanishes', 'twins', 'tampers', 'tampers', 'overspends'];
export type MerchantWay =
  | 'honest'
  | 'inflates'
  | 'forges'
  | 'silent'
  | 'withholds'
  | 'vanishes'
  | 'poaches'
  | 'passes on';
const merchantLies: readonly MerchantWay[] = [
  ...(['inflates', 'forges', 'silent', 'withholds', 'vanishes', 'poaches', 'passes on'] as const),
];

export interface Item {
  readonly request: Uint8Array;
  readonly units: number;
}

/** One customer at one merchant: a deposit, or another one after it where the first ends too early. */
export interface Trip {
  readonly reference: string;
  readonly customer: CustomerRole;
  readonly merchant: MerchantRole;
  readonly startMs: number;
  readonly depositMinor: bigint;
  readonly idleMs: number;
  readonly lengthMs: number;
  readonly items: readonly Item[];
  /** What a copy of the device buys in the same deposit. */
  readonly twinItems: readonly Item[];
  /** Between two purchases, at most. */
  readonly pauseMs: number;
  /** Purchases under way at one time. */
  readonly abreast: number;
  /** Left alone, a deposit ends by itself. */
  readonly closes: boolean;
  /** When the merchant ends it by its own will. */
  readonly endedByMerchantMs: number | undefined;
}

export interface Cut {
  readonly between: readonly [string, string];
  readonly atMs: number;
  readonly forMs: number;
}

export interface Plan {
  readonly startMs: number;
  readonly trips: readonly Trip[];
  readonly customerWays: ReadonlyMap<string, CustomerWay>;
  readonly merchantWays: ReadonlyMap<string, MerchantWay>;
  readonly cuts: readonly Cut[];
  readonly faults: WorldFaults;
  readonly feed: RateFeed;
  /** What a unit is worth at each merchant. */
  readonly unitNano: ReadonlyMap<string, number>;
  /** By request in hexadecimal. */
  readonly prices: ReadonlyMap<string, { readonly merchant: string; readonly units: number }>;
  readonly theyMayOweMinor: ReadonlyMap<string, bigint>;
  readonly recordWaitMs: number;
  /** When devices and merchants are gone for good, or copied. */
  readonly strokeMs: number;
  readonly settlements: readonly { readonly operator: OperatorRole; readonly atMs: number }[];
}

/** Quarters of a minor unit, so that sums have to be rounded; or whole ones. */
const UNITS: Readonly<Record<string, readonly number[]>> = {
  EUR: [2_500_000, 10_000_000],
  USD: [2_500_000, 10_000_000],
  JPY: [250_000_000, 1_000_000_000],
};
const PRICES = [1, 1, 2, 3, 5, 16, 17, 33, 48, 256];
const AMPLE: Readonly<Record<string, bigint>> = { EUR: 6_000n, USD: 6_000n, JPY: 12_000n };
const TIGHT: Readonly<Record<string, bigint>> = { EUR: 350n, USD: 350n, JPY: 600n };

/** Where all trips are between the same two operators, in one currency: they reach their limit, and much is set off. */
interface Corridor {
  readonly customers: readonly CustomerRole[];
  merchantOf(customer: CustomerRole): MerchantRole;
}

const CORRIDORS: readonly Corridor[] = [
  corridorOf(['anna', 'dora'], () => 'kiosk'),
  corridorOf(['anna', 'bill'], (customer) => (customer === 'anna' ? 'kiosk' : 'bakery')),
];

function corridorOf(names: readonly string[], merchantOf: (customer: string) => string): Corridor {
  return {
    customers: customers.filter(({ name }) => names.includes(name)),
    merchantOf: (customer) => merchants.find(({ name }) => name === merchantOf(customer.name))!,
  };
}

export function planSeed(random: SeededRandom, startMs: number): Plan {
  const theme = random.chance(0.15) ? random.pick(CORRIDORS) : undefined;
  const length = theme === undefined ? 2 + random.below(2) : 4;
  const trips = Array.from({ length }, (_, at) => planTrip(random, startMs, { at, theme }));
  const prices = new Map<string, { merchant: string; units: number }>();
  for (const { merchant, items, twinItems } of trips) {
    for (const { request, units } of [...items, ...twinItems])
      prices.set(toHex(request), { merchant: merchant.name, units });
  }
  const tight = theme !== undefined || random.chance(0.3);
  return {
    ...{ startMs, trips, prices },
    ...planWays(random, trips),
    cuts: planCuts(random, startMs, trips),
    faults: planFaults(random),
    feed: createRateFeed(random.fork(), startMs),
    unitNano: new Map(merchants.map(({ name, currency }) => [name, random.pick(UNITS[currency]!)])),
    theyMayOweMinor: new Map(currencies.map((currency) => [currency, (tight ? TIGHT : AMPLE)[currency]!])),
    recordWaitMs: random.pick([10 * MINUTE_MS, 2 * HOUR_MS]),
    strokeMs: random.pick(trips).startMs + random.below(random.pick([2000, MINUTE_MS, 10 * MINUTE_MS])),
    settlements: [...operators, ...operators].map((operator) => {
      return { operator, atMs: startMs + random.below(HOUR_MS) };
    }),
  };
}

function planTrip(
  random: SeededRandom,
  startMs: number,
  { at, theme }: { at: number; theme: Corridor | undefined },
): Trip {
  const customer = random.pick(theme?.customers ?? customers);
  const merchant = theme?.merchantOf(customer) ?? random.pick(merchants);
  const reference = `trip${at}`;
  const greedy = random.chance(0.1);
  const dear = greedy || random.chance(0.3);
  const itemsOf = (what: string, length: number) =>
    Array.from({ length }, (_, number) => ({
      request: sha256(utf8(`${reference} ${merchant.name} ${what} ${number}`)),
      units: greedy ? 256 : random.pick(dear ? PRICES : PRICES.slice(0, 6)),
    }));
  const { balance, credit } = customer;
  const share = BigInt(random.chance(0.3) ? 40 + random.below(70) : 4 + random.below(16));
  return {
    ...{ reference, customer, merchant },
    items: itemsOf('item', random.chance(0.1) ? 24 : 1 + random.below(7)),
    twinItems: itemsOf('copy', 3),
    startMs: startMs + random.below(40 * MINUTE_MS),
    depositMinor: ((balance + credit) * share) / 100n,
    idleMs: (2 + random.below(12)) * MINUTE_MS,
    lengthMs: (4 + random.below(36)) * MINUTE_MS,
    pauseMs: random.pick([200, 5000, 20_000]),
    abreast: random.pick([1, 1, 3, 6]),
    closes: random.chance(0.6),
    endedByMerchantMs: random.chance(0.1) ? random.below(10 * MINUTE_MS) : undefined,
  };
}

/** Each is honest, unless the seed has liars and he is the one; sometimes both sides of a trip conspire. */
function planWays(random: SeededRandom, trips: readonly Trip[]): Pick<Plan, 'customerWays' | 'merchantWays'> {
  const customersDo: Map<string, CustomerWay> = waysOf(random, customers, customerLies);
  const merchantsDo: Map<string, MerchantWay> = waysOf(random, merchants, merchantLies);
  if (random.chance(0.04)) {
    const { customer, merchant } = random.pick(trips);
    customersDo.set(customer.name, 'vanishes');
    merchantsDo.set(merchant.name, random.pick(['silent', 'vanishes'] as const));
  }
  return { customerWays: customersDo, merchantWays: merchantsDo };
}

function waysOf<W extends string>(
  random: SeededRandom,
  roles: readonly { readonly name: string }[],
  lies: readonly W[],
): Map<string, W | 'honest'> {
  const found = new Map<string, W | 'honest'>(roles.map(({ name }) => [name, 'honest']));
  while (random.chance(0.35)) found.set(random.pick(roles).name, random.pick(lies));
  return found;
}

/** Some links of a trip are down for a while, from just when it begins or from any time; or an operator is out of everybody's reach. */
function planCuts(random: SeededRandom, startMs: number, trips: readonly Trip[]): Cut[] {
  const cuts: Cut[] = [];
  while (random.chance(0.35)) {
    const trip = random.pick(trips);
    const [bank, acquirer] = [trip.customer.operator.name, trip.merchant.operator.name];
    const links: readonly [string, string][] = [
      [bank, acquirer],
      [trip.customer.name, bank],
      [trip.merchant.name, acquirer],
    ];
    const opening = random.chance(0.5);
    const atMs = opening ? trip.startMs + random.below(600) : startMs + random.below(50 * MINUTE_MS);
    const forMs = random.chance(0.5) ? HOUR_MS : random.below(20 * MINUTE_MS);
    for (const between of random.chance(0.2) ? linksOf(acquirer) : [random.pick(links)]) {
      if (between[0] !== between[1]) cuts.push({ between, atMs, forMs });
    }
  }
  return cuts;
}

const linksOf = (operator: string) =>
  [...operators, ...customers, ...merchants].map(({ name }): [string, string] => [operator, name]);

function planFaults(random: SeededRandom): WorldFaults {
  const rough = random.chance(0.8);
  return {
    network: {
      loss: rough ? 0.08 : 0.01,
      duplication: rough ? 0.08 : 0.01,
      lateness: random.pick([0.02, 0.02, 0.3]),
      maxDelayMs: 40,
      echo: { probability: 0.03, withinMs: 2 * HOUR_MS },
    },
    crashEveryMs: 0,
    crashAtBoundary: random.pick([0, 0.004, 0.012]),
    failAppend: rough ? 0.003 : 0,
  };
}
