import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DrawnOrder, plainMemory } from '../../../test/fixtures/drawn-order.ts';
import { createRoundRobin } from './round-robin.ts';
import { Schedule, scheduleKind } from './schedule.ts';

const [A, B, C, D] = [10, 11, 12, 13];

function roundRobin(slots: readonly number[], weights = slots.map(() => 1)) {
  const policy = new DrawnOrder();
  policy.rebuild(slots, weights);
  return { policy };
}

const picks = (policy: { pick(): number }, number: number): number[] =>
  Array.from({ length: number }, () => policy.pick());

const equally = (slots: readonly number[]): number[] => slots.map(() => 1);

describe('round robin over equal weights', () => {
  it('takes the backends in configured order, from the first', () => {
    const { policy } = roundRobin([C, A, B]);
    expect(picks(policy, 7)).toEqual([C, A, B, C, A, B, C]);
  });

  it('takes equal weights above 1 in the same order', () => {
    const { policy } = roundRobin([A, B], [300, 300]);
    expect(picks(policy, 4)).toEqual([A, B, A, B]);
  });

  it('shares one order among all workers that know its memory', () => {
    const policy = new DrawnOrder();
    const { words } = policy.rebuild([A, B, C], [1, 1, 1]);
    expect(policy.pick()).toBe(A);
    const other = new Schedule(words.buffer);
    expect([other.draw(), policy.pick(), other.draw()]).toEqual([B, C, A]);
  });
});

describe('who is in reserve', () => {
  it('makes another schedule, which goes on where the one before was', () => {
    const order = createRoundRobin(plainMemory);
    const first = order.rebuild([A, B, C], [1, 1, 1], [D]);
    expect([first.draw(), [...first.reserve]]).toEqual([A, [D]]);
    expect(order.rebuild([A, B, C], [1, 1, 1], [D])).toBe(first);
    const second = order.rebuild([A, B, C], [1, 1, 1]);
    expect([second.draw(), [...second.reserve]]).toEqual([B, []]);
  });

  it('moves no places by hash: they are not even made anew', () => {
    let made = 0;
    const order = createRoundRobin(plainMemory, (slots) => {
      made += 1;
      return Int32Array.from(slots);
    });
    order.rebuild([A, B], [1, 1], [C]);
    expect([...order.rebuild([A, B], [1, 1]).placement]).toEqual([A, B]);
    expect(made).toBe(1);
    order.rebuild([A, B, C], [1, 1, 1]);
    expect(made).toBe(2);
  });
});

describe('round robin when the set changes', () => {
  it('goes on as before when nothing is different', () => {
    for (let before = 0; before < 14; before++) {
      const { policy } = roundRobin([A, B], [4, 3]);
      const { policy: other } = roundRobin([A, B], [4, 3]);
      expect(picks(policy, before)).toEqual(picks(other, before));
      policy.rebuild([A, B], [4, 3]);
      expect(picks(policy, 14)).toEqual(picks(other, 14));
    }
  });

  it('goes on after the last picked when that one has left', () => {
    const { policy } = roundRobin([A, B, C]);
    expect(policy.pick()).toBe(A);
    policy.rebuild([A, C], [1, 1]);
    expect(policy.pick()).toBe(C);
    policy.rebuild([A, B, C], [1, 1, 1]);
    expect(picks(policy, 4)).toEqual([A, B, C, A]);
  });

  it('lets who comes back have its turn when nobody was picked meanwhile', () => {
    const { policy } = roundRobin([A, B, C]);
    expect(policy.pick()).toBe(A);
    policy.rebuild([A, C], [1, 1]);
    policy.rebuild([A, B, C], [1, 1, 1]);
    expect(policy.pick()).toBe(B);
  });

  it('goes on with the successor of one that was picked last and left', () => {
    const { policy } = roundRobin([A, B, C, D]);
    expect(picks(policy, 2)).toEqual([A, B]);
    policy.rebuild([A, D], [1, 1]);
    expect(picks(policy, 3)).toEqual([D, A, D]);
  });

  it('goes on after the last picked although everybody was away in between', () => {
    const { policy } = roundRobin([A, B, C]);
    expect(policy.pick()).toBe(A);
    policy.rebuild([], []);
    expect(policy.pick()).toBe(-1);
    policy.rebuild([A, B, C], [1, 1, 1]);
    expect(policy.pick()).toBe(B);
  });

  it('starts with the first when all are new', () => {
    const { policy } = roundRobin([A, B]);
    policy.pick();
    policy.rebuild([C, D], [1, 1]);
    expect(policy.pick()).toBe(C);
  });

  it('changes nothing when the same set is given again, whatever the weights', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 0, max: 60 }), (given, before) => {
        const slots = given.map((_, index) => index);
        const still = roundRobin(slots, given).policy;
        const { policy } = roundRobin(slots, given);
        for (let pick = 0; pick < before; pick++) {
          policy.rebuild(slots, given);
          expect(policy.pick()).toBe(still.pick());
        }
      }),
    );
  });

  it('serves every backend once between two changes of an equal set', () => {
    const sets = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1 }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(sets, fc.integer({ min: 0, max: 30 }), (all, before) => {
        const { policy } = roundRobin([0, 1, 2]);
        for (const set of all) {
          picks(policy, before);
          policy.rebuild(set, equally(set));
          expect(picks(policy, set.length).sort()).toEqual([...set].sort());
        }
      }),
    );
  });
});

