/**
 * Hash chains (PayWord, Rivest and Shamir 1996): `words[0]` is the anchor, and each word is the SHA-256 of the next. Whoever has the
 * anchor can check any later word; whoever has a word cannot make the next.
 */
import { hash } from 'node:crypto';
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';

export const WORD_LENGTH = 32;

/** `length + 1` words one after the other, the anchor first, from a secret last word. */
export function makeChain(secret: Uint8Array, length: number): Uint8Array {
  const words = new Uint8Array((length + 1) * WORD_LENGTH);
  let word = secret;
  words.set(word, length * WORD_LENGTH);
  for (let i = length - 1; i >= 0; i--) {
    word = sha256(word);
    words.set(word, i * WORD_LENGTH);
  }
  return words;
}

/** Reused: a chain is hashed step by step, and an array a step would cost a fifth of the hashing. Words shown are no secrets. */
const reached = new Uint8Array(WORD_LENGTH);

/** True when `steps` hashes lead from the word to the earlier one. */
export function leadsTo(word: Uint8Array, earlier: Uint8Array, steps: number): boolean {
  if (word.length !== WORD_LENGTH) return false;
  reached.set(word);
  for (let i = 0; i < steps; i++) hashReached();
  return equalBytes(reached, earlier);
}

/** True when the word is one to `atMost` steps after the earlier one. */
export function isAhead(word: Uint8Array, earlier: Uint8Array, atMost: number): boolean {
  if (word.length !== WORD_LENGTH) return false;
  reached.set(word);
  for (let i = 0; i < atMost; i++) {
    hashReached();
    if (equalBytes(reached, earlier)) return true;
  }
  return false;
}

function hashReached(): void {
  const digest = hash('sha256', reached, 'binary');
  for (let at = 0; at < WORD_LENGTH; at++) reached[at] = digest.charCodeAt(at);
}
