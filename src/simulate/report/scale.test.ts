import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ln } from '../../core/base/math.ts';
import { linearAxis, logAxis, roundUp, timeTicks } from './scale.ts';

describe('a linear axis', () => {
  it('goes from 0 to a round number that all values are below', () => {
    expect(linearAxis(0.37).ticks).toEqual([0, 0.1, 0.2, 0.3, 0.4]);
    expect(linearAxis(4812).ticks).toEqual([0, 1000, 2000, 3000, 4000, 5000]);
    expect(linearAxis(0).ticks.at(-1)).toBe(1);
    const { at } = linearAxis(4812);
    expect([at(-1), at(0), at(2500), at(5000), at(9000)]).toEqual([0, 0, 0.5, 1, 1]);
  });
});

describe('a logarithmic axis', () => {
  it('has round numbers around all values', () => {
    expect(logAxis(7, 130, ln).ticks).toEqual([5, 10, 20, 50, 100, 200]);
    expect(logAxis(0.03, 0.04, ln).ticks).toEqual([0.02, 0.05, 0.1, 0.2]);
    expect(logAxis(1, 1, ln).ticks).toEqual([1, 2, 5, 10]);
  });

  it('writes powers of ten alone where there would be too many', () => {
    expect(logAxis(3, 80_000, ln).ticks).toEqual([10, 100, 1000, 10_000, 100_000]);
  });

  it('gives each doubling as much room, and nothing its place at the bottom', () => {
    const { at } = logAxis(10, 1000, ln);
    expect([at(0), at(10), at(100), at(1000)].map((part) => Math.round(part * 1e6) / 1e6)).toEqual([
      0, 0, 0.5, 1,
    ]);
  });

  it('holds any values', () => {
    const value = fc.double({ min: 1e-3, max: 1e7, noNaN: true });
    fc.assert(
      fc.property(value, value, (a, b) => {
        const { at, ticks } = logAxis(Math.min(a, b), Math.max(a, b), ln);
        expect(ticks[0]).toBeLessThanOrEqual(Math.max(a, b) * (1 + 1e-9));
        expect(ticks.length).toBeGreaterThan(1);
        expect(at(Math.max(a, b))).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a number rounded up', () => {
  it.each([
    [1, 1],
    [1.01, 2],
    [0.021, 0.05],
    [51, 100],
    [5000, 5000],
  ])('%d: %d', (value, rounded) => {
    expect(roundUp(value)).toBe(rounded);
  });
});

describe('the times at an axis', () => {
  it('are round since the beginning', () => {
    expect(timeTicks(60_000, null, 6)).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
  });

  it('are round by the clock', () => {
    const start = (11 * 60 + 58) * 60_000 + 50_000;
    expect(timeTicks(300_000, start, 6)).toEqual([10_000, 70_000, 130_000, 190_000, 250_000]);
  });

  it('are few, however long it takes', () => {
    expect(timeTicks(20 * 86_400_000, null, 6)).toHaveLength(21);
    expect(timeTicks(3, null, 6)).toEqual([0, 1, 2, 3]);
  });
});
