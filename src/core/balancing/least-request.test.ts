import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { createLeastRequest } from './least-request.ts';

function poolOf(weights: readonly number[], inFlight: readonly number[]): PickingPool {
  const pool = new PickingPool(createLeastRequest);
  pool.rebuild(
    weights.map((_, slot) => slot),
    weights,
  );
  inFlight.forEach((exchanges, slot) => {
    pool.load(slot, exchanges);
  });
  return pool;
}

const shareOf = (pool: PickingPool, slot: number, picks = 9000): number =>
  Array.from({ length: picks }, () => pool.pick()).filter((each) => each === slot).length / picks;

describe('least request', () => {
  it('of two takes the one with fewer exchanges', () => {
    expect(shareOf(poolOf([1, 1], [2, 1]), 1, 100)).toBe(1);
  });

  it('compares them by weight', () => {
    expect(shareOf(poolOf([4, 1], [3, 1]), 0, 100)).toBe(1);
    expect(shareOf(poolOf([4, 1], [5, 1]), 1, 100)).toBe(1);
  });

  it('never takes the busiest of three, and the idlest in two thirds', () => {
    const pool = poolOf([1, 1, 1], [0, 5, 9]);
    expect(shareOf(pool, 2)).toBe(0);
    expect(Math.abs(shareOf(pool, 0) - 2 / 3)).toBeLessThan(0.04);
  });

  it('takes equal ones by weight', () => {
    expect(Math.abs(shareOf(poolOf([3, 1], []), 0) - 0.75)).toBeLessThan(0.035);
  });
});
