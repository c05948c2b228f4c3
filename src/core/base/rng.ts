/** Chance as the engine sees it: handed in, seeded, replayable. */

export interface Rng {
  /** A whole number in 0 .. 2^32 - 1. */
  next(): number;
  /** A whole number in 0 .. below - 1; `below` in 1 .. 2^32. Unbiased. */
  below(below: number): number;
  /** True in `numerator` of `denominator` cases. Exact ratios, no floating point. */
  chance(numerator: number, denominator: number): boolean;
  /** An independent generator; the same seed gives the same forks in the same order. */
  fork(): Rng;
}

const rotate = (x: number, k: number): number => ((x << k) | (x >>> (32 - k))) >>> 0;

/** splitmix32: spreads a small seed over the state words. */
function spread(seed: number): () => number {
  let z = seed >>> 0;
  return () => {
    z = (z + 0x9e3779b9) >>> 0;
    let x = z;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return (x ^ (x >>> 16)) >>> 0;
  };
}

/**
 * xoshiro128** (Blackman and Vigna, 2018). `seed` is a whole number; all of its 53 bits count.
 */
export function createRng(seed: number): Rng {
  const word = spread((seed ^ Math.floor(seed / 0x100000000)) >>> 0);
  let a = word();
  let b = word();
  let c = word();
  let d = word();
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = (b << 9) >>> 0;
    c = (c ^ a) >>> 0;
    d = (d ^ b) >>> 0;
    b = (b ^ c) >>> 0;
    a = (a ^ d) >>> 0;
    c = (c ^ t) >>> 0;
    d = rotate(d, 11);
    return result;
  };
  const below = (bound: number): number => {
    // Rejection of the last, incomplete round keeps every value equally likely.
    const limit = 0x100000000 - (0x100000000 % bound);
    let value = next();
    while (value >= limit) value = next();
    return value % bound;
  };
  return {
    next,
    below,
    chance: (numerator, denominator) => below(denominator) < numerator,
    fork: () => createRng(next()),
  };
}
