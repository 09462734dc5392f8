/** One seed of the world of deposits: an hour of buying under faults, then rest until all has ended, then settlement; then it is judged. */
import { HandselError } from '../../../src/handsel-error.ts';
import { seededRandom } from '../../world/seeded-random.ts';
import { createWorld, type World } from '../../world/simulation.ts';
import { customers, merchants, operators } from './cast.ts';
import { addCustomer, type CustomerParty, twinErrand } from './customer-party.ts';
import { findFaults, type Tally } from './invariants.ts';
import { liesOfCustomer } from './lying-customers.ts';
import { liesOfMerchant } from './lying-merchants.ts';
import { addMerchant, type MerchantParty } from './merchant-party.ts';
import { addOperator, type OperatorParty } from './operator-party.ts';
import { HOUR_MS, MINUTE_MS, type Plan, planSeed, ROUGH_MS } from './plan.ts';
import type { Prepared } from './prepare.ts';
import { createTruth, type Truth } from './truth.ts';
import { watchMoney } from './watch-money.ts';

export interface Scene {
  readonly plan: Plan;
  readonly world: World;
  readonly truth: Truth;
  readonly operators: readonly OperatorParty[];
  readonly merchants: readonly MerchantParty[];
  readonly customers: CustomerParty[];
  /** When the faults were over. */
  readonly calmAtMs: number;
}

export interface SeedOptions {
  readonly traced?: boolean;
  /** Recovers every machine from its journal in the end, which takes as long as all the rest. */
  readonly thorough?: boolean;
  readonly watch?: (world: World) => void;
  readonly change?: (plan: Plan) => Plan;
}

const DAY_MS = 24 * HOUR_MS;
/** Whoever owes pays at once; what was set off is told after two looks. */
const SETTLEMENTS = 3;

/** @throws Error naming every fault found */
export async function runSeed(seed: number, prepared: Prepared, options: SeedOptions = {}): Promise<Tally> {
  const { traced = false, thorough = false, watch = () => {}, change = (plan) => plan } = options;
  const plan = change(planSeed(seededRandom(~seed), prepared.startMs));
  const world = createWorld(seed, plan.faults, { traced });
  watch(world);
  const scene = build(plan, world, prepared);
  schedule(scene);
  await world.run(scene.calmAtMs);
  await world.calm(20 * DAY_MS);
  for (let round = 0; round < SETTLEMENTS; round++) {
    for (const operator of scene.operators) settle(operator);
    await world.run(world.clock.nowMs() + 2 * MINUTE_MS);
  }
  const { faults, tally } = await findFaults(scene, thorough);
  const all = [...scene.truth.breaches, ...faults];
  if (all.length > 0) throw new Error(all.join('\n'));
  return tally;
}

function build(plan: Plan, world: World, prepared: Prepared): Scene {
  const truth = createTruth();
  const watch = watchMoney(plan, truth, world.clock.nowMs);
  const tripsOf = (name: string) => plan.trips.filter(({ customer }) => customer.name === name);
  return {
    ...{ plan, world, truth, calmAtMs: plan.startMs + ROUGH_MS },
    operators: operators.map((role) =>
      addOperator(world, role, { plan, watch, begun: prepared.accounts.get(role.name)! }),
    ),
    merchants: merchants
      .filter(
        ({ name }) =>
          [...plan.merchantWays.values()].includes('passes on') ||
          plan.trips.some(({ merchant }) => merchant.name === name),
      )
      .map((role) => {
        const lies = liesOfMerchant(role.name, plan.merchantWays.get(role.name)!, world.random.fork());
        return addMerchant(world, role, { plan, truth, lies });
      }),
    customers: customers
      .filter(({ name }) => tripsOf(name).length > 0)
      .map((role) => {
        const { name } = role;
        const lies = liesOfCustomer(name, plan.customerWays.get(name)!, plan, world.random.fork());
        return addCustomer(world, role, { plan, truth, lies, begun: prepared.purses.get(name)!, trips: tripsOf(name) });
      }),
  };
}

function schedule(scene: Scene): void {
  const { plan, world } = scene;
  const { startMs, strokeMs } = plan;
  const at = (atMs: number, call: () => void) => world.clock.after(atMs - startMs, call);
  // Limits differ from seed to seed: they are taken over as they stand in the policy.
  for (const { accounts } of scene.operators) void accounts.insist({ type: 'set-up', currencies: [] });
  for (const { between, atMs, forMs } of plan.cuts) {
    at(atMs, () => {
      const mend = world.cut(...between);
      world.clock.after(forMs, mend);
    });
  }
  for (const { operator, atMs } of plan.settlements) {
    at(atMs, () => settle(scene.operators.find(({ name }) => name === operator.name)!));
  }
  for (const { merchant, startMs: beganMs, endedByMerchantMs } of plan.trips) {
    if (endedByMerchantMs === undefined) continue;
    const party = scene.merchants.find(({ role }) => role === merchant)!;
    at(beganMs + endedByMerchantMs, () => {
      const [transaction] = party.machine.host?.state.sessions.keys() ?? [];
      if (transaction !== undefined) party.end(transaction);
    });
  }
  at(strokeMs, () => strike(scene));
}

/** Those who vanish vanish, and those who have a second device copy the first. */
function strike({ plan, world, truth, merchants: sellers, customers: buyers }: Scene): void {
  for (const { role, machine } of sellers) if (plan.merchantWays.get(role.name) === 'vanishes') machine.retire();
  for (const { role, machine, records, errands } of [...buyers]) {
    const way = plan.customerWays.get(role.name);
    if (way === 'vanishes') machine.retire();
    if (way !== 'twins') continue;
    const begun = { disk: machine.copyDisk(), records };
    const twins = errands.filter(({ over }) => !over).map((errand) => twinErrand(errand, errand.trip.twinItems));
    buyers.push(addCustomer(world, role, { plan, truth, lies: {}, begun, trips: [], twins }));
  }
}

function settle(operator: OperatorParty): void {
  operator.settle().catch((error: unknown) => {
    if (!(error instanceof HandselError)) throw error;
  });
}
