import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../base/rng.ts';
import { Quantile } from './quantile.ts';

/** Feeds so many times; returns the share of the last half that was above the estimate. */
function shareAbove(quantile: Quantile, count: number, draw: (rng: Rng) => number): number {
  const rng = createRng(5);
  let above = 0;
  for (let i = 0; i < count; i++) {
    const ms = draw(rng);
    if (i >= count / 2 && ms > quantile.valueMs) above++;
    quantile.add(ms);
  }
  return above / (count / 2);
}

const even = (rng: Rng): number => 10 + rng.below(90_000) / 1000;

describe('a quantile of recent times', () => {
  it('is not known before a hundred times', () => {
    const quantile = new Quantile(0.95);
    for (let i = 0; i < 99; i++) quantile.add(20);
    expect(quantile.valueMs).toBe(Number.POSITIVE_INFINITY);
    quantile.add(20);
    expect(quantile.valueMs).toBeGreaterThan(10);
    expect(quantile.valueMs).toBeLessThan(40);
  });

  it.each([0.8, 0.9, 0.95, 0.99])('has that share below it: %d', (q) => {
    const share = shareAbove(new Quantile(q), 40_000, even);
    expect(Math.abs(share - (1 - q))).toBeLessThan(0.2 * (1 - q) + 0.002);
  });

  it('has it also where few times are far longer than the others', () => {
    const share = shareAbove(new Quantile(0.95), 40_000, (rng) => (rng.chance(1, 30) ? 2000 : 10));
    expect(share).toBeLessThan(0.06);
  });

  it('follows when everything becomes slower or faster', () => {
    const quantile = new Quantile(0.95);
    for (let i = 0; i < 200; i++) quantile.add(10);
    for (let i = 0; i < 200; i++) quantile.add(1000);
    expect(quantile.valueMs).toBeGreaterThan(900);
    for (let i = 0; i < 3000; i++) quantile.add(10);
    expect(quantile.valueMs).toBeLessThan(20);
  });

  it('begins with the first time, and moves far until it is settled', () => {
    const low = new Quantile(0.05);
    for (let i = 0; i < 100; i++) low.add(1000);
    expect(low.valueMs).toBeGreaterThan(400);
    const high = new Quantile(0.95);
    for (let i = 0; i < 100; i++) high.add(i < 50 ? 10 : 1000);
    expect(high.valueMs).toBeGreaterThan(500);
  });

  it('is never nothing', () => {
    const quantile = new Quantile(0.95);
    for (let i = 0; i < 1000; i++) quantile.add(0);
    expect(quantile.valueMs).toBe(1);
  });
});
