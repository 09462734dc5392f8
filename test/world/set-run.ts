/** One seed of the world of SET purchases: plays the plan under faults, lets the world come to rest, and says what is wrong then. */
import { encodeCbor } from '../../src/codec/cbor.ts';
import { fromHex, toHex } from '../../src/codec/hex.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import { HandselError } from '../../src/handsel-error.ts';
import type { CourierResult } from '../../src/journal/courier.ts';
import { receivePReq } from '../../src/set/merchant/receive-purchase.ts';
import { encodeAuthorization } from '../../src/set/merchant/request-authorization.ts';
import { decodeCardRequest, decodeCardResponse, encodeCardRequest } from '../../src/set/message/card-message-codec.ts';
import { decodeMessage } from '../../src/set/message/message-wrapper.ts';
import { BRAND } from '../set/purchase-fixture.ts';
import { type Findings, findFaults } from './set-invariants.ts';
import type { People } from './set-people.ts';
import { type Purchase, planShopping, type Shopping } from './set-shopping.ts';
import { type Alterations, openSetWorld, type SetWorld } from './set-world.ts';
import { type Answered, createWorld, roughWorld, type World, type WorldFaults } from './simulation.ts';

/** Every third network is a slow one, where much is overtaken. */
const roughSetWorld = (seed: number): WorldFaults => ({
  ...roughWorld,
  network: { ...roughWorld.network, lateness: seed % 3 === 0 ? 0.5 : 0.05 },
  crashAtBoundary: 0.015,
  clockErrorMs: 20_000,
});

const roughMs = 12_000;
const settleMs = 900_000;

export interface SetRun {
  readonly world: World;
  readonly findings: Findings;
}

/** @throws Error naming every fault found. */
export async function runSetSeed(options: {
  readonly seed: number;
  readonly people: People;
  readonly alter?: Alterations;
  readonly watch?: (world: World) => void;
}): Promise<SetRun> {
  const { seed, people, alter = {}, watch = () => {} } = options;
  const world = createWorld(seed, roughSetWorld(seed));
  watch(world);
  const startMs = world.clock.nowMs();
  const shopping = planShopping(world.random.fork(), startMs);
  const parties = openSetWorld({ world, people, shopping, startMs, alter });
  const said = listen(world, parties);
  play({ world, people, shopping, parties });
  await world.run(startMs + roughMs);
  await world.calm(settleMs);
  await repeatEverything(world, said);
  void parties.acquirer.insist({ type: 'close-batch' });
  await world.calm(settleMs);
  const findings = await findFaults({ shopping, parties });
  const faults = [...parties.breaches, ...findings.faults];
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return { world, findings };
}

interface Play {
  readonly world: World;
  readonly people: People;
  readonly shopping: Shopping;
  readonly parties: SetWorld;
}

function play(all: Play): void {
  const { world, shopping, parties } = all;
  const launch = { to: 'market', kind: 'launch', body: encodeCbor(null) };
  const given = shopping.mandates.map(async (mandate) => {
    const id = `launch ${mandate.terms.mandateId}`;
    await parties.guard
      .insist({ type: 'mandate', ...mandate, launch: { id, ...launch } })
      .catch(unless(parties, 'MANDATE_EXISTS'));
  });
  for (const purchase of shopping.purchases) {
    world.clock.after(purchase.orderAtMs, () => {
      const { paymentId: id } = purchase;
      void world.send('shop', { id, to: 'merchant', kind: 'order', body: fromHex(id) });
    });
    world.clock.after(purchase.claimAtMs, async () => {
      await Promise.all(given);
      const { paymentId: id, claim } = purchase;
      const { type } = await world.send(claim.agentThumb, { id, to: 'guard', kind: 'claim', body: fromHex(id) });
      if (type === 'answered') askPerson(all, purchase);
    });
    finishLater(all, purchase);
    if (purchase.greedyAfterMs !== undefined) beGreedy(all, purchase, purchase.greedyAfterMs);
  }
  world.clock.after(shopping.closeBatchAtMs, () => void parties.acquirer.insist({ type: 'close-batch' }));
}

/** A refusal that was not to be expected is a breach. */
const unless =
  ({ breaches }: SetWorld, expected: string) =>
  (cause: unknown) => {
    if (!(cause instanceof HandselError) || cause.code !== expected) breaches.add(`refused with ${cause}`);
  };

function askPerson({ world, shopping, parties }: Play, { paymentId, claim, person, personAfterMs }: Purchase): void {
  const mandate = shopping.mandates.find(({ terms }) => terms.mandateId === claim.mandateId)!;
  if (mandate.terms.scenario !== 'ask-person' || person === 'says nothing') return;
  world.clock.after(personAfterMs, () => {
    const input =
      person === 'approves'
        ? ({ type: 'approve', paymentId } as const)
        : { type: 'reject' as const, paymentId, reason: 'no' };
    void parties.guard.insist(input).catch(unless(parties, 'PAYMENT_NOT_WAITING'));
  });
}

