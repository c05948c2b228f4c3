import { expect, it } from 'vitest';
import { measurePicks } from './pick.ts';

it('a pick is measured, also in very large pools, and allocates nothing', () => {
  for (const [policy, backends, weighted] of [
    ['round_robin', 3, true],
    ['round_robin', 100_000, false],
    ['least_connections', 100, true],
    ['peak_ewma', 100_000, false],
  ] as const) {
    const figures = measurePicks(policy, backends, weighted, 20_000);
    expect(figures.nanosecondsPerPick).toBeGreaterThan(0);
    expect(figures.rebuildMs).toBeGreaterThan(0);
    // Less than the smallest object for each: what there is belongs to others.
    expect(figures.bytesPerPick).toBeLessThan(8);
  }
});
