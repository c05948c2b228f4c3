import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { State, Table } from '../table/table.ts';
import { createLeastConnections } from './least-connections.ts';

function poolOf(weights: readonly number[], inFlight: readonly number[]): PickingPool {
  const pool = new PickingPool(createLeastConnections);
  pool.rebuild(
    weights.map((_, slot) => slot),
    weights,
  );
  inFlight.forEach((exchanges, slot) => {
    pool.load(slot, exchanges);
  });
  return pool;
}

const picks = (pool: PickingPool, count: number, tried: readonly number[] = []): number[] =>
  Array.from({ length: count }, () => pool.pick(tried));

const countsOf = (slots: readonly number[], among: number): number[] =>
  Array.from({ length: among }, (_, slot) => slots.filter((each) => each === slot).length);

describe('least connections', () => {
  it('takes the one with the fewest exchanges', () => {
    expect(picks(poolOf([1, 1, 1], [3, 1, 2]), 3)).toEqual([1, 1, 1]);
  });

  it('gives a light one that has nothing to do its turns, and not all that comes', () => {
    expect(picks(poolOf([4, 1], [1, 0]), 5).sort()).toEqual([0, 0, 0, 0, 1]);
  });

  it('compares them by weight, with the one that is to come', () => {
    expect(picks(poolOf([4, 1], [6, 1]), 3)).toEqual([0, 0, 0]);
    expect(picks(poolOf([4, 1], [8, 1]), 3)).toEqual([1, 1, 1]);
  });

  it('counts what other workers have in flight', () => {
    const pool = poolOf([1, 1], [0, 1]);
    const { table } = pool;
    const other = new Table(table, table.buffer, 1);
    for (let i = 0; i < 2; i++) other.enter(0, other.generation(0), 1 << State.up);
    expect(pool.pick()).toBe(1);
  });

  it('goes in turn by weight while all are idle', () => {
    expect(picks(poolOf([1, 1, 1], []), 6)).toEqual([0, 1, 2, 0, 1, 2]);
    expect(picks(poolOf([5, 1, 1], []), 7)).toEqual([0, 0, 1, 0, 2, 0, 0]);
  });

  it('gives equal ones equal shares although a busy one is before one of them', () => {
    const pool = poolOf([1, 1, 1, 1], [0, 9, 9, 0]);
    const counts = countsOf(picks(pool, 20_000), 4);
    expect(counts[1] + counts[2]).toBe(0);
    // Seven standard deviations.
    expect(Math.abs(counts[0] - 10_000)).toBeLessThan(500);
  });

  it('takes a better one than those that were tried or went down', () => {
    const pool = poolOf([1, 1, 1, 1], [0, 0, 5, 2]);
    pool.table.setState(1, State.down);
    expect(picks(pool, 4, [0])).toEqual([3, 3, 3, 3]);
  });

  it('takes nobody when all were tried or are down', () => {
    const pool = poolOf([1, 1], []);
    pool.table.setState(1, State.down);
    expect(pool.pick([0])).toBe(-1);
  });

  it('of many takes the best of a sample: mostly one of the idle half', () => {
    const weights = new Array(600).fill(1);
    const pool = poolOf(
      weights,
      weights.map((_, slot) => slot % 2),
    );
    const busy = picks(pool, 4000).filter((slot) => slot % 2 === 1).length;
    // All three are of the busy half in one of 8 cases.
    expect(busy).toBeGreaterThan(4000 / 8 / 2);
    expect(busy).toBeLessThan((4000 / 8) * 2);
  });
});
