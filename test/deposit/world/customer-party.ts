/** A customer in the world of deposits: a device with purse and spender, and somebody who buys with it, also after it has crashed. */
import { decodeShape } from '../../../src/crypto/signed-message.ts';
import { type Limit, limitMessage } from '../../../src/deposit/customer/limit.ts';
import { PurseError } from '../../../src/deposit/customer/purse-error.ts';
import type { PurseInput } from '../../../src/deposit/customer/purse-input.ts';
import { createPurse } from '../../../src/deposit/customer/purse-machine.ts';
import type { PurseRecord, PurseState } from '../../../src/deposit/customer/purse-state.ts';
import type { Payment } from '../../../src/deposit/customer/running-deposit.ts';
import { createSpender, type Spender } from '../../../src/deposit/customer/spender.ts';
import { openingType, type Want, wantMessage } from '../../../src/deposit/customer/want.ts';
import { DepositError } from '../../../src/deposit/message/deposit-error.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import type { Host } from '../../../src/journal/host.ts';
import type { Machine } from '../../../src/journal/machine.ts';
import type { RunningLife, World, WorldMachine } from '../../world/simulation.ts';
import { type CustomerRole, signerOf, storageKeyOf, urlOf, validate } from './cast.ts';
import { encodePurchaseMessage, type PurchaseMessage, purchaseKind } from './merchant-party.ts';
import { type Item, MINUTE_MS, type Plan, paceAt, type Trip } from './plan.ts';
import type { Begun } from './prepare.ts';
import { remembering } from './remembering.ts';
import type { Truth } from './truth.ts';

export type PurseHost = Host<PurseState, PurseInput, PurseRecord>;
export type PurseMachine = Machine<PurseState, PurseInput, PurseRecord>;

export interface CustomerParty {
  readonly role: CustomerRole;
  readonly machine: WorldMachine<PurseState, PurseInput, PurseRecord>;
  readonly records: readonly PurseRecord[];
  readonly errands: readonly Errand[];
}

/** What a dishonest customer does otherwise. */
export interface CustomerLies {
  readonly alter?: (machine: PurseMachine) => PurseMachine;
  /** Called with each purchase before it is sent. */
  readonly tamper?: (purchase: SentPurchase) => void;
}

export interface SentPurchase {
  readonly trip: Trip;
  readonly item: Item;
  readonly number: number;
  readonly message: PurchaseMessage;
  /** Sends something else, to whomever; what is answered does not matter. */
  send(merchant: string, message: PurchaseMessage): void;
  /** Sends a message of another kind. */
  say(party: string, said: Said): void;
}

export interface Said {
  readonly kind: string;
  readonly path: string;
  readonly body: Uint8Array;
}

const LIMIT_ID = 'all';
const ATTEMPTS = 2;
/** Between two tries to get a purchase answered: the same bytes each time. */
const PAUSES_MS = [200, 1000, 4000, 15_000, 60_000];
const SNAPSHOT_EVERY = 5;

export function limitOf({ operator }: CustomerRole, startMs: number): Limit {
  return {
    ...{ limitId: LIMIT_ID, currency: operator.currency, totalMinor: 50_000n },
    expiresAtMs: startMs + 1440 * MINUTE_MS,
  };
}

export const givenLimit = (role: CustomerRole, startMs: number) => limitMessage(limitOf(role, startMs));

export function purseOf({ name, operator }: CustomerRole, nowMs: () => number): PurseMachine {
  return createPurse({
    operator: { name: operator.name, url: urlOf(operator.name) },
    ...{ signer: signerOf(name), validate, storageKey: storageKeyOf(name), nowMs },
  });
}

export function addCustomer(
  world: World,
  role: CustomerRole,
  given: {
    readonly plan: Plan;
    readonly truth: Truth;
    readonly lies: CustomerLies;
    /** What is on its disk: a limit, or all that another device had. */
    readonly begun: Begun<PurseRecord>;
    readonly trips: readonly Trip[];
    /** Of a second device. */
    readonly twins?: readonly Errand[];
  },
): CustomerParty {
  const { plan, truth, lies, begun, trips, twins } = given;
  const records: PurseRecord[] = [];
  // As they are now: those of the first device go on.
  const before = [...begun.records];
  const errands = twins ?? trips.map((trip) => newErrand(trip));
  const machine = world.addMachine<PurseState, PurseInput, PurseRecord>(
    twins === undefined ? role.name : `${role.name} twin`,
    (life) => {
      const honest = purseOf(role, life.nowMs);
      return {
        machine: remembering(lies.alter?.(honest) ?? honest, records, { before }),
        arrived() {
          throw new Error('nobody calls a device');
        },
        started(host, running) {
          const spender = createSpender({
            host,
            storageKey: storageKeyOf(role.name),
            clock: running.clock,
            log: silence,
          });
          for (const errand of errands) {
            shop({ errand, host, spender, life: running, plan, truth, lies }).catch(unlessOver);
          }
        },
        snapshotEvery: SNAPSHOT_EVERY,
        pace: paceAt(world.clock.nowMs(), plan),
      };
    },
    { disk: begun.disk },
  );
  return { role, machine, records, errands };
}

const silence = { info: () => {}, warn: () => {}, error: () => {} };

/** What a person remembers of a trip, whatever the device forgets. */
export interface Errand {
  readonly trip: Trip;
  attempt: number;
  want: Want | undefined;
  /** Items that were delivered. */
  readonly got: Set<Item>;
  over: boolean;
}

