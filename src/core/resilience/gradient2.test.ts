import { describe, expect, it } from 'vitest';
import { Gradient2 } from './gradient2.ts';

const BOUNDS = { min: 20, max: 200 };

/** So many samples of a server that is full. */
function feed(gradient: Gradient2, shortMs: number, times: number): number[] {
  return Array.from({ length: times }, () => {
    gradient.update(shortMs, 1000);
    return gradient.limit;
  });
}

describe('Gradient2', () => {
  it('grows by a fifth of the queue with each sample while it takes as long as usual', () => {
    const gradient = new Gradient2(20, BOUNDS);
    const [first, second, third] = feed(gradient, 10, 3);
    expect(first).toBeCloseTo(20.8, 12);
    expect(second).toBeCloseTo(21.6, 12);
    expect(third).toBeCloseTo(22.4, 12);
  });

  it('takes half as long again for no sign of a queue', () => {
    const gradient = new Gradient2(100, BOUNDS);
    feed(gradient, 10, 1000);
    gradient.relearn(10);
    // Its average has moved by 2/601 of 5 ms meanwhile.
    expect(gradient.update(15, 200)).toBe(1);
  });

  it('sees a queue where answers take more than half as long again', () => {
    const gradient = new Gradient2(100, BOUNDS);
    gradient.learn(10);
    expect([gradient.showsQueue(15), gradient.showsQueue(15.1)]).toEqual([false, true]);
  });

  it('comes down by the published formula', () => {
    const gradient = new Gradient2(100, BOUNDS);
    gradient.relearn(10);
    const long = 10 * (1 - 2 / 601) + 20 * (2 / 601);
    const slope = (1.5 * long) / 20;
    expect(gradient.update(20, 100)).toBeCloseTo(slope, 12);
    expect(gradient.longMs).toBeCloseTo(long, 12);
    expect(gradient.limit).toBeCloseTo(0.8 * 100 + 0.2 * (100 * slope + 4), 12);
  });

  it('never comes down to less than half of itself and the queue, before smoothing', () => {
    const gradient = new Gradient2(100, BOUNDS);
    gradient.relearn(10);
    expect(gradient.update(1000, 100)).toBe(0.5);
    expect(gradient.limit).toBeCloseTo(0.8 * 100 + 0.2 * (50 + 4), 12);
  });

  it('stays where it is while less than half of it is used', () => {
    const gradient = new Gradient2(100, BOUNDS);
    gradient.relearn(10);
    gradient.update(1000, 49);
    expect(gradient.limit).toBe(100);
    gradient.update(1000, 50);
    expect(gradient.limit).toBeLessThan(100);
  });

  it('stays within its bounds, also when they change', () => {
    const gradient = new Gradient2(5, BOUNDS);
    expect(gradient.limit).toBe(20);
    feed(gradient, 10, 1000);
    expect(gradient.limit).toBe(200);
    gradient.bound({ min: 1, max: 50 });
    expect(gradient.limit).toBe(50);
  });

  it('takes the mean of the first ten samples for usual, then an average over 600', () => {
    const gradient = new Gradient2(20, BOUNDS);
    for (let sample = 1; sample <= 10; sample++) gradient.update(sample, 0);
    expect(gradient.longMs).toBeCloseTo(5.5, 12);
    gradient.update(5.5 + 601, 0);
    expect(gradient.longMs).toBeCloseTo(7.5, 12);
  });

  it('forgets faster what was usual when that was more than twice as long', () => {
    const gradient = new Gradient2(20, BOUNDS);
    gradient.relearn(100);
    gradient.update(10, 0);
    expect(gradient.longMs).toBeCloseTo((100 * (1 - 2 / 601) + 10 * (2 / 601)) * 0.95, 12);
    for (let sample = 0; sample < 40; sample++) gradient.update(10, 0);
    expect(gradient.longMs).toBeLessThan(20);
  });

  it('finds a limit of its own for a server that does ten at once', () => {
    const gradient = new Gradient2(100, { min: 1, max: 1000 });
    gradient.relearn(10);
    for (let sample = 0; sample < 100; sample++) {
      gradient.update(Math.max(10, gradient.limit), gradient.limit);
    }
    // What is usual moves a little with it.
    expect(gradient.limit).toBeGreaterThan(19);
    expect(gradient.limit).toBeLessThan(28);
  });
});
