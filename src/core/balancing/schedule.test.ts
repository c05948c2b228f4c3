import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainMemory } from '../../../test/fixtures/drawn-order.ts';
import type { Dice } from '../base/dice.ts';
import {
  identitySchedule,
  LONGEST_CYCLE,
  Schedule,
  scheduleKind,
  smoothSchedule,
  strideSchedule,
} from './schedule.ts';

/** Slots 0, 1, 2, ... as letters. */
const letters = (slots: readonly number[]): string =>
  slots.map((slot) => 'abcdefgh'[slot]).join('');

const range = (n: number): number[] => Array.from({ length: n }, (_, index) => index);

/** The turns of tickets 0 .. tickets - 1, without those that are nobody's. */
const order = (schedule: Schedule, tickets: number): number[] =>
  range(tickets)
    .map((ticket) => schedule.slotAt(ticket))
    .filter((slot) => slot >= 0);

const smooth = (weights: readonly number[], owed = weights.map(() => 0)) =>
  smoothSchedule(range(weights.length), weights, owed, plainMemory);

const stride = (weights: readonly number[], modulus?: number) =>
  strideSchedule(range(weights.length), weights, plainMemory, undefined, modulus);

describe('any schedule', () => {
  it('has those in reserve and the places beside its order, for who knows its memory', () => {
    const beside = { reserve: [7, 5], placement: Int32Array.of(1, 0, 1) };
    const made = [
      identitySchedule([0, 1], plainMemory, beside),
      smoothSchedule([0, 1], [2, 1], [0, 0], plainMemory, beside),
      strideSchedule([0, 1], [2, 1], plainMemory, beside),
    ];
    for (const schedule of made) {
      const known = new Schedule(schedule.words.buffer);
      expect([...known.slots]).toEqual([0, 1]);
      expect([...known.reserve]).toEqual([7, 5]);
      expect([...known.placement]).toEqual([1, 0, 1]);
      expect(order(known, known.length)).toEqual(order(schedule, schedule.length));
      expect(new Set(order(known, known.length))).toEqual(new Set([0, 1]));
    }
  });
});

describe('the smooth schedule', () => {
  it.each([
    [[5, 1, 1], 'aabacaa'],
    [[4, 2, 1], 'abacaba'],
    [[3, 2, 1], 'abacba'],
    [[10, 2, 2], 'aabacaa'],
  ])('orders weights %j as nginx does', (weights, expected) => {
    const schedule = smooth(weights);
    expect(letters(order(schedule, schedule.length))).toBe(expected);
    expect(schedule.cursor).toBe(0);
  });

  it('never lets a backend wait longer than about twice its fair distance', () => {
    const schedule = smooth([7, 3, 2, 1]);
    const cycle = letters(order(schedule, schedule.length));
    expect(cycle + cycle).not.toMatch(/[^a]{4}/);
    expect(cycle + cycle).not.toMatch(/[^b]{9}/);
  });

  it('starts where a backend that is owed a pick has its turn', () => {
    const schedule = smooth([5, 1, 1], [-0.2, -0.4, 0.6]);
    expect('abc'[schedule.slotAt(schedule.cursor)]).toBe('c');
  });

  it('starts where it stopped when what it gave itself is all that is owed', () => {
    const weights = [5, 2, 1];
    const schedule = smooth(weights);
    for (let drawn = 0; drawn < schedule.length; drawn++) {
      const got = order(schedule, drawn);
      const owed = weights.map((weight, index) => {
        return (drawn * weight) / 8 - got.filter((slot) => slot === index).length;
      });
      expect(smooth(weights, owed).cursor).toBe(drawn);
    }
  });
});

describe('the stride schedule', () => {
  it.each([
    [[5, 1, 1], 'acaabaaacaabaaacaabaa'],
    [[4, 2, 1], 'abcaabacabaabacabaaba'],
  ])('orders weights %j as gRPC does with its modulus', (weights, expected) => {
    const schedule = stride(weights, 65535);
    expect(letters(order(schedule, 90)).slice(0, expected.length)).toBe(expected);
  });

  it('gives exactly its weight to each over one cycle', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 7 });
    fc.assert(
      fc.property(weights, (given) => {
        const schedule = stride(given, Math.max(...given));
        const cycle = order(schedule, schedule.length);
        const counts = given.map((_, slot) => cycle.filter((picked) => picked === slot).length);
        expect(counts).toEqual(given);
      }),
    );
  });

  it('draws no more tickets for a pick than there are backends', () => {
    const schedule = stride([1, 1, 50, 1], 50);
    let waiting = 0;
    for (let ticket = 0; ticket < schedule.length; ticket++) {
      waiting = schedule.slotAt(ticket) < 0 ? waiting + 1 : 0;
      expect(waiting).toBeLessThan(4);
    }
  });

  it('fits its cycle into the cursor, and forgets no backend, however unequal the weights', () => {
    const n = 70_000;
    const weights = Array.from({ length: n }, (_, index) => (index === 5 ? 2_000_000_000 : 1));
    const schedule = stride(weights);
    expect(schedule.length).toBeLessThanOrEqual(LONGEST_CYCLE);
    const generations = schedule.length / n;
    const turns = range(generations).filter((g) => schedule.slotAt(g * n) === 0);
    expect(turns).toHaveLength(1);
  });

  it('draws at random each as often as its weight says, over all the throws there are', () => {
    const weights = [7, 1, 3, 3];
    const schedule = stride(weights, 7);
    const drawn = weights.map(() => 0);
    // First one of the four, then a part of all that they weigh together.
    for (const both of range(4 * 14)) {
      const left = [
        { sides: 4, throws: both % 4 },
        { sides: 14, throws: Math.floor(both / 4) },
      ];
      const dice = {
        throw(sides: number) {
          const next = left.shift()!;
          expect(sides).toBe(next.sides);
          return next.throws;
        },
      } as unknown as Dice;
      drawn[schedule.any(dice)] += 1;
    }
    expect(drawn).toEqual(weights.map((weight) => 4 * weight));
  });
});

describe('the kind of schedule', () => {
  it('is identity for equal weights, whatever they are', () => {
    expect(scheduleKind([1, 1, 1])).toBe('identity');
    expect(scheduleKind([1_000_000])).toBe('identity');
    expect(scheduleKind([])).toBe('identity');
  });

  it('is smooth up to 2^22 steps and stride above', () => {
    expect(scheduleKind([2 ** 21 - 1, 1])).toBe('smooth');
    expect(scheduleKind([2 ** 21, 1])).toBe('stride');
    expect(scheduleKind([(2 ** 21 - 1) * 1000, 1000])).toBe('smooth');
  });
});
