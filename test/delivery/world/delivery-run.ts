/** One seed of the world of deliveries: plays the plan under faults, lets the world come to rest, and says what is wrong then. */
import { toHex } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { acceptanceType } from '../../../src/delivery/message/acceptance.ts';
import { claimType } from '../../../src/delivery/message/claim.ts';
import { readOffer } from '../../../src/delivery/message/offer.ts';
import { publishInput } from '../../../src/delivery/sender/receive.ts';
import { offerOf } from '../../../src/delivery/sender/sender-machine.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { createWorld, roughWorld, type World, type WorldFaults } from '../../world/simulation.ts';
import { identifyAll } from '../people.ts';
import { attack, type Loot, NothingToStealFrom } from './attack.ts';
import { type Findings, findFaults } from './delivery-invariants.ts';
import { liar, minuteMs, type Plan, type PlannedPurchase, planDeliveries } from './delivery-plan.ts';
import { type Alterations, type DeliveryWorld, openDeliveryWorld, urls } from './delivery-world.ts';
import type { Product } from './products.ts';

/** Every third network is a slow one, where much is overtaken. */
const roughDeliveries = (seed: number): WorldFaults => ({
  ...roughWorld,
  network: { ...roughWorld.network, lateness: seed % 3 === 0 ? 0.3 : 0.05 },
  crashAtBoundary: 0.015,
  clockErrorMs: 300,
});

const roughMs = 25_000;
const settleMs = 240 * minuteMs;

export interface DeliveryRun {
  readonly world: World;
  readonly findings: Findings;
}

interface Playing {
  readonly world: World;
  readonly plan: Plan;
  readonly parties: DeliveryWorld;
  readonly products: ReadonlyMap<string, Product>;
  readonly loot: Loot[];
  readonly begun: Set<string>;
  readonly breaches: Set<string>;
}

/** @throws Error naming every fault found. */
export async function runDeliverySeed(options: {
  readonly seed: number;
  readonly products: ReadonlyMap<string, Product>;
  readonly alter?: Alterations;
  readonly watch?: (world: World) => void;
}): Promise<DeliveryRun> {
  const { seed, products, alter = {}, watch = () => {} } = options;
  const world = createWorld(seed, roughDeliveries(seed));
  watch(world);
  const plan = planDeliveries(world.random.fork(), world.clock.nowMs());
  const parties = openDeliveryWorld({ world, plan, products, alter });
  const playing: Playing = { world, plan, parties, products, loot: [], begun: new Set(), breaches: new Set() };
  listen(playing);
  play(playing);
  await world.run(world.clock.nowMs() + roughMs);
  await world.calm(settleMs);
  const findings = await findFaults(playing);
  const faults = [...playing.breaches, ...findings.faults];
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return { world, findings };
}

function play(playing: Playing): void {
  const { world, plan, parties, products } = playing;
  for (const { description, manifestBytes, productKey } of products.values()) {
    const packed = { description, manifest: manifestBytes, productKey };
    const sold = { trustee: 'tess', urls: ['http://cdn'] };
    void parties.sender.insist(publishInput(packed, sold, parties.policies.sender({ nowMs: world.clock.nowMs })));
  }
  for (const planned of plan.purchases) {
    world.clock.after(planned.atMs - world.clock.nowMs(), () => void buy(playing, planned).catch(unexpected(playing)));
  }
  // A liar needs somebody honest to lie to.
  if (plan.merchant !== 'honest' || plan.trustee !== 'honest') return;
  plan.attacks.forEach((kind, number) => {
    world.clock.after(4000 + 1000 * number, () => void steal(playing, kind, number).catch(unexpected(playing)));
  });
}

const unexpected =
  ({ breaches }: Playing) =>
  (cause: unknown) => {
    if (!(cause instanceof NothingToStealFrom)) breaches.add(`unexpected: ${cause}`);
  };

async function offered({ world, parties, products }: Playing, name: string) {
  const product = [...products.values()].find((candidate) => candidate.name === name)!;
  for (;;) {
    const { host } = parties.sender;
    const offer = host === undefined ? undefined : await offerOf(host, product.package).catch(() => undefined);
    if (offer !== undefined) return { product, offer: readOffer(offer, identifyAll) };
    await new Promise<void>((resolve) => world.clock.after(300, resolve));
  }
}

async function buy(
  playing: Playing,
  { reference, customer, product, deadlineAfterMs, minor }: PlannedPurchase,
): Promise<void> {
  const { world, parties, begun } = playing;
  const { offer } = await offered(playing, product);
  const input = {
    ...({
      type: 'buy',
      reference,
      offer,
      price: { currency: 'EUR', minor },
      payee: 'ada',
      notify: 'local:station',
    } as const),
    ...{ merchantUrl: urls.ada, trusteeUrl: urls.tess, deadlineMs: world.clock.nowMs() + deadlineAfterMs },
  };
  try {
    await parties.receivers.get(customer)!.insist(input);
    begun.add(reference);
  } catch (cause) {
    // It was begun just before a crash, or came too late for its own deadline.
    if (!(cause instanceof HandselError)) throw cause;
    if (cause.code === 'ORDER_REFUSED') begun.add(reference);
    else if (cause.code !== 'ORDER_EXPIRED') throw cause;
  }
}

async function steal(playing: Playing, kind: Loot['attack'], number: number): Promise<void> {
  const { world, parties, loot } = playing;
  const { offer, product } = await offered(playing, 'good');
  loot.push(await attack({ world, parties, offer, product, attack: kind, number }));
}

/** Watches that a repeated message gets the same answer again, byte for byte, whatever happened in between. */
function listen({ world, breaches, plan }: Playing): void {
  const lying = new Set([plan.merchant === 'lies' && acceptanceType.name, plan.trustee === 'lies' && claimType.name]);
  const said = new Map<string, string>();
  world.observe(({ target, from, message, result }) => {
    if (result.type !== 'answered' || target.startsWith('local:') || from === `${liar}-by-hand`) return;
    if (lying.has(message.kind)) return;
    const key = `${target} ${from} ${message.kind} ${message.id} ${toHex(sha256(message.body))}`;
    const answer = toHex(sha256(result.body));
    const before = said.get(key);
    if (before !== undefined && before !== answer)
      breaches.add(`${target} answers another way to the repeated ${message.kind}`);
    said.set(key, answer);
  });
}
