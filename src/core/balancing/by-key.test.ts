import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { State } from '../table/table.ts';
import type { PolicyFactory } from './balancing.ts';
import { ByKey, byName, type Placed } from './by-key.ts';

/** A place for each of twelve keys, in two words, of three backends. */
const PLACES = { words: 2, looks: 4, placeOf: (_: Int32Array, key: number) => 2 * (key % 12) };
const placement = (): Int32Array =>
  Int32Array.from({ length: 24 }, (_, word) => (word % 2 === 0 ? Math.floor(word / 8) : 99));

const factory: PolicyFactory = (deps) => new ByKey(deps, PLACES);

function poolOf(boundedLoad: number | null = null): PickingPool {
  const pool = new PickingPool(factory, 1, placement, boundedLoad);
  pool.rebuild([0, 1, 2]);
  return pool;
}

describe('by key', () => {
  it('goes to whose place it is, and on from there, round the end', () => {
    const pool = poolOf();
    expect([0, 3, 4, 11].map((key) => pool.pick([], key))).toEqual([0, 0, 1, 2]);
    pool.table.setState(2, State.down);
    expect(pool.pick([], 8)).toBe(0);
    expect(pool.pick([0], 8)).toBe(1);
  });

  it('looks no longer for somebody than it takes to have seen all', () => {
    const pool = poolOf();
    let looks = 0;
    const look = pool.table.canTake.bind(pool.table);
    pool.table.canTake = (slot, states) => {
      looks += 1;
      return look(slot, states);
    };
    for (const slot of [0, 1, 2]) pool.table.setState(slot, State.down);
    expect(pool.pick([], 5)).toBe(-1);
    expect(looks).toBe(12);
  });

  it('without room goes to other places of the key, not to the next one', () => {
    const pool = poolOf(1.25);
    pool.load(0, 5);
    const slots = [0, 1, 2, 3].map((key) => pool.pick([], key));
    expect(slots).not.toContain(0);
    // All of them would be 1, the next place's.
    expect(slots).toContain(2);
  });
});

it('backends are in the order of their names, whatever order they come in', () => {
  const placed = (hash: number, otherHash: number): Placed => ({
    slot: 0,
    weight: 1,
    hash,
    otherHash,
  });
  const [a, b, c] = [placed(1, 5), placed(1, 7), placed(4_000_000_000, 0)];
  expect(byName([c, b, a])).toEqual([a, b, c]);
});
