import { expect, it } from 'vitest';
import { measurePicks } from './pick.ts';

it('a pick is measured, also in very large pools, and allocates nothing', () => {
  for (const [policy, backends, weighted, boundedLoad] of [
    ['round_robin', 3, true, null],
    ['round_robin', 100_000, false, null],
    ['least_connections', 100, true, null],
    ['peak_ewma', 100_000, false, null],
    ['ring_hash', 100, true, 1.25],
    ['rendezvous', 10, true, 1.25],
  ] as const) {
    const measure = () => measurePicks({ policy, backends, weighted, boundedLoad }, 50_000);
    let figures = measure();
    // The compiler may have come late, and what is not compiled yet makes objects of fractions.
    for (let again = 0; again < 2 && figures.bytesPerPick >= 8; again++) figures = measure();
    expect(figures.nanosecondsPerPick).toBeGreaterThan(0);
    expect(figures.rebuildMs).toBeGreaterThan(0);
    // Less than the smallest object for each: what there is belongs to others.
    expect(figures.bytesPerPick).toBeLessThan(8);
  }
});
