/** Random numbers that one seed determines (SplitMix32 into xoshiro128**, Blackman and Vigna 2018). For tests only. */

export interface SeededRandom {
  /** 0 ≤ value < 1. */
  fraction(): number;
  /** 0 ≤ value < bound. */
  below(bound: number): number;
  bytes(length: number): Uint8Array;
  chance(probability: number): boolean;
  pick<T>(choices: readonly T[]): T;
  /** An independent generator, so that one part's draws do not shift another's. */
  fork(): SeededRandom;
}

export function seededRandom(seed: number): SeededRandom {
  let mix = seed >>> 0;
  const next32FromSeed = () => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix ^ (mix >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
  let [a, b, c, d] = [next32FromSeed(), next32FromSeed(), next32FromSeed(), next32FromSeed()];
  const next32 = () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result >>> 0;
  };
  const random: SeededRandom = {
    fraction: () => next32() / 2 ** 32,
    below: (bound) => Math.floor(random.fraction() * bound),
    bytes: (length) => Uint8Array.from({ length }, () => next32() >>> 24),
    chance: (probability) => random.fraction() < probability,
    pick: (choices) => choices[random.below(choices.length)]!,
    fork: () => seededRandom(next32()),
  };
  return random;
}
