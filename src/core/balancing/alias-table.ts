/**
 * Draws in proportion to weights at the cost of one look, however many there are and however
 * unequal: the alias method (Walker 1977; built as in Vose 1991, in whole numbers). All weights are
 * laid into columns of equal height, at most two in each: a column is drawn, then which of the two.
 */

import type { Dice } from '../base/dice.ts';
import { either } from '../base/math.ts';

/** A column: how much of its height is its own, whose it is, and whose the rest is. */
export const ALIAS_WORDS = 3;

/** A height that a word can hold; one more is all of it, and the rest of a full one is its own. */
const TALLEST = 0x7fffffff;

/** One column for each of `slots`. Weights are whole, 1 or more; length x sum is exact. */
export function aliasTable(slots: readonly number[], weights: readonly number[]): Int32Array {
  const height = weights.reduce((sum, weight) => sum + weight, 0);
  // In the unit in which all columns together are as high as all weights.
  const left = Float64Array.from(weights, (weight) => weight * weights.length);
  const table = new Int32Array(ALIAS_WORDS * slots.length);
  const poor: number[] = [];
  const rich: number[] = [];
  const write = (index: number, alias: number): void => {
    table[ALIAS_WORDS * index] = Math.min(left[index], TALLEST);
    table[ALIAS_WORDS * index + 1] = slots[index];
    table[ALIAS_WORDS * index + 2] = slots[alias];
  };
  left.forEach((share, index) => {
    (share < height ? poor : rich).push(index);
  });
  while (poor.length > 0) {
    const index = poor.pop()!;
    // What is missing in some columns is too much in others.
    const other = rich[rich.length - 1];
    write(index, other);
    left[other] -= height - left[index];
    if (left[other] < height) poor.push(rich.pop()!);
  }
  for (const index of rich) write(index, index);
  return table;
}

/** One at random from a table of weights whose sum is `height`. Allocates nothing. */
export function drawAlias(table: Int32Array, height: number, dice: Dice): number {
  const at = ALIAS_WORDS * dice.throw(table.length / ALIAS_WORDS);
  const isOther = Number(dice.throw(height) >= table[at]);
  return either(table[at + 1], table[at + 2], isOther);
}
