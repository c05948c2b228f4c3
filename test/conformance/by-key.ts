/**
 * What every policy that goes by a key keeps, wherever its places are. `name`: in YAML. `needless`:
 * how many of the keys of others may move when one of ten comes or goes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placers, policies } from '../../src/core/balancing/balancing.ts';
import { hashText, mix } from '../../src/core/base/hash.ts';
import { createRng } from '../../src/core/base/rng.ts';
import type { PolicyName } from '../../src/core/config.ts';
import { State } from '../../src/core/table/table.ts';
import { PickingPool } from '../fixtures/picking-pool.ts';

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

const KEYS = 4000;
const keyOf = (n: number): number => mix(n + 1) >>> 1;

function poolFor(name: PolicyName, boundedLoad: number | null = null): PickingPool {
  const place = (slots: readonly number[], weights: readonly number[]): Int32Array =>
    placers[name]!(
      slots.map((slot, i) => ({
        slot,
        weight: weights[i],
        hash: hashText(`server-${slot}`),
        otherHash: hashText(`server-${slot}`, 1),
      })),
    );
  return new PickingPool(policies[name], 1, place, boundedLoad);
}

const whose = (pool: PickingPool): number[] => range(KEYS).map((n) => pool.pick([], keyOf(n)));

/** Registers the suite. */
export function byKeyConformance(name: PolicyName, needless: number): void {
  const poolOf = (slots: readonly number[], weights?: readonly number[]): PickingPool => {
    const pool = poolFor(name);
    pool.rebuild(slots, weights);
    return pool;
  };

  describe(`${name}, as every policy that goes by a key`, () => {
    it('sends a key to the same backend, in whatever order they are written', () => {
      fc.assert(
        fc.property(fc.shuffledSubarray(range(12), { minLength: 1 }), (slots) => {
          const weights = slots.map((slot) => 1 + (slot % 3));
          const sorted = [...slots].sort((a, b) => a - b);
          const other = poolOf(
            sorted,
            sorted.map((slot) => 1 + (slot % 3)),
          );
          const pool = poolOf(slots, weights);
          for (let n = 0; n < 50; n++) {
            expect(pool.pick([], keyOf(n))).toBe(other.pick([], keyOf(n)));
          }
        }),
        { numRuns: 20 },
      );
    });

    it('moves the keys of one that goes to all others, and those of others hardly or not', () => {
      const before = whose(poolOf(range(10)));
      const after = whose(poolOf(range(10).filter((slot) => slot !== 3)));
      const moved = range(KEYS).filter((n) => before[n] !== after[n]);
      const others = moved.filter((n) => before[n] !== 3);
      expect(moved.length - others.length).toBe(before.filter((slot) => slot === 3).length);
      expect(others.length / KEYS).toBeLessThanOrEqual(needless);
      expect(new Set(moved.map((n) => after[n])).size).toBe(9);
    });

    it('gives one that comes a part of the keys of all, and moves others hardly or not', () => {
      const before = whose(poolOf(range(10)));
      const after = whose(poolOf(range(11)));
      const moved = range(KEYS).filter((n) => before[n] !== after[n]);
      const others = moved.filter((n) => after[n] !== 10);
      expect(others.length / KEYS).toBeLessThanOrEqual(needless);
      expect(Math.abs((moved.length - others.length) / KEYS - 1 / 11)).toBeLessThan(0.025);
      expect(new Set(moved.map((n) => before[n])).size).toBe(10);
    });

    it.each([[[5, 1, 1]], [[1, 2, 3, 4]], [[20, 20, 10]]])(
      'gives shares by the weights %j',
      (weights) => {
        const slots = whose(poolOf(range(weights.length), weights));
        weights.forEach((weight, i) => {
          const share = slots.filter((slot) => slot === i).length / KEYS;
          const fair = weight / sum(weights);
          expect(Math.abs(share - fair) / fair).toBeLessThan(0.3);
        });
      },
    );

    it('passes over who has gone or was tried, and sends his keys back when he is there', () => {
      const pool = poolOf(range(5));
      const before = whose(pool);
      pool.table.setState(2, State.down);
      const after = whose(pool);
      expect(after).not.toContain(2);
      for (let n = 0; n < KEYS; n++) if (before[n] !== 2) expect(after[n]).toBe(before[n]);
      for (let n = 0; n < 100; n++) {
        expect([2, before[n]]).not.toContain(pool.pick([before[n]], keyOf(n)));
      }
      pool.table.setState(2, State.up);
      expect(whose(pool)).toEqual(before);
    });

    it('finds each one there is for a key, one after the other, and then nobody', () => {
      const pool = poolOf(range(4), [4, 1, 2, 1]);
      for (let n = 0; n < 100; n++) {
        const tried: number[] = [];
        for (let left = 4; left > 0; left--) tried.push(pool.pick(tried, keyOf(n)));
        expect([...tried].sort()).toEqual([0, 1, 2, 3]);
        expect(pool.pick(tried, keyOf(n))).toBe(-1);
      }
    });

    it('has nobody in an empty pool, and one alone in a pool of one', () => {
      const pool = poolOf([]);
      expect(pool.pick([], keyOf(1))).toBe(-1);
      pool.rebuild([7]);
      expect(new Set(whose(pool))).toEqual(new Set([7]));
    });

    it('takes keys at the ends of their range', () => {
      const pool = poolOf(range(3));
      for (const key of [0, 1, 2 ** 31 - 2, 2 ** 31 - 1]) {
        expect([0, 1, 2]).toContain(pool.pick([], key));
      }
    });

    it('takes whose turn it is without a key', () => {
      const pool = poolOf(range(3));
      expect(range(5).map(() => pool.pick())).toEqual([0, 1, 2, 0, 1]);
    });
  });

  boundedLoadConformance(name);
}

