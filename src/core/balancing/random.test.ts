import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { createRandom } from './random.ts';

/** Chi-square of the counts against the expected shares. */
function chiSquare(counts: readonly number[], weights: readonly number[]): number {
  const picks = counts.reduce((a, b) => a + b, 0);
  const total = weights.reduce((a, b) => a + b, 0);
  return counts.reduce((sum, count, i) => {
    const fair = (picks * weights[i]) / total;
    return sum + ((count - fair) * (count - fair)) / fair;
  }, 0);
}

function counts(weights: readonly number[], picks: number): number[] {
  const pool = new PickingPool(createRandom);
  pool.rebuild(
    weights.map((_, slot) => slot),
    weights,
  );
  const found = weights.map(() => 0);
  for (let pick = 0; pick < picks; pick++) found[pool.pick()] += 1;
  return found;
}

describe('random', () => {
  // 99.9 % of fair draws are below: 13.8 with 2 degrees of freedom, 27.9 with 9.
  it.each([
    [[1, 1, 1], 13.8],
    [[5, 1, 1], 13.8],
    [[4_000_037, 2_000_003, 1_000_000], 13.8],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 27.9],
  ])('gives weights %j their shares', (weights, most) => {
    expect(chiSquare(counts(weights, 60_000), weights)).toBeLessThan(most);
  });

  it('takes each pick for itself: pairs are as often as chance makes them', () => {
    const pool = new PickingPool(createRandom);
    pool.rebuild([0, 1, 2]);
    const pairs = new Array(9).fill(0);
    let before = pool.pick();
    for (let pick = 0; pick < 45_000; pick++) {
      const slot = pool.pick();
      pairs[before * 3 + slot] += 1;
      before = slot;
    }
    expect(chiSquare(pairs, new Array(9).fill(1))).toBeLessThan(26.1);
  });
});
