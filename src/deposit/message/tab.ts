/** What a deposit has come to, as anyone can check it: the last checkpoint and the words released since. Both ends keep the same. */
import { concatBytes, equalBytes } from '../../codec/hex.ts';
import type { Checkpoint } from './checkpoint.ts';
import { DepositError } from './deposit-error.ts';
import { leadsTo, WORD_LENGTH } from './hash-chain.ts';
import { MAX_STEPS_OF_CHECKPOINT, type Purchase, WORTHS, worthOf } from './purchase.ts';

export interface Tab {
  readonly count: number;
  readonly units: number;
  readonly head: Uint8Array;
  /** Steps of each chain since the checkpoint. */
  readonly steps: readonly number[];
  /** The newest word of each chain, one after the other. */
  readonly words: Uint8Array;
}

export function tabAt({ count, units, head, anchors }: Checkpoint): Tab {
  return { count, units, head, steps: WORTHS.map(() => 0), words: concatBytes(...anchors) };
}

/** A tab that moves on in its place: what a till keeps, where a new one for every purchase would cost as much as checking it. */
export interface RunningTab {
  count: number;
  units: number;
  head: Uint8Array;
  readonly steps: number[];
  readonly words: Uint8Array;
}

export function runningTab({ count, units, head, steps, words }: Tab): RunningTab {
  return { count, units, head, steps: steps.slice(), words: words.slice() };
}

/**
 * Takes one more purchase, when it is the next one, its words prove exactly the price, and its head is the list's; else nothing changes.
 * @throws DepositError `PURCHASE_OUT_OF_ORDER`, `PURCHASE_UNPROVED`
 */
export function advance(
  tab: RunningTab,
  purchase: Purchase,
  expected: { readonly units: number; readonly head: Uint8Array },
): void {
  if (purchase.number !== tab.count + 1) {
    throw new DepositError('PURCHASE_OUT_OF_ORDER', `expected purchase ${tab.count + 1}`);
  }
  if (worthOf(purchase.steps) !== expected.units) {
    throw new DepositError('PURCHASE_UNPROVED', `expected words worth ${expected.units} units`);
  }
  if (!equalBytes(purchase.head, expected.head)) {
    throw new DepositError('PURCHASE_UNPROVED', 'the list of purchases is not ours');
  }
  const { words, steps } = tab;
  for (let chain = 0; chain < WORTHS.length; chain++) {
    const word = purchase.words[chain];
    const moved = purchase.steps[chain]!;
    if (moved === 0) continue;
    if (word === undefined) throw new DepositError('PURCHASE_UNPROVED', 'steps without their word');
    if (steps[chain]! + moved > MAX_STEPS_OF_CHECKPOINT) {
      throw new DepositError('PURCHASE_UNPROVED', 'the chain is at its longest: a new checkpoint is needed');
    }
    const at = chain * WORD_LENGTH;
    if (!leadsTo(word, words.subarray(at, at + WORD_LENGTH), moved)) {
      throw new DepositError('PURCHASE_UNPROVED', 'a word does not lead to the one before');
    }
  }
  for (let chain = 0; chain < WORTHS.length; chain++) {
    const word = purchase.words[chain];
    if (word === undefined || purchase.steps[chain] === 0) continue;
    words.set(word, chain * WORD_LENGTH);
    steps[chain]! += purchase.steps[chain]!;
  }
  tab.count = purchase.number;
  tab.units += expected.units;
  tab.head = expected.head;
}

/** The tab with one more purchase. @throws as `advance` */
export function withPurchase(
  tab: Tab,
  purchase: Purchase,
  expected: { readonly units: number; readonly head: Uint8Array },
): Tab {
  const next = runningTab(tab);
  advance(next, purchase, expected);
  return next;
}

/** Units that checkpoint and words prove together. @throws DepositError `RECORD_UNFIT` when the words are not of its chains */
export function provenUnits(
  checkpoint: Checkpoint,
  released: { readonly steps: readonly number[]; readonly words: Uint8Array },
): number {
  for (let chain = 0; chain < WORTHS.length; chain++) {
    const word = released.words.subarray(chain * WORD_LENGTH, (chain + 1) * WORD_LENGTH);
    if (!leadsTo(word, checkpoint.anchors[chain]!, released.steps[chain] ?? 0)) {
      throw new DepositError('RECORD_UNFIT', 'the words are not of the checkpoint');
    }
  }
  return checkpoint.units + worthOf(released.steps);
}
