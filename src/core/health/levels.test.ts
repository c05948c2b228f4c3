import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { levelShares } from './levels.ts';

const percent = (healthy: readonly number[]): number[] =>
  levelShares(healthy.map((each) => ({ healthy: each, total: 100 })));

/** Healthy percent of each level, and the percent of the exchanges that Envoy's code gives it. */
const ENVOY: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[100], [100]],
  [[1], [100]],
  [
    [100, 0],
    [100, 0],
  ],
  [
    [100, 100],
    [100, 0],
  ],
  [
    [72, 100],
    [100, 0],
  ],
  [
    [71, 100],
    [99, 1],
  ],
  [
    [50, 100],
    [70, 30],
  ],
  [
    [50, 60],
    [70, 30],
  ],
  [
    [25, 100],
    [35, 65],
  ],
  [
    [0, 100],
    [0, 100],
  ],
  [
    [25, 25],
    [50, 50],
  ],
  [
    [5, 65],
    [8, 92],
  ],
  [
    [25, 25, 100],
    [35, 35, 30],
  ],
  [
    [25, 25, 20],
    [37, 35, 28],
  ],
  [
    [0, 0, 100],
    [0, 0, 100],
  ],
];

describe('the shares of levels', () => {
  it.each(ENVOY)('of which %j percent are healthy are %j percent', (healthy, shares) => {
    expect(percent(healthy)).toEqual(shares);
  });

  it('go by parts of a level, however many backends that is', () => {
    const levels = [
      { healthy: 5, total: 7 },
      { healthy: 1, total: 3 },
    ];
    expect(levelShares(levels)).toEqual([100, 0]);
    expect(levelShares([{ healthy: 1, total: 2 }, levels[1]])).toEqual([70, 30]);
  });

  it('are nothing where nobody is healthy, or nobody is there', () => {
    expect(percent([0, 0])).toEqual([0, 0]);
    expect(levelShares([{ healthy: 0, total: 0 }])).toEqual([0]);
    expect(levelShares([])).toEqual([]);
  });

  it('round down to nothing for fewer than one of 140', () => {
    const one = { healthy: 1, total: 141 };
    expect(levelShares([one, { healthy: 1, total: 1 }])).toEqual([0, 100]);
    expect(levelShares([one])).toEqual([0]);
  });

  it('sum up to 100, and never send to a level more than the first one could carry', () => {
    const level = fc
      .tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 300 }))
      .map(([total, healthy]) => ({ total, healthy: Math.min(total, healthy) }));
    fc.assert(
      fc.property(fc.array(level, { minLength: 1, maxLength: 16 }), (levels) => {
        const shares = levelShares(levels);
        const sum = shares.reduce((a, b) => a + b, 0);
        const somebody = levels.some(({ healthy, total }) => healthy * 140 >= total);
        expect(sum).toBe(somebody ? 100 : 0);
        levels.forEach(({ healthy }, i) => {
          if (healthy === 0) expect(shares[i]).toBe(0);
        });
      }),
    );
  });
});