/** At this moment, for one more: max(1, ceil(factor x (in flight + 1) x weight / all weights)). */
const capOf = (factor: number, inFlight: number, weight: number, all: number): number =>
  Math.max(1, Math.ceil((factor * (inFlight + 1) * weight) / all - 1e-9));

/** Exchanges come and go, two in three for one of three keys; says by how many a cap is passed. */
function mostOver(pool: PickingPool, weights: readonly number[], factor: number, keyless: boolean) {
  const rng = createRng(11);
  const { table } = pool;
  const inFlight: number[] = [];
  let over = 0;
  for (let step = 0; step < 3000; step++) {
    // Now more come than go, now more go.
    const leaves = rng.chance(step % 1000 < 600 ? 1 : 3, 4);
    if (leaves && inFlight.length > 0) {
      const [slot] = inFlight.splice(rng.below(inFlight.length), 1);
      table.leave(slot);
    } else if (!leaves) {
      const key = keyless ? -1 : keyOf(rng.chance(2, 3) ? rng.below(3) : rng.below(KEYS));
      const slot = pool.pick([], key);
      const cap = capOf(factor, inFlight.length, weights[slot], sum(weights));
      over = Math.max(over, table.inFlight(slot) + 1 - cap);
      pool.load(slot);
      inFlight.push(slot);
    }
  }
  return over;
}

function boundedLoadConformance(name: PolicyName): void {
  describe(`${name} with bounded_load`, () => {
    it.each([
      [1.01, [1, 1]],
      [1.25, [1, 1, 1, 1, 1, 1, 1, 1]],
      [1.25, [5, 1, 1]],
      [1.1, [1, 2, 3, 4, 5, 6, 7]],
      [1.5, [1000, 1]],
      [2, range(32).map(() => 1)],
    ])('never gives a backend more than %d times its share, weights %j', (factor, weights) => {
      for (const keyless of [false, true]) {
        const pool = poolFor(name, factor);
        pool.rebuild(range(weights.length), weights);
        expect(mostOver(pool, weights, factor, keyless)).toBe(0);
      }
    });

    it('of hundreds that are counted in turn, gives none one more than it might have', () => {
      const weights = range(200).map(() => 1);
      const pool = poolFor(name, 1.25);
      pool.rebuild(range(200), weights);
      expect(mostOver(pool, weights, 1.25, false)).toBeLessThanOrEqual(1);
    });

    it('sends a key where it belongs while there is room, and back when there is again', () => {
      const free = poolFor(name);
      const pool = poolFor(name, 1.25);
      for (const each of [free, pool]) each.rebuild(range(8));
      expect(whose(pool)).toEqual(whose(free));
      const home = pool.pick([], keyOf(5));
      pool.load(home, 3);
      const elsewhere = pool.pick([], keyOf(5));
      expect(elsewhere).not.toBe(home);
      expect(range(20).map(() => pool.pick([], keyOf(5)))).toEqual(range(20).map(() => elsewhere));
      for (let n = 0; n < 3; n++) pool.table.leave(home);
      expect(pool.pick([], keyOf(5))).toBe(home);
    });

    it('spreads what is too much for one over all others', () => {
      const pool = poolFor(name, 1.25);
      pool.rebuild(range(8));
      const home = pool.pick([], keyOf(5));
      const keys = range(KEYS).filter((n) => pool.pick([], keyOf(n)) === home);
      pool.load(home, 3);
      const counts = new Map<number, number>();
      for (const n of keys) {
        const slot = pool.pick([], keyOf(n));
        counts.set(slot, (counts.get(slot) ?? 0) + 1);
      }
      expect(counts.has(home)).toBe(false);
      expect(counts.size).toBe(7);
      for (const count of counts.values()) expect(count).toBeLessThan((2 * keys.length) / 7);
    });

    it('takes one that is full before it finds nobody', () => {
      const pool = poolFor(name, 1.25);
      pool.rebuild([0, 1]);
      pool.load(0, 10);
      expect(pool.pick([1], keyOf(1))).toBe(0);
      expect(pool.pick([1], -1)).not.toBe(-1);
    });

    it('counts anew when other backends are there', () => {
      const pool = poolFor(name, 1.25);
      pool.rebuild(range(4));
      pool.load(0, 40);
      expect(whose(pool)).not.toContain(0);
      pool.rebuild([0, 9]);
      // Room for 1.25 * 41 / 2 = 26 on each.
      expect(new Set(whose(pool))).toEqual(new Set([9]));
      pool.load(9, 40);
      expect(new Set(whose(pool))).toEqual(new Set([0, 9]));
    });
  });
}
