import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { createInTurn } from './in-turn.ts';

describe('round robin in a worker', () => {
  it('takes the next turn, whatever is in flight', () => {
    const pool = new PickingPool(createInTurn);
    pool.rebuild([3, 1, 2]);
    pool.load(3, 50);
    expect(Array.from({ length: 5 }, () => pool.pick())).toEqual([3, 1, 2, 3, 1]);
  });
});