/** What was authorized and not captured is given back by the merchant, captured by the acquirer's clerk, or left alone. */
function finishLater({ world, parties }: Play, { paymentId, afterwards }: Purchase): void {
  if (afterwards === 'reverse') {
    const stop = world.clock.nowMs() + roughMs;
    const look = () => {
      const order = parties.merchant.host?.state.orders.get(paymentId);
      if (order?.phase === 'authorized') {
        void parties.merchant
          .insist({ type: 'reverse', orderId: fromHex(paymentId) })
          .catch(unless(parties, 'ORDER_NOT_REVERSIBLE'));
      } else if (world.clock.nowMs() < stop) world.clock.after(700, look);
    };
    world.clock.after(700, look);
  }
  if (afterwards !== 'capture') return;
  let captured = false;
  world.observe(({ target, message, result }) => {
    if (captured || target !== 'acquirer' || message.kind !== 'CardAuthorization' || result.type !== 'answered') return;
    const request = decodeCardRequest(message.body);
    if (request.type !== 'authorise' || !message.id.endsWith(xidOf(parties, paymentId))) return;
    const { responseCode, approvalCode = '' } = decodeCardResponse(result.body);
    if (responseCode !== '00') return;
    captured = true;
    const { type, stan, transmittedAt } = request;
    const original = { type, stan, transmittedAt };
    const body = encodeCardRequest({ ...request, type: 'capture', stan: stan + 500_000, original, approvalCode });
    world.clock.after(world.random.below(4000), () => {
      void world.send('clerk', { id: `capture ${paymentId}`, to: 'iso8583:acquirer', kind: 'CardCapture', body });
    });
  });
}

const unknownXid = 'no transaction';

function xidOf({ merchant }: SetWorld, paymentId: string): string {
  return merchant.host?.state.orders.get(paymentId)?.initiation?.xid ?? unknownXid;
}

/** A dishonest merchant asks once more for what the gateway has answered already, under another RRPID. */
function beGreedy({ world, people }: Play, { claim, captureNow }: Purchase, afterMs: number): void {
  let ordered: Uint8Array | undefined;
  let answered = false;
  let done = false;
  const { shop } = people.parties;
  const askAgain = (preq: Uint8Array) => {
    const nowMs = world.clock.nowMs();
    const brands = new Map([[BRAND, shop]]);
    const purchase = receivePReq(decodeMessage(preq), { brands, trust: people.trust.merchant, atMs: nowMs });
    const { bytes: random } = world.random;
    const { bytes } = encodeAuthorization({
      ...{ brand: shop, purchase, rrpid: random(20), amount: claim.price, captureNow, random, nowMs },
    });
    const id = `greedy ${claim.paymentId}`;
    void world.send('greedy', { id, to: 'http://gate/set', kind: 'AuthReq', body: bytes });
  };
  world.observe(({ target, message: { kind, id, body }, result }) => {
    if (done || result.type !== 'answered' || !id.includes(claim.paymentId)) return;
    const answer = () => decodeMessage(result.body).message.type;
    if (target === 'merchant' && kind === 'PReq' && answer() === 'PRes') ordered = body;
    if (target === 'gateway' && kind === 'AuthReq' && answer() === 'AuthRes') answered = true;
    if (ordered === undefined || !answered) return;
    done = true;
    const preq = ordered;
    world.clock.after(afterMs, () => askAgain(preq));
  });
}

type Said = Map<string, Answered>;

/** Collects the first answer to each message, and watches that a repeated message gets it again. */
function listen(world: World, { breaches }: SetWorld): Said {
  const said: Said = new Map();
  world.observe((answered) => {
    const { target, from, message, result } = answered;
    if (result.type !== 'answered' || isError(message.kind, result)) return;
    const key = `${target} ${from} ${message.kind} ${message.id} ${toHex(sha256(message.body))}`;
    const before = said.get(key);
    if (before === undefined) said.set(key, answered);
    else if (!sameResult(before.result, result)) {
      breaches.add(`${target} answers another way to the repeated ${message.kind} ${message.id}`);
    }
  });
  return said;
}

const passingRefusals: readonly string[] = ['PInitReq', 'InqReq'];

/** Where nothing rests on a SET Error it leaves no trace: the same message may fare better the next time. */
function isError(kind: string, result: CourierResult): boolean {
  return (
    passingRefusals.includes(kind) && result.type === 'answered' && decodeMessage(result.body).message.type === 'Error'
  );
}

function sameResult(a: CourierResult, b: CourierResult): boolean {
  return a.type === 'answered' && b.type === 'answered' && toHex(a.body) === toHex(b.body);
}

/** Somebody on the network plays back all that was ever said: `listen` compares the answers. */
async function repeatEverything(world: World, said: Said): Promise<void> {
  for (const { from, message, target } of [...said.values()]) {
    if (target !== 'local:shop' && target !== 'market') void world.send(from, message);
  }
  await world.run(world.clock.nowMs() + 10_000);
}
