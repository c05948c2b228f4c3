import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dice } from '../base/dice.ts';
import { ALIAS_WORDS, aliasTable, drawAlias } from './alias-table.ts';

const dice = (...throws: number[]): Dice => ({ throw: () => throws.shift()! }) as unknown as Dice;

const sumOf = (weights: readonly number[]): number => weights.reduce((a, b) => a + b, 0);

/** Slots that are not their own places. */
const slotsOf = (weights: readonly number[]): number[] => weights.map((_, index) => 100 + index);

/** Of all pairs of throws, how many draw each. */
function pairs(weights: readonly number[]): number[] {
  const table = aliasTable(slotsOf(weights), weights);
  const height = sumOf(weights);
  const counts = weights.map(() => 0);
  for (let column = 0; column < weights.length; column++) {
    for (let coin = 0; coin < height; coin++) {
      counts[drawAlias(table, height, dice(column, coin)) - 100] += 1;
    }
  }
  return counts;
}

describe('a table of aliases', () => {
  it('draws each exactly in proportion to its weight', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(weights, (given) => {
        expect(pairs(given)).toEqual(given.map((weight) => weight * given.length));
      }),
    );
  });

  it('has no more than two in a column, one of which is its own', () => {
    const weights = [1, 1000, 1, 1, 30];
    const table = aliasTable(slotsOf(weights), weights);
    expect(table).toHaveLength(ALIAS_WORDS * weights.length);
    const own = weights.map((_, index) => table[ALIAS_WORDS * index + 1]);
    expect(own).toEqual(slotsOf(weights));
  });

  it('gives a column that is full to its own alone, also one that is taller than a word', () => {
    const weights = [2 ** 30, 2 ** 30];
    const table = aliasTable(slotsOf(weights), weights);
    const drawn = [0, 2 ** 31 - 2, 2 ** 31 - 1].map((coin) =>
      drawAlias(table, 2 ** 31, dice(1, coin)),
    );
    expect(drawn).toEqual([101, 101, 101]);
  });

  it('is empty for nobody', () => {
    expect(aliasTable([], [])).toHaveLength(0);
  });
});
