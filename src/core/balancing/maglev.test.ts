import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { hashText } from '../base/hash.ts';
import { State } from '../table/table.ts';
import type { Placed } from './by-key.ts';
import { createMaglev, maglevTable } from './maglev.ts';

const backend = (n: number, weight = 1): Placed => ({
  slot: n,
  weight,
  hash: hashText(`server-${n}`),
  otherHash: hashText(`server-${n}`, 1),
});

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const countsOf = (table: Int32Array, backends: number): number[] => {
  const counts = new Array(backends).fill(0);
  for (const slot of table) counts[slot] += 1;
  return counts;
};

/** Places whose backend differs, of those that were not `gone`'s. */
function moved(before: Int32Array, after: Int32Array, gone: ReadonlySet<number>) {
  let all = 0;
  let needless = 0;
  before.forEach((slot, place) => {
    if (after[place] === slot) return;
    all += 1;
    if (!gone.has(slot)) needless += 1;
  });
  return { all: all / before.length, needless: needless / before.length };
}

describe('the table of Maglev', () => {
  it.each([
    [10, 65_537, 6553, 6554],
    [100, 65_537, 655, 656],
    [1000, 65_537, 65, 66],
    [1000, 655_373, 655, 656],
  ])('gives each of %i backends of %i places from %i to %i', (n, places, least, most) => {
    const counts = countsOf(
      maglevTable(
        range(n).map((i) => backend(i)),
        places,
      ),
      n,
    );
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([least, most]);
  });

  it('has so many places that each backend has a hundred', () => {
    expect(maglevTable(range(655).map((i) => backend(i))).length).toBe(65_537);
    expect(maglevTable(range(656).map((i) => backend(i))).length).toBe(655_373);
  });

  // The mean of 20 repetitions, and ten of their standard deviations.
  it.each([
    [1000, 65_537, 0.001, 0.00676, 0.0023],
    [1000, 65_537, 0.01, 0.03325, 0.0045],
    [1000, 65_537, 0.05, 0.0826, 0.0051],
    [100, 65_537, 0.01, 0.0154, 0.0025],
  ])(
    'moves of %i backends and %i places little when a part of %d fails',
    (n, places, part, share, noise) => {
      const before = maglevTable(
        range(n).map((i) => backend(i)),
        places,
      );
      const gone = new Set(range(Math.round(n * part)).map((i) => (i * 37) % n));
      const left = range(n).filter((i) => !gone.has(i));
      const after = maglevTable(
        left.map((i) => backend(i)),
        places,
      );
      expect(Math.abs(moved(before, after, gone).all - share)).toBeLessThan(noise);
    },
  );

  it('gives shares by weight', () => {
    const counts = countsOf(maglevTable([backend(0, 3), backend(1, 1), backend(2, 6)]), 3);
    [0.3, 0.1, 0.6].forEach((share, i) => {
      expect(Math.abs(counts[i] / 65_537 - share)).toBeLessThan(0.0001);
    });
  });

  it('is made as fast for weights that are far apart', () => {
    const backends = range(5000).map((i) => backend(i, i === 0 ? 1_000_000 : 1));
    const counts = countsOf(maglevTable(backends), 5000);
    expect(counts.reduce((a, b) => a + b)).toBe(655_373);
    expect(Math.abs(counts[0] / 655_373 - 1_000_000 / 1_004_999)).toBeLessThan(0.0003);
    expect(Math.max(...counts.slice(1))).toBe(1);
  });

  it('is the same in whatever order the backends come', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(range(12), { minLength: 1 }), (some) => {
        const sorted = [...some].sort((a, b) => a - b);
        const table = maglevTable(
          some.map((i) => backend(i)),
          1009,
        );
        expect(table).toEqual(
          maglevTable(
            sorted.map((i) => backend(i)),
            1009,
          ),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('of nobody is empty', () => {
    expect(maglevTable([]).length).toBe(0);
  });
});

describe('maglev', () => {
  const place = (slots: readonly number[], weights: readonly number[]): Int32Array =>
    maglevTable(
      slots.map((slot, i) => backend(slot, weights[i])),
      1009,
    );

  function poolOf(backends: number): PickingPool {
    const pool = new PickingPool(createMaglev, 1, place);
    pool.rebuild(range(backends));
    return pool;
  }

  it('takes the same backend for the same key, whatever is picked in between', () => {
    const pool = poolOf(5);
    const first = range(200).map((key) => pool.pick([], key * 7919));
    expect(new Set(first).size).toBe(5);
    expect(range(200).map((key) => pool.pick([], key * 7919))).toEqual(first);
  });

  it('sends only the keys of one that went down to others, until the schedule is made anew', () => {
    const pool = poolOf(5);
    const before = range(500).map((key) => pool.pick([], key));
    pool.table.setState(3, State.down);
    const after = range(500).map((key) => pool.pick([], key));
    after.forEach((slot, key) => {
      if (before[key] === 3) expect(slot).not.toBe(3);
      else expect(slot).toBe(before[key]);
    });
  });

  it('goes on to another one for each that was tried', () => {
    const pool = poolOf(3);
    const tried: number[] = [];
    for (let n = 0; n < 3; n++) tried.push(pool.pick(tried, 77));
    expect([...tried].sort()).toEqual([0, 1, 2]);
    expect(pool.pick(tried, 77)).toBe(-1);
  });

  it('looks no longer for somebody than it takes to have seen all', () => {
    const pool = poolOf(3);
    let looks = 0;
    const look = pool.table.canTake.bind(pool.table);
    pool.table.canTake = (slot, states) => {
      looks += 1;
      return look(slot, states);
    };
    for (let slot = 0; slot < 3; slot++) pool.table.setState(slot, State.down);
    expect(pool.pick([], 5)).toBe(-1);
    expect(looks).toBeLessThanOrEqual(60);
  });

  it('takes whose turn it is without a key', () => {
    const pool = poolOf(3);
    expect(range(5).map(() => pool.pick())).toEqual([0, 1, 2, 0, 1]);
  });
});
