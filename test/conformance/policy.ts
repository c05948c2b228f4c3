/**
 * What every policy keeps, whatever it chooses by. A policy's own test adds what is special to it.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyFactory } from '../../src/core/balancing/balancing.ts';
import { DrawingPolicy } from '../fixtures/drawing-policy.ts';

/** Slots as the table might give them: in no order, with gaps. */
const members = fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 12 });

const weighted = members.chain((slots) =>
  fc.tuple(
    fc.constant(slots),
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: slots.length, maxLength: slots.length }),
  ),
);

const make = (factory: PolicyFactory) => new DrawingPolicy(factory);

function countPicks(policy: DrawingPolicy, picks: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (let pick = 0; pick < picks; pick++) {
    const slot = policy.pick();
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
  }
  return counts;
}

/** Registers the suite; `name` is the policy's name in YAML. */
export function policyConformance(name: string, factory: PolicyFactory): void {
  describe(`${name}, as every policy`, () => {
    it('answers -1 when nobody is eligible', () => {
      const policy = make(factory);
      policy.rebuild([], []);
      expect(policy.pick()).toBe(-1);
      policy.rebuild([7], [1]);
      expect(policy.pick()).toBe(7);
      policy.rebuild([], []);
      expect(policy.pick()).toBe(-1);
      policy.rebuild([8], [1]);
      expect(policy.pick()).toBe(8);
    });

    it('picks only those it was given last', () => {
      fc.assert(
        fc.property(fc.array(weighted, { minLength: 1, maxLength: 5 }), (sets) => {
          const policy = make(factory);
          for (const [slots, weights] of sets) {
            policy.rebuild(slots, weights);
            for (const slot of countPicks(policy, 50).keys()) expect(slots).toContain(slot);
          }
        }),
        { numRuns: 50 },
      );
    });

    it('gives each backend its share by weight, within the noise of chance', () => {
      fc.assert(
        fc.property(weighted, ([slots, weights]) => {
          const policy = make(factory);
          policy.rebuild(slots, weights);
          const total = weights.reduce((a, b) => a + b, 0);
          const picks = 400 * total;
          const counts = countPicks(policy, picks);
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

    it('does not keep the slots it was given: the caller may change its list', () => {
      const slots = [1, 2];
      const policy = make(factory);
      policy.rebuild(slots, [1, 1]);
      slots[0] = 9;
      slots[1] = 9;
      expect([...countPicks(policy, 50).keys()].sort()).toEqual([1, 2]);
    });

    it('starves nobody although the set changes after every pick', () => {
      const policy = make(factory);
      const counts = new Map<number, number>();
      for (let round = 0; round < 3000; round++) {
        const flapping = round % 2 === 0;
        policy.rebuild(flapping ? [1, 2, 3, 4] : [1, 2, 4], flapping ? [8, 1, 2, 1] : [8, 1, 1]);
        const slot = policy.pick();
        counts.set(slot, (counts.get(slot) ?? 0) + 1);
      }
      for (const slot of [1, 2, 4]) expect(counts.get(slot) ?? 0).toBeGreaterThan(60);
    });
  });
}
