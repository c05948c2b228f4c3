import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LoadQuantile } from './load-quantile.ts';

it('is 0 before anybody has reported', () => {
  expect(new LoadQuantile(0.5).value).toBe(0);
});

it('is the load that a part of the last 64 reports does not exceed', () => {
  const load = fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 3 }));
  const loads = fc.array(load, { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(loads, fc.constantFrom(0, 0.5, 0.6, 0.84, 1), (reported, part) => {
      const quantile = new LoadQuantile(part);
      for (const [inFlight, weight] of reported) quantile.add(inFlight, weight);
      const all = reported.map(([inFlight, weight]) => inFlight / weight);
      const last = all.slice(-64).sort((a, b) => a - b);
      expect(quantile.value).toBe(last[Math.floor(part * (last.length - 1))]);
    }),
  );
});
