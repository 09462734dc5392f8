/**
 * An open deposit as the spender has it in hand: chains as computed words, the list so far, and what may be released without asking
 * anybody. Nothing here is written: what a restart needs is the last position in the journal and the mark before it.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { nanoOf } from '../../money/nano.ts';
import { listKeyOf } from '../message/list-key.ts';
import { encodePurchase, stepsFor, WORTHS } from '../message/purchase.ts';
import { createListCipher, headWith, type ListCipher } from '../message/purchase-list.ts';
import { unitsIn } from './bill.ts';
import type { Limit } from './limit.ts';
import { type CheckpointOf, type Mark, NO_STEPS, type Position, readCheckpoint, signCheckpoint } from './position.ts';
import type { Open } from './purse-state.ts';
import { type Chains, lengthsFor, makeChains, PURCHASES_A_CHECKPOINT, wordAt } from './spending-chains.ts';
import { openTemporaryKey } from './temporary-key.ts';

/** What the merchant is given for one purchase: byte for byte the same however often. */
export interface Payment {
  readonly token: Uint8Array;
  /** 1 for the first of the deposit. */
  readonly number: number;
  /** To be handed over before the token. */
  readonly checkpoint?: Uint8Array;
}

/** What is bought. */
export interface Purchased {
  readonly units: number;
  /** SHA-256 over what is asked for: method, resource and body. */
  readonly request: Uint8Array;
}

export interface RunningDeposit {
  readonly of: CheckpointOf;
  readonly endsAtMs: number;
  readonly idleMs: number;
  /** Units in the deposit. */
  readonly totalUnits: number;
  /** Units one purchase may cost under the limit. */
  readonly dearestUnits: number;
  readonly privateKey: KeyObject;
  readonly seed: Uint8Array;
  readonly cipher: ListCipher;
  chains: Chains;
  checkpoint: Uint8Array;
  checkpointCount: number;
  checkpointAtMs: number;
  readonly steps: number[];
  count: number;
  units: number;
  head: Uint8Array;
  /** Durable: up to here may be released. */
  mark: Mark;
  /** When something was bought last. */
  activeAtMs: number;
}

/** A new checkpoint is signed after this time, so that the merchant is not without our signature under its list for long. */
const CHECKPOINT_MS = 60_000;

export function runDeposit(
  deposit: Open,
  {
    limit,
    storageKey,
    nowMs,
  }: { readonly limit: Limit | undefined; readonly storageKey: Uint8Array; readonly nowMs: number },
): RunningDeposit {
  const { want, transaction, key, terms, position, mark, activeAtMs } = deposit;
  const { unitNano } = want.order;
  const currency = want.merchantCurrency;
  const { privateKey, seed } = openTemporaryKey({ transaction, storageKey, sealed: key.sealed });
  const listKey = listKeyOf({
    transaction,
    own: 'customer',
    privateKey,
    customer: key.point,
    merchant: terms.merchantKey,
  });
  return {
    of: { transaction, unitNano, currency },
    endsAtMs: want.endsAtMs,
    idleMs: want.idleMs,
    totalUnits: unitsIn(nanoOf({ currency, minor: terms.depositMinor }).nano, unitNano),
    dearestUnits: dearestOf(deposit, limit),
    ...{ privateKey, seed },
    cipher: createListCipher(createSecretKey(listKey)),
    chains: makeChains(position.plan, { transaction, seed }),
    checkpoint: position.checkpoint,
    checkpointCount: readCheckpoint(position).count,
    checkpointAtMs: nowMs,
    steps: position.steps.slice(),
    ...{ count: position.count, units: position.units, head: position.head },
    ...{ mark, activeAtMs },
  };
}

/** The limit is in the customer's currency and the price in the merchant's: compared exactly, at the rate of the session. */
function dearestOf({ want, terms: { rate } }: Open, limit: Limit | undefined): number {
  if (limit?.perPurchaseNano === undefined) return Number.MAX_SAFE_INTEGER;
  return unitsIn((limit.perPurchaseNano * rate.numerator) / rate.denominator, want.order.unitNano);
}

export function positionOf(running: RunningDeposit): Position {
  const { checkpoint, chains, steps, count, units, head } = running;
  const { index, lengths } = chains;
  return { checkpoint, plan: { index, lengths }, steps: steps.slice(), count, units, head };
}

/** Whether the purchase needs a new checkpoint first: a chain would run out, or the last one is old. */
export function needsCheckpoint(running: RunningDeposit, units: number, nowMs: number): boolean {
  const { chains, steps, count, checkpointCount, checkpointAtMs } = running;
  if (stepsFor(units).some((moved, chain) => steps[chain]! + moved > chains.lengths[chain]!)) return true;
  if (count === checkpointCount) return false;
  return count - checkpointCount >= PURCHASES_A_CHECKPOINT || nowMs - checkpointAtMs >= CHECKPOINT_MS;
}

/** The next purchase. From here on it is released: its number is never used for anything else. */
export function release(running: RunningDeposit, { units, request }: Purchased, nowMs: number): Payment {
  const steps = stepsFor(units);
  if (needsCheckpoint(running, units, nowMs)) beginChains(running, units, nowMs);
  // Until something was bought on its chains the merchant may not have the checkpoint.
  const checkpoint = running.count === running.checkpointCount ? { checkpoint: running.checkpoint } : {};
  const number = running.count + 1;
  const head = headWith(running.head, running.cipher.encrypt({ number, units, request }));
  const words = WORTHS.map((_, chain) => {
    const moved = steps[chain]!;
    if (moved === 0) return undefined;
    running.steps[chain]! += moved;
    return wordAt(running.chains, chain, running.steps[chain]!);
  });
  running.count = number;
  running.units += units;
  running.head = head;
  running.activeAtMs = nowMs;
  return { token: encodePurchase({ number, steps, head, words }), number, ...checkpoint };
}

function beginChains(running: RunningDeposit, priceUnits: number, nowMs: number): void {
  const { of, seed, privateKey, count, units, head, steps } = running;
  const plan = { index: running.chains.index + 1, lengths: lengthsFor(priceUnits) };
  const chains = makeChains(plan, { transaction: of.transaction, seed });
  running.checkpoint = signCheckpoint(of, { count, units, head }, { chains, privateKey });
  running.chains = chains;
  running.checkpointCount = count;
  running.checkpointAtMs = nowMs;
  for (let chain = 0; chain < steps.length; chain++) steps[chain] = NO_STEPS[chain]!;
}
