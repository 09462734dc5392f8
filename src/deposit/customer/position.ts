/** How far a deposit is spent, without secrets: the checkpoint last signed and the steps taken since. Evidence is made again from it. */
import type { KeyObject } from 'node:crypto';
import { readMessage, signMessage } from '../../crypto/signed-message.ts';
import { type Checkpoint, checkpointType } from '../message/checkpoint.ts';
import type { Released } from '../message/conclusion.ts';
import { WORTHS } from '../message/purchase.ts';
import { EMPTY_HEAD } from '../message/purchase-list.ts';
import { anchorsOf, type ChainPlan, type Chains, wordsAt } from './spending-chains.ts';

export interface Position {
  /** As it was signed. */
  readonly checkpoint: Uint8Array;
  readonly plan: ChainPlan;
  /** Of each chain since the checkpoint. */
  readonly steps: readonly number[];
  readonly count: number;
  readonly units: number;
  readonly head: Uint8Array;
}

/** What numbers and units may have been released: written ahead, so that a purchase costs no flush of its own. */
export interface Mark {
  readonly count: number;
  readonly units: number;
}

export const NO_STEPS: readonly number[] = WORTHS.map(() => 0);

/** What a checkpoint of the transaction always says. */
export type CheckpointOf = Pick<Checkpoint, 'transaction' | 'unitNano' | 'currency'>;

/** A checkpoint for what was spent so far, with the anchors of the chains that go on from here. */
export function signCheckpoint(
  of: CheckpointOf,
  spent: Pick<Checkpoint, 'count' | 'units' | 'head'>,
  keys: { readonly chains: Chains; readonly privateKey: KeyObject },
): Uint8Array {
  const { transaction, unitNano, currency } = of;
  const { count, units, head } = spent;
  const checkpoint = { transaction, unitNano, currency, count, units, head, anchors: anchorsOf(keys.chains) };
  return signMessage(checkpointType, checkpoint, { privateKey: keys.privateKey });
}

export function firstPosition(
  of: CheckpointOf,
  keys: { readonly chains: Chains; readonly privateKey: KeyObject },
): Position {
  const nothing = { count: 0, units: 0, head: EMPTY_HEAD };
  const { index, lengths } = keys.chains;
  const checkpoint = signCheckpoint(of, nothing, keys);
  return { ...nothing, checkpoint, plan: { index, lengths }, steps: NO_STEPS };
}

/** Of our own checkpoint. */
export function readCheckpoint({ checkpoint }: Position): Checkpoint {
  return readMessage(checkpointType, checkpoint).value;
}

export function releasedAt({ checkpoint, steps }: Position, chains: Chains): Released {
  return { checkpoint, steps, words: wordsAt(chains, steps) };
}
