/**
 * One purchase inside a deposit, as the customer sends it: a token of 42 to 170 bytes. Not signed: its words prove the value, and the
 * next checkpoint signs what was bought.
 *
 * number (6 bytes, big-endian) ‖ steps of the four chains (1 byte each) ‖ new head (32) ‖ a word (32) for each chain that moved
 */

import { DepositError } from './deposit-error.ts';
import { WORD_LENGTH } from './hash-chain.ts';

/** Units a step of each chain is worth. */
export const WORTHS = [1, 16, 256, 4096] as const;
const CHAINS = WORTHS.length;
export const MAX_STEPS = 255;
/**
 * Steps of one chain since a checkpoint, four times what our own devices take: bounds the hashing that checking a record takes, since
 * whoever rules has to hash whatever he is shown, for a deposit that may have cost nothing.
 */
export const MAX_STEPS_OF_CHECKPOINT = 16_384;
/** Units: what one purchase may cost at most. */
export const MAX_PRICE_UNITS = WORTHS.reduce((sum, worth) => sum + worth * MAX_STEPS, 0);

const HEAD_AT = 6 + CHAINS;
const WORDS_AT = HEAD_AT + 32;
export const MAX_PURCHASE_BYTES = WORDS_AT + CHAINS * WORD_LENGTH;

export interface Purchase {
  /** 1 for the first of the deposit. */
  readonly number: number;
  /** How far each chain moves on. */
  readonly steps: readonly number[];
  /** Of the list with this purchase in it. */
  readonly head: Uint8Array;
  /** The newest word of each chain that moves, in the order of the chains. */
  readonly words: readonly (Uint8Array | undefined)[];
}

export function encodePurchase({ number, steps, head, words }: Purchase): Uint8Array {
  const moved = steps.filter((count) => count > 0).length;
  const bytes = new Uint8Array(WORDS_AT + moved * WORD_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(number / 2 ** 32));
  view.setUint32(2, number >>> 0);
  bytes.set(steps, 6);
  bytes.set(head, HEAD_AT);
  let at = WORDS_AT;
  for (const word of words) {
    if (word === undefined) continue;
    bytes.set(word, at);
    at += WORD_LENGTH;
  }
  return bytes;
}

/** @throws DepositError `PURCHASE_UNPROVED` when the bytes are no token */
export function decodePurchase(bytes: Uint8Array): Purchase {
  if (bytes.length < WORDS_AT + WORD_LENGTH || bytes.length > MAX_PURCHASE_BYTES) throw malformed();
  const number = ((bytes[0]! << 8) | bytes[1]!) * 2 ** 32 + readUint32(bytes, 2);
  const steps: number[] = [];
  const words: (Uint8Array | undefined)[] = [];
  let at = WORDS_AT;
  for (let chain = 0; chain < CHAINS; chain++) {
    const count = bytes[6 + chain]!;
    steps.push(count);
    words.push(count === 0 ? undefined : bytes.slice(at, at + WORD_LENGTH));
    if (count > 0) at += WORD_LENGTH;
  }
  if (at !== bytes.length || number === 0) throw malformed();
  return { number, steps, head: bytes.slice(HEAD_AT, WORDS_AT), words };
}

/** The fewest steps that are worth the price. @throws DepositError `DEPOSIT_EXCEEDED` above what one purchase can carry */
export function stepsFor(units: number): number[] {
  if (!Number.isSafeInteger(units) || units < 1 || units > MAX_PRICE_UNITS) {
    throw new DepositError('DEPOSIT_EXCEEDED', `one purchase may cost 1 to ${MAX_PRICE_UNITS} units`);
  }
  const steps = [0, 0, 0, 0];
  let left = units;
  for (let chain = CHAINS - 1; chain >= 0; chain--) {
    steps[chain] = Math.min(MAX_STEPS, Math.floor(left / WORTHS[chain]!));
    left -= steps[chain]! * WORTHS[chain]!;
  }
  return steps;
}

export function worthOf(steps: readonly number[]): number {
  let units = 0;
  for (let chain = 0; chain < CHAINS; chain++) units += (steps[chain] ?? 0) * WORTHS[chain]!;
  return units;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function malformed(): DepositError {
  return new DepositError('PURCHASE_UNPROVED', 'the payment token is malformed');
}
