import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from './rng.ts';

const draw = (rng: Rng, count: number): number[] => Array.from({ length: count }, () => rng.next());

/** Pearson's statistic of `count` draws below `bound`; about `bound` when they are uniform. */
function chiSquare(rng: Rng, bound: number, count: number): number {
  const seen = new Array<number>(bound).fill(0);
  for (let i = 0; i < count; i++) seen[rng.below(bound)]++;
  const expected = count / bound;
  return seen.reduce((sum, each) => sum + (each - expected) ** 2 / expected, 0);
}

describe('chance', () => {
  it('is the same for the same seed, on every runtime and in every version', () => {
    expect(draw(createRng(42), 4)).toEqual(draw(createRng(42), 4));
    expect(draw(createRng(42), 4)).toEqual(RECORDED);
  });

  it('differs from seed to seed, also where only the high bits differ', () => {
    const seeds = [0, 1, 2, 42, 2 ** 32 + 5, 3 * 2 ** 32 + 8, 2 ** 53 - 1];
    const firsts = seeds.map((seed) => draw(createRng(seed), 3).join());
    expect(new Set(firsts).size).toBe(seeds.length);
  });

  it('gives whole numbers of 32 bits, each bit set half of the time', () => {
    const rng = createRng(3);
    const set = new Array<number>(32).fill(0);
    for (let i = 0; i < 20_000; i++) {
      const value = rng.next();
      expect(value >>> 0).toBe(value);
      for (let bit = 0; bit < 32; bit++) set[bit] += (value >>> bit) & 1;
    }
    // Six standard deviations of 71 around the middle.
    for (const count of set) expect(Math.abs(count - 10_000)).toBeLessThan(430);
  });

  it.each([2, 3, 7, 10, 100, 1000])('draws below %i without a favourite', (bound) => {
    // The statistic has mean bound - 1 and variance 2 (bound - 1).
    const freedom = bound - 1;
    const statistic = chiSquare(createRng(bound), bound, bound * 200);
    expect(Math.abs(statistic - freedom)).toBeLessThan(6 * Math.sqrt(2 * freedom) + 6);
  });

  it('is not biased where the bound does not divide 2^32', () => {
    // Of 3 * 2^30, a plain remainder would draw the lower third twice as often.
    const rng = createRng(4);
    const bound = 3 * 2 ** 30;
    let low = 0;
    for (let i = 0; i < 30_000; i++) {
      const value = rng.below(bound);
      expect(value).toBeLessThan(bound);
      if (value < 2 ** 30) low++;
    }
    expect(Math.abs(low - 10_000)).toBeLessThan(500);
  });

  it('draws below the largest and the smallest bound', () => {
    const rng = createRng(5);
    const plain = createRng(5);
    for (let i = 0; i < 100; i++) expect(rng.below(2 ** 32)).toBe(plain.next());
    for (let i = 0; i < 10; i++) expect(rng.below(1)).toBe(0);
  });

  it('keeps ratios', () => {
    const rng = createRng(6);
    let hits = 0;
    for (let i = 0; i < 30_000; i++) if (rng.chance(1, 3)) hits++;
    expect(Math.abs(hits - 10_000)).toBeLessThan(500);
    expect([rng.chance(0, 5), rng.chance(5, 5)]).toEqual([false, true]);
  });
});

describe('a fork', () => {
  it('is the same for the same seed and the same place', () => {
    const one = createRng(9);
    const other = createRng(9);
    expect(draw(one.fork(), 5)).toEqual(draw(other.fork(), 5));
    expect(draw(one.fork(), 5)).toEqual(draw(other.fork(), 5));
    expect(draw(one, 5)).toEqual(draw(other, 5));
  });

  it('goes its own way', () => {
    const parent = createRng(10);
    const first = parent.fork();
    const second = parent.fork();
    const drawn = [...draw(parent, 1000), ...draw(first, 1000), ...draw(second, 1000)];
    // Of 3000 draws out of 2^32, two alike are very unlikely.
    expect(new Set(drawn).size).toBeGreaterThan(2997);
  });

  it('is not disturbed by what its parent draws', () => {
    const parent = createRng(11);
    const fork = parent.fork();
    const undisturbed = draw(createRng(11).fork(), 10);
    const mixed = Array.from({ length: 10 }, () => {
      parent.next();
      return fork.next();
    });
    expect(mixed).toEqual(undisturbed);
  });
});

/** The sequence that golden files and recorded simulations rest on. */
const RECORDED = [2_837_322_924, 544_945_897, 479_756_282, 3_500_138_142];
