/**
 * What every policy keeps, whatever it chooses by. A policy's own test adds what is special to it.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyFactory } from '../../src/core/balancing/balancing.ts';
import { createRng } from '../../src/core/base/rng.ts';
import { State } from '../../src/core/table/table.ts';
import { PickingPool } from '../fixtures/picking-pool.ts';

/** Slots as the table might give them: in no order, with gaps. */
const members = fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 12 });

const weighted = members.chain((slots) =>
  fc.tuple(
    fc.constant(slots),
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: slots.length, maxLength: slots.length }),
  ),
);

function countPicks(pool: PickingPool, picks: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (let pick = 0; pick < picks; pick++) {
    const slot = pool.pick();
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
  }
  return counts;
}

/** Counts picks while `busy` exchanges are in flight; a backend is as fast as its weight says. */
function countUnderLoad(
  pool: PickingPool,
  weights: ReadonlyMap<number, number>,
  busy: number,
  picks: number,
): Map<number, number> {
  const rng = createRng(7);
  const counts = new Map<number, number>();
  const begun = new Map<number, { atMs: number; others: number }[]>();
  for (const slot of weights.keys()) begun.set(slot, []);
  let inFlight = 0;
  for (let pick = 0; pick < picks; pick++) {
    const slot = pool.pick();
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
    begun.get(slot)!.push({ atMs: pool.nowMs, others: pool.table.inFlight(slot) });
    pool.load(slot);
    pool.nowMs += 1;
    inFlight += 1;
    if (inFlight < busy) continue;
    const working = [...weights].filter(([each]) => pool.table.inFlight(each) > 0);
    let left = rng.below(working.reduce((sum, [, weight]) => sum + weight, 0));
    const [done] = working.find(([, weight]) => {
      left -= weight;
      return left < 0;
    })!;
    const began = begun.get(done)!.shift()!;
    pool.observe(done, pool.nowMs - began.atMs, { others: began.others });
    pool.table.leave(done);
    inFlight -= 1;
  }
  return counts;
}

/** Registers the suite; `name` is the policy's name in YAML. */
export function policyConformance(name: string, factory: PolicyFactory): void {
  describe(`${name}, as every policy`, () => {
    it('answers -1 when nobody is eligible', () => {
      const pool = new PickingPool(factory);
      expect(pool.pick()).toBe(-1);
      pool.rebuild([7]);
      expect(pool.pick()).toBe(7);
      pool.rebuild([]);
      expect(pool.pick()).toBe(-1);
      pool.rebuild([8]);
      expect(pool.pick()).toBe(8);
    });

    it('picks only those it was given last', () => {
      fc.assert(
        fc.property(fc.array(weighted, { minLength: 1, maxLength: 5 }), (sets) => {
          const pool = new PickingPool(factory);
          for (const [slots, weights] of sets) {
            pool.rebuild(slots, weights);
            for (const slot of countPicks(pool, 50).keys()) expect(slots).toContain(slot);
          }
        }),
        { numRuns: 50 },
      );
    });

    it('gives each backend of an idle pool its share by weight, within the noise of chance', () => {
      fc.assert(
        fc.property(weighted, ([slots, weights]) => {
          const pool = new PickingPool(factory);
          pool.rebuild(slots, weights);
          const total = weights.reduce((a, b) => a + b, 0);
          const counts = countPicks(pool, 400 * total);
          slots.forEach((slot, index) => {
            const fair = 400 * weights[index];
            // Seven standard deviations of a fair draw: chance alone does not get there.
            const noise = 7 * Math.sqrt(fair);
            expect(Math.abs((counts.get(slot) ?? 0) - fair)).toBeLessThanOrEqual(noise);
          });
        }),
        { numRuns: 30 },
      );
    });

    it.each([
      [[1, 1], 3],
      [[1, 1, 1, 1, 1], 8],
      [[1, 1, 1, 1, 1], 60],
      [[3, 1], 8],
      [[5, 1, 1], 30],
      [[4, 2, 1], 40],
    ])('gives backends as fast as their weights %j their shares, %i at once', (weights, busy) => {
      const slots = weights.map((_, i) => 10 + 7 * i);
      const pool = new PickingPool(factory);
      pool.rebuild(slots, weights);
      const bySlot = new Map(slots.map((slot, i) => [slot, weights[i]] as const));
      const picks = 20_000;
      const counts = countUnderLoad(pool, bySlot, busy, picks);
      const total = weights.reduce((a, b) => a + b, 0);
      slots.forEach((slot, i) => {
        const share = (counts.get(slot) ?? 0) / picks;
        const fair = weights[i] / total;
        expect(Math.abs(share - fair) / fair).toBeLessThan(0.15);
      });
    });

    it('does not keep the slots it was given: the caller may change its list', () => {
      const slots = [1, 2];
      const pool = new PickingPool(factory);
      pool.rebuild(slots);
      slots[0] = 9;
      slots[1] = 9;
      expect([...countPicks(pool, 50).keys()].sort()).toEqual([1, 2]);
    });

    it('starves nobody although the set changes after every pick', () => {
      const pool = new PickingPool(factory);
      const counts = new Map<number, number>();
      for (let round = 0; round < 3000; round++) {
        const flapping = round % 2 === 0;
        pool.rebuild(flapping ? [1, 2, 3, 4] : [1, 2, 4], flapping ? [8, 1, 2, 1] : [8, 1, 1]);
        const slot = pool.pick();
        counts.set(slot, (counts.get(slot) ?? 0) + 1);
      }
      for (const slot of [1, 2, 4]) expect(counts.get(slot) ?? 0).toBeGreaterThan(60);
    });

    it('finds the last one that can be had, whoever was tried or has gone down', () => {
      const pool = new PickingPool(factory);
      const slots = Array.from({ length: 30 }, (_, i) => i);
      pool.rebuild(slots);
      for (const slot of slots) if (slot % 2 === 0) pool.table.setState(slot, State.down);
      const tried = slots.filter((slot) => slot !== 17);
      const picked = new Set<number>();
      for (let ask = 0; ask < 1000; ask++) picked.add(pool.pick(tried));
      expect(picked).toContain(17);
    });
  });
}
