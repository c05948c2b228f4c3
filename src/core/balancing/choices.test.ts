import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { createRng } from '../base/rng.ts';
import { State } from '../table/table.ts';
import { Choices } from './choices.ts';
import { createInTurn } from './in-turn.ts';

function choicesOf(weights: readonly number[]) {
  const pool = new PickingPool(createInTurn);
  pool.rebuild(
    weights.map((_, slot) => slot),
    weights,
  );
  const two = new Choices(pool.table, createRng(3));
  const draw = (tried: readonly number[] = []): [number, number] => {
    two.drawTwo(pool.schedule, tried);
    return [two.first, two.second];
  };
  return { pool, draw };
}

describe('two choices', () => {
  it('are never the same', () => {
    const { draw } = choicesOf([1, 1]);
    for (let i = 0; i < 1000; i++) expect(draw().sort()).toEqual([0, 1]);
  });

  it('are every pair alike', () => {
    const { draw } = choicesOf([1, 1, 1, 1]);
    const pairs = new Map<string, number>();
    for (let i = 0; i < 12_000; i++) {
      const pair = draw().join();
      pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    }
    expect(pairs.size).toBe(12);
    for (const count of pairs.values()) expect(Math.abs(count - 1000)).toBeLessThan(220);
  });

  it('come by weight', () => {
    const { draw } = choicesOf([3, 1]);
    const firsts = Array.from({ length: 10_000 }, () => draw()[0]);
    const heavy = firsts.filter((slot) => slot === 0).length;
    expect(Math.abs(heavy - 7500)).toBeLessThan(300);
  });

  it('are one where there is only one, and none where there is none', () => {
    const { pool, draw } = choicesOf([1, 1, 1]);
    expect(draw([0, 2])).toEqual([1, -1]);
    pool.table.setState(1, State.down);
    expect(draw([0, 2])).toEqual([-1, -1]);
    pool.rebuild([]);
    expect(draw()).toEqual([-1, -1]);
  });

  it('find the last two of many', () => {
    const { pool, draw } = choicesOf(new Array(500).fill(1));
    for (let slot = 0; slot < 500; slot++) {
      if (slot !== 77 && slot !== 401) pool.table.setState(slot, State.down);
    }
    expect(draw().sort()).toEqual([401, 77]);
  });
});
