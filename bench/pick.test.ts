import { expect, it } from 'vitest';
import { measurePicks } from './pick.ts';

it('a pick is measured, also in very large pools, and allocates nothing', () => {
  for (const [backends, weighted] of [
    [3, true],
    [100_000, false],
  ] as const) {
    const figures = measurePicks(backends, weighted, 20_000);
    expect(figures.nanosecondsPerPick).toBeGreaterThan(0);
    expect(figures.rebuildMs).toBeGreaterThan(0);
    // Less than the smallest object for each: what there is belongs to others.
    expect(figures.bytesPerPick).toBeLessThan(8);
  }
});
