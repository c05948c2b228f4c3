import { describe, expect, it } from 'vitest';
import { Dice } from './dice.ts';
import { createRng } from './rng.ts';

/** Chi-square of counts that should be equal. */
function unevenness(counts: readonly number[]): number {
  const fair = counts.reduce((a, b) => a + b, 0) / counts.length;
  return counts.reduce((sum, count) => sum + ((count - fair) * (count - fair)) / fair, 0);
}

describe('dice', () => {
  it('show each side as often, and each pair of sides', () => {
    const dice = new Dice(createRng(1));
    const sides = new Array(10).fill(0);
    const pairs = new Array(100).fill(0);
    let before = dice.throw(10);
    for (let i = 0; i < 100_000; i++) {
      const side = dice.throw(10);
      sides[side] += 1;
      pairs[before * 10 + side] += 1;
      before = side;
    }
    // 99.9 % of fair throws are below, with 9 and 99 degrees of freedom.
    expect(unevenness(sides)).toBeLessThan(27.9);
    expect(unevenness(pairs)).toBeLessThan(148.2);
  });

  it('have any number of sides', () => {
    const dice = new Dice(createRng(2));
    for (const sides of [1, 2, 0x80000000]) {
      for (let i = 0; i < 100; i++) {
        const side = dice.throw(sides);
        expect(side >= 0 && side < sides && Number.isInteger(side)).toBe(true);
      }
    }
  });

  it('fall the same for the same seed', () => {
    const [one, other] = [new Dice(createRng(3)), new Dice(createRng(3))];
    for (let i = 0; i < 50; i++) expect(one.throw(1000)).toBe(other.throw(1000));
  });
});