function newErrand(trip: Trip): Errand {
  return { trip, attempt: 1, want: undefined, got: new Set(), over: false };
}

/** The same trip with a copy of the device, for something else. */
export function twinErrand({ trip, attempt, want }: Errand, items: readonly Item[]): Errand {
  return { trip: { ...trip, items }, attempt, want, got: new Set(), over: false };
}

interface Shopping {
  readonly errand: Errand;
  readonly host: PurseHost;
  readonly spender: Spender;
  readonly life: RunningLife;
  readonly plan: Plan;
  readonly truth: Truth;
  readonly lies: CustomerLies;
}

async function shop(all: Shopping): Promise<void> {
  const { errand, life, spender } = all;
  const { trip } = errand;
  await pause(life, trip.startMs - life.clock.nowMs());
  while (!errand.over) {
    const transaction = await open(all);
    if (transaction === undefined) break;
    const allBought = await buyAll(all, transaction);
    if (trip.closes || !allBought) spender.close(transaction).catch(unlessOver);
    if (allBought || errand.attempt === ATTEMPTS) break;
    errand.attempt++;
    errand.want = undefined;
  }
  errand.over = true;
}

/** Undefined when there is no deposit to be had. */
async function open({ errand, host, life, plan }: Shopping): Promise<string | undefined> {
  const { trip, attempt } = errand;
  const { merchant, depositMinor, idleMs, lengthMs, items } = trip;
  errand.want ??= {
    ...{ reference: `${trip.reference}-${attempt}`, limitId: LIMIT_ID, merchant: merchant.name, depositMinor, idleMs },
    ...{ merchantOperator: merchant.operator.name, merchantCurrency: merchant.currency },
    order: { units: items[0]!.units, unitNano: plan.unitNano.get(merchant.name)! },
    endsAtMs: life.clock.nowMs() + lengthMs,
  };
  try {
    const { transaction, code } = decodeShape(openingType, await host.handle(wantMessage(errand.want)));
    return code === undefined ? transaction : undefined;
  } catch (error) {
    if (error instanceof DepositError || error instanceof PurseError) return undefined;
    throw error;
  }
}

/** True when there is nothing left to buy. */
async function buyAll(all: Shopping, transaction: string): Promise<boolean> {
  const { errand, life } = all;
  const { trip, got } = errand;
  const left = trip.items.filter((item) => !got.has(item));
  let stopped = false;
  const lane = async () => {
    while (!stopped) {
      const item = left.shift();
      if (item === undefined) return;
      if (await buy(all, transaction, item)) got.add(item);
      else stopped = true;
      await pause(life, life.random.fraction() * trip.pauseMs);
    }
  };
  await Promise.all(Array.from({ length: trip.abreast }, lane));
  return !stopped;
}

/** False when nothing more can be bought in this deposit. */
async function buy(all: Shopping, transaction: string, item: Item): Promise<boolean> {
  const { errand, spender, truth, lies } = all;
  let payment: Payment;
  try {
    payment = await spender.pay(transaction, item);
  } catch (error) {
    if (error instanceof DepositError || error instanceof PurseError) return false;
    throw error;
  }
  const { number } = payment;
  truth.release(transaction, number, item);
  lies.tamper?.({
    ...{ trip: errand.trip, item, number, message: messageOf(transaction, payment, item) },
    send: (merchant, message) => void all.life.deliver(outgoing(merchant, message)).catch(() => undefined),
    say: (party, { kind, path, body }) =>
      void all.life.deliver({ id: transaction, to: `${urlOf(party)}${path}`, kind, body }).catch(() => undefined),
  });
  const paid = await send(all, transaction, payment, item).catch((error: unknown) => {
    // It was closed meanwhile.
    if (error instanceof DepositError) return false;
    throw error;
  });
  if (paid) spender.paid(transaction, number);
  else spender.failed(transaction, number);
  return paid;
}

/** True when the merchant says that it is paid; false when it refuses, or has not answered after so many tries. */
async function send(all: Shopping, transaction: string, payment: Payment, item: Item): Promise<boolean> {
  const { errand, spender, life, truth } = all;
  const { number } = payment;
  let sent = payment;
  for (const pauseMs of [0, ...PAUSES_MS]) {
    await pause(life, pauseMs);
    if (pauseMs > 0) {
      sent = spender.again(transaction, { number, request: item.request });
      if (sent.number !== number) truth.release(transaction, sent.number, item);
    }
    const merchant = errand.trip.merchant.name;
    const result = await life.deliver(outgoing(merchant, messageOf(transaction, sent, item))).catch(() => undefined);
    if (result !== undefined) return result.type === 'answered';
  }
  return false;
}

function messageOf(transaction: string, { token, checkpoint }: Payment, { request }: Item): PurchaseMessage {
  return { transaction, token, checkpoint: checkpoint ?? null, request };
}

function outgoing(merchant: string, message: PurchaseMessage) {
  return {
    ...{ id: message.transaction, to: `${urlOf(merchant)}/buy`, kind: purchaseKind },
    body: encodePurchaseMessage(message),
  };
}

function pause({ clock }: RunningLife, ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => clock.after(ms, resolve));
}

/** The device is gone, or has no such deposit any more. */
function unlessOver(error: unknown): void {
  if (!(error instanceof HandselError)) throw error;
}
