import { describe, expect, it } from 'vitest';
import { type Cost, measured, measurePicks, type PickOptions } from './pick.ts';

/** Less than the smallest object for each: what there is belongs to others. */
const NOTHING = 8;

const isNothing = ({ bytes }: Cost): boolean => bytes < NOTHING;

function measure(options: PickOptions): void {
  let figures = measurePicks(options, 20_000);
  // The compiler may have come late, and what is not compiled yet makes objects of fractions.
  for (let again = 0; again < 3; again++) {
    if (isNothing(figures.pick) && isNothing(figures.exchange)) break;
    figures = measurePicks(options, 50_000);
  }
  for (const cost of [figures.pick, figures.exchange]) {
    expect(cost.nanoseconds).toBeGreaterThan(0);
    expect(cost.bytes).toBeLessThan(NOTHING);
  }
  expect(figures.rebuildMs).toBeGreaterThan(0);
}

describe('a pick is measured and allocates nothing', () => {
  it.each(measured)('by %s', (policy) => {
    for (const weighted of [false, true]) {
      measure({ policy, backends: 10, weighted, boundedLoad: null });
    }
  });

  it.each([
    ['round_robin', null, 100_000],
    ['peak_ewma', null, 100_000],
    ['ring_hash', 1.25, 100],
    ['rendezvous', 1.25, 10],
  ] as const)('by %s with a bound of %s over %s backends', (policy, boundedLoad, backends) => {
    measure({ policy, backends, weighted: false, boundedLoad });
  });
});
