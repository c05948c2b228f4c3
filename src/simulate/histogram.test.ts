import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BINS, binOf, msOf, quantileOf } from './histogram.ts';

describe('the bins', () => {
  it('hold every latency to within 1 %, in order', () => {
    const latency = fc.double({ min: 0.001, max: 2_000_000, noNaN: true });
    fc.assert(
      fc.property(latency, latency, (a, b) => {
        const bin = binOf(a);
        expect(bin).toBeLessThan(BINS);
        expect(Math.abs(msOf(bin) - a)).toBeLessThanOrEqual(Math.max(0.0005, a * 0.01));
        if (a < b) expect(bin).toBeLessThanOrEqual(binOf(b));
      }),
    );
  });

  it('are exact to a microsecond where they are small', () => {
    expect([0, 0.001, 0.063, 0.064].map((ms) => msOf(binOf(ms)))).toEqual([0, 0.001, 0.063, 0.064]);
  });

  it('hold what is longer than all in the last', () => {
    expect(binOf(1e12)).toBe(BINS - 1);
  });
});

describe('a quantile', () => {
  const of = (values: readonly number[], share: number): number => {
    const bins = new Uint32Array(BINS);
    for (const value of values) bins[binOf(value)]++;
    return quantileOf(bins, share);
  };
  const hundred = Array.from({ length: 100 }, (_, n) => (n + 1) / 1000);

  it('is the least that so many do not exceed', () => {
    expect([0, 0.01, 0.3, 0.99].map((share) => of(hundred.slice(0, 50), share))).toEqual([
      0.001, 0.001, 0.015, 0.05,
    ]);
    expect(of([0.005], 0.999)).toBe(0.005);
    expect(of(hundred, 1)).toBeCloseTo(0.1, 2);
  });

  it('of nothing is 0', () => {
    expect(of([], 0.5)).toBe(0);
  });
});
