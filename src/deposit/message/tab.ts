/** What a deposit has come to, as anyone can check it: the last checkpoint and the words released since. Both ends keep the same. */
import { concatBytes, equalBytes } from '../../codec/hex.ts';
import type { Checkpoint } from './checkpoint.ts';
import { DepositError } from './deposit-error.ts';
import { leadsTo, WORD_LENGTH } from './hash-chain.ts';
import { type Purchase, WORTHS, worthOf } from './purchase.ts';

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

/**
 * The tab with one more purchase, when it is the next one, its words prove exactly the price, and its head is the list's.
 * @throws DepositError `PURCHASE_OUT_OF_ORDER`, `PURCHASE_UNPROVED`
 */
export function withPurchase(
  tab: Tab,
  purchase: Purchase,
  expected: { readonly units: number; readonly head: Uint8Array },
): Tab {
  if (purchase.number !== tab.count + 1) {
    throw new DepositError('PURCHASE_OUT_OF_ORDER', `expected purchase ${tab.count + 1}`);
  }
  if (worthOf(purchase.steps) !== expected.units) {
    throw new DepositError('PURCHASE_UNPROVED', `expected words worth ${expected.units} units`);
  }
  if (!equalBytes(purchase.head, expected.head)) {
    throw new DepositError('PURCHASE_UNPROVED', 'the list of purchases is not ours');
  }
  const words = tab.words.slice();
  const steps = tab.steps.slice();
  for (let chain = 0; chain < WORTHS.length; chain++) {
    const word = purchase.words[chain];
    if (word === undefined) continue;
    const at = chain * WORD_LENGTH;
    if (!leadsTo(word, words.subarray(at, at + WORD_LENGTH), purchase.steps[chain]!)) {
      throw new DepositError('PURCHASE_UNPROVED', 'a word does not lead to the one before');
    }
    words.set(word, at);
    steps[chain] = steps[chain]! + purchase.steps[chain]!;
  }
  return { count: purchase.number, units: tab.units + expected.units, head: expected.head, steps, words };
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
