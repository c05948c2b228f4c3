import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { State } from '../table/table.ts';
import { Room } from './bounded-load.ts';
import { createInTurn } from './in-turn.ts';

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A pool, and who has room in it. */
function roomOf(factor: number, weights: readonly number[]) {
  const pool = new PickingPool(createInTurn);
  pool.rebuild(range(weights.length), weights);
  const room = new Room(pool.table, factor);
  room.look(pool.schedule);
  return { pool, room };
}

/** How many a backend takes until it is full, while `others` are in flight elsewhere. */
function fill({ pool, room }: ReturnType<typeof roomOf>, slot: number): number {
  for (let taken = 0; ; taken++) {
    room.look(pool.schedule);
    if (!room.has(slot)) return taken;
    pool.load(slot);
  }
}

describe('a backend has room', () => {
  it('for one, whatever its weight', () => {
    const at = roomOf(1.01, [1, 1000]);
    expect(fill(at, 0)).toBe(1);
  });

  it.each([
    // ceil(c * (m + 1) / n) with m in flight at the moment: q < c * (q + 10 + 1) / 2
    [1.25, [1, 1], 10, 19],
    // q < 1.5 * (q + 11) * 2 / 3 is always so: a bound above its share of all
    [1.5, [1, 3], 10, 7],
    // At the bound to the last digit: q < 1.1 * (q + 17 + 1) / 11, where floats may round up
    [1.1, range(11).map(() => 1), 17, 2],
  ])('with a bound of %d, weights %j and %i elsewhere for %i', (factor, weights, others, most) => {
    const at = roomOf(factor, weights);
    at.pool.load(1, others);
    expect(fill(at, 0)).toBe(most);
  });

  it('of two hundred, by a count that is seven picks old at most', () => {
    const at = roomOf(
      1.25,
      range(200).map(() => 1),
    );
    for (const slot of range(200)) if (slot > 0) at.pool.load(slot, 4);
    // 797 in flight, and nobody has looked since there were none.
    at.pool.load(0);
    expect(at.room.has(0)).toBe(false);
    for (let look = 0; look < 7; look++) at.room.look(at.pool.schedule);
    expect(at.room.has(0)).toBe(true);
    // Six in all: five is below 1.25 * (802 + 1) / 200, six is not.
    expect(fill(at, 0)).toBe(5);
  });
});

describe('without a key', () => {
  it('goes whose turn it is, but past those that are full, gone or tried', () => {
    const { pool, room } = roomOf(1.25, [1, 1, 1, 1, 1]);
    pool.load(1, 9);
    pool.table.setState(2, State.down);
    room.look(pool.schedule);
    const turns = range(6).map(() => room.inTurn(pool.schedule, [4]));
    expect(turns).toEqual([0, 3, 0, 3, 0, 3]);
  });

  it('finds the one with room that has its turn once in a thousand', () => {
    const { pool, room } = roomOf(1.01, [1000, 1]);
    pool.load(0, 5);
    expect(room.inTurn(pool.schedule, [0])).toBe(1);
    expect(room.inTurn(pool.schedule, [0, 1])).toBe(-1);
  });
});
