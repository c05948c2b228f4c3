import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { State, statesOf } from '../table/table.ts';
import { createInTurn } from './in-turn.ts';
import { isLessBusy, kept, mayPick } from './loads.ts';

describe('a backend', () => {
  const up = statesOf(State.up);

  it('is known by e less after ten seconds, and not at all after a long time', () => {
    const { table } = new PickingPool(createInTurn);
    table.setCost(0, 1, 1000);
    expect(kept(table, 0, 1000)).toBe(1);
    expect(kept(table, 0, 999)).toBe(1);
    for (const seconds of [0.1, 1.234, 10, 33.3, 159]) {
      const now = 1000 + 1000 * seconds;
      expect(Math.abs(kept(table, 0, now) / Math.exp(-seconds / 10) - 1)).toBeLessThan(1e-4);
    }
    expect(kept(table, 0, 200_000)).toBe(0);
  });

  it('is not known by what was before the clock was set back; another thread may be ahead', () => {
    const { table } = new PickingPool(createInTurn);
    table.setCost(0, 1, 3_600_000);
    expect(kept(table, 0, 3_599_000)).toBe(1);
    expect(kept(table, 0, 3_598_999)).toBe(0);
    expect(kept(table, 0, 0)).toBe(0);
  });

  it('may be picked when it is in the state and was not tried', () => {
    const { table } = new PickingPool(createInTurn);
    table.setState(1, State.down);
    expect([0, 1].map((slot) => mayPick(table, slot, up, []))).toEqual([true, false]);
    expect([0, 2].map((slot) => mayPick(table, slot, up, [2, 1]))).toEqual([true, false]);
  });

  it('is less busy by what is in flight for its weight, and equal ones are not', () => {
    const pool = new PickingPool(createInTurn);
    pool.rebuild([0, 1], [4, 1]);
    pool.load(0, 3);
    pool.load(1, 1);
    expect([isLessBusy(pool.table, 0, 1, false), isLessBusy(pool.table, 1, 0, false)]).toEqual([
      true,
      false,
    ]);
    pool.load(0, 1);
    expect([isLessBusy(pool.table, 0, 1, false), isLessBusy(pool.table, 1, 0, false)]).toEqual([
      false,
      false,
    ]);
  });
});
