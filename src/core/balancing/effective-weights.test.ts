import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effectiveWeights, type Weighted } from './effective-weights.ts';

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Each as its level and its weight. */
const backends = (...each: readonly (readonly [number, number])[]): Weighted[] =>
  each.map(([level, weight]) => ({ level, weight }));

describe('effective weights', () => {
  it('of a single level are those that are configured', () => {
    const one = backends([3, 6], [3, 4], [3, 1_000_000]);
    expect(effectiveWeights(one, new Map([[3, 100]]))).toEqual([6, 4, 1_000_000]);
  });

  it('give each level its part, in the smallest whole numbers, in the given order', () => {
    const shares = new Map([
      [0, 70],
      [1, 30],
    ]);
    expect(effectiveWeights(backends([1, 1], [0, 5], [1, 1]), shares)).toEqual([3, 14, 3]);
  });

  it('keep the proportions within a level', () => {
    const shares = new Map([
      [0, 99],
      [2, 1],
    ]);
    const all = backends([0, 300], [0, 100], [2, 2], [2, 1]);
    expect(effectiveWeights(all, shares)).toEqual([891, 297, 8, 4]);
  });

  it('are rounded where whole numbers would be too large, to 1 at least', () => {
    const all = backends([0, 20_000_000], [0, 2_000_000], [0, 1]);
    expect(effectiveWeights(all, new Map([[0, 100]]))).toEqual([1_000_000, 100_000, 1]);
  });

  it('are as the shares say, for any weights', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 1_000_000 }), {
      minLength: 1,
      maxLength: 20,
    });
    const group = fc.record({ share: fc.integer({ min: 1, max: 100 }), weights });
    fc.assert(
      fc.property(fc.array(group, { minLength: 2, maxLength: 17 }), (groups) => {
        const all = groups.flatMap((each, level) => {
          return each.weights.map((weight) => ({ level, weight }));
        });
        const shares = new Map(groups.map(({ share }, level) => [level, share]));
        const effective = effectiveWeights(all, shares);
        expect(effective.every((weight) => Number.isInteger(weight) && weight >= 1)).toBe(true);
        expect(Math.max(...effective)).toBeLessThanOrEqual(1_000_000);
        const total = sum(effective);
        groups.forEach(({ share }, level) => {
          const got = sum(effective.filter((_, i) => all[i].level === level)) / total;
          // Each may be wrong by one half, or by one where it would round to nothing.
          const rounding = (all.length + 1) / total;
          expect(Math.abs(got - share / sum([...shares.values()]))).toBeLessThan(rounding);
        });
      }),
    );
  });
});
