import { describe, expect, it } from 'vitest';
import { createRng } from '../base/rng.ts';
import { fullJitterMs } from './backoff.ts';

/** Of many waits after so many doublings. */
function waits(doublings: number): number[] {
  const rng = createRng(7);
  return Array.from({ length: 2000 }, () => fullJitterMs(rng, 20, 100, doublings));
}

describe('a wait before another try', () => {
  it.each([
    [0, 20],
    [1, 40],
    [2, 80],
    [3, 100],
    [1000, 100],
  ])('is after %i doublings anything from 0 to %i ms, each equally likely', (doublings, most) => {
    const all = waits(doublings);
    expect(Math.min(...all)).toBe(0);
    expect(Math.max(...all)).toBe(most);
    const mean = all.reduce((a, b) => a + b, 0) / all.length;
    expect(Math.abs(mean - most / 2)).toBeLessThan(most / 20);
    expect(all.every(Number.isInteger)).toBe(true);
  });
});
