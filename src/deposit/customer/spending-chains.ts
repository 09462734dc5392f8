/**
 * The four chains that go on from a checkpoint, as computed words. They are made from the transaction's seed and the number of the
 * checkpoint, so that a restart makes the same ones again. Lengths follow the price last paid: making a chain costs a hash a step, and a
 * chain that runs out costs a signature on one side and its check on the other.
 */
import { encodeCbor } from '../../codec/cbor.ts';
import { concatBytes } from '../../codec/hex.ts';
import { deriveKey } from '../../crypto/agreement.ts';
import { makeChain, WORD_LENGTH } from '../message/hash-chain.ts';
import { stepsFor, WORTHS } from '../message/purchase.ts';

/** A checkpoint is due after so many purchases in any case. */
export const PURCHASES_A_CHECKPOINT = 256;
/** Steps kept for prices that were not foreseen. */
const SHORTEST = 32;
/** Well under a millisecond of hashing. */
const LONGEST = 1024;
/** Unless so many purchases would not fit. */
const FEWEST_PURCHASES = 16;

export interface ChainPlan {
  /** Of the checkpoint: 0 for the first. */
  readonly index: number;
  /** Steps in each chain. */
  readonly lengths: readonly number[];
}

export interface Chains extends ChainPlan {
  /** Of each chain one after the other, the anchor first. */
  readonly words: readonly Uint8Array[];
}

/** @throws DepositError `DEPOSIT_EXCEEDED` for a price no purchase can carry */
export function lengthsFor(priceUnits: number): number[] {
  return stepsFor(priceUnits).map((steps) => {
    const longest = Math.max(LONGEST, steps * FEWEST_PURCHASES);
    return Math.min(longest, Math.max(SHORTEST, steps * PURCHASES_A_CHECKPOINT));
  });
}

export function makeChains(
  { index, lengths }: ChainPlan,
  of: { readonly transaction: string; readonly seed: Uint8Array },
): Chains {
  const words = lengths.map((length, chain) => makeChain(secretOf(of, index, chain), length));
  return { index, lengths, words };
}

function secretOf(of: { readonly transaction: string; readonly seed: Uint8Array }, index: number, chain: number) {
  return deriveKey({
    secret: of.seed,
    salt: new Uint8Array(0),
    info: encodeCbor(['handsel deposit chain', of.transaction, index, chain]),
    length: WORD_LENGTH,
  });
}

export function wordAt({ words }: Chains, chain: number, steps: number): Uint8Array {
  return words[chain]!.slice(steps * WORD_LENGTH, (steps + 1) * WORD_LENGTH);
}

export function anchorsOf(chains: Chains): Uint8Array[] {
  return WORTHS.map((_, chain) => wordAt(chains, chain, 0));
}

/** The newest word of each chain, one after the other. */
export function wordsAt(chains: Chains, steps: readonly number[]): Uint8Array {
  return concatBytes(...WORTHS.map((_, chain) => wordAt(chains, chain, steps[chain]!)));
}