describe('round robin near the ends of its cursor', () => {
  for (const [name, end] of [
    ['2^31', 0x80000000],
    ['2^32', 0x100000000],
  ] as const) {
    it(`keeps its order across ${name}`, () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 90 }), (n, less) => {
          const slots = Array.from({ length: n }, (_, index) => index);
          const { policy } = roundRobin(slots);
          const cursor = end - 1 - less;
          policy.cursor = cursor;
          const expected = Array.from({ length: 200 }, (_, pick) => (cursor + pick) % n);
          expect(picks(policy, 200)).toEqual(expected);
          expect(policy.cursor).toBeLessThan(0x80000000 + 1);
        }),
      );
    });
  }

  it('goes on after the last picked across the end', () => {
    const { policy } = roundRobin([A, B, C]);
    // 2^31 mod 3 is 2: the ticket before 2^31 is B's.
    policy.cursor = 0x80000000 - 1;
    expect(policy.pick()).toBe(B);
    policy.rebuild([A, B, C, D], [1, 1, 1, 1]);
    expect(picks(policy, 3)).toEqual([C, D, A]);
  });
});

describe('round robin over unequal weights', () => {
  it('is exact over every cycle, wherever the cycle begins', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 0, max: 200 }), (given, offset) => {
        const slots = given.map((_, index) => index);
        const { policy } = roundRobin(slots, given);
        picks(policy, offset);
        const cycle = picks(
          policy,
          given.reduce((a, b) => a + b, 0),
        );
        const counts = slots.map((slot) => cycle.filter((picked) => picked === slot).length);
        expect(counts).toEqual(given);
      }),
    );
  });

  it('keeps the shares of those that stay while another one flaps', () => {
    const { policy } = roundRobin([0, 1, 2, 3], [8, 1, 4, 1]);
    const counts = [0, 0, 0, 0];
    for (let change = 0; change < 3000; change++) {
      if (change % 2 === 0) policy.rebuild([0, 1, 3], [8, 1, 1]);
      else policy.rebuild([0, 1, 2, 3], [8, 1, 4, 1]);
      counts[policy.pick()]++;
    }
    // A half of the time 1 of 10, the other half 1 of 14: 257 of 3000.
    expect(Math.abs(counts[1] - 257)).toBeLessThan(26);
    expect(Math.abs(counts[3] - 257)).toBeLessThan(26);
  });

  it('goes on by stride where it was, and never back', () => {
    const weights = [4_000_037, 2_000_003, 2_000_001];
    const still = roundRobin([0, 1, 2], weights).policy;
    const { policy } = roundRobin([0, 1, 2], weights);
    for (let pick = 0; pick < 500; pick++) {
      policy.rebuild([0, 1, 2], weights);
      expect(policy.pick()).toBe(still.pick());
      const before = policy.cursor;
      policy.rebuild([1, 2], weights.slice(1));
      policy.rebuild([0, 1, 2], weights);
      expect(policy.cursor).toBeGreaterThanOrEqual(before);
      policy.cursor = before;
    }
  });

  it('goes on by stride although the heaviest flaps', () => {
    const weights = [4_000_037, 2_000_003, 2_000_001];
    const { policy } = roundRobin([0, 1, 2], weights);
    const counts = [0, 0, 0];
    for (let change = 0; change < 300; change++) {
      if (change % 2 === 0) policy.rebuild([1, 2], weights.slice(1));
      else policy.rebuild([0, 1, 2], weights);
      for (const slot of picks(policy, 100)) counts[slot]++;
    }
    // Half of the picks are shared 0:1:1, half 2:1:1: a quarter and three eighths of 30,000.
    expect(Math.abs(counts[0] - 7500)).toBeLessThan(200);
    expect(Math.abs(counts[1] - 11_250)).toBeLessThan(200);
  });

  it('goes by stride when the weights are too unequal, across a change and the end', () => {
    const weights = [4_000_037, 2_000_003, 1];
    const { policy } = roundRobin([0, 1, 2], weights);
    expect(scheduleKind(weights)).toBe('stride');
    const share = (cycle: readonly number[]): number => cycle.filter((slot) => slot === 0).length;
    expect(share(picks(policy, 3000))).toBeGreaterThan(1990);
    policy.rebuild([0, 1], weights.slice(0, 2));
    expect(share(picks(policy, 3000))).toBeGreaterThan(1990);
    policy.cursor = 0x100000000 - 100;
    expect(share(picks(policy, 3000))).toBeGreaterThan(1990);
  });
});
