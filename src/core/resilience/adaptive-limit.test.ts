import { beforeEach, describe, expect, it } from 'vitest';
import { AdaptiveLimit } from './adaptive-limit.ts';

const TICK_MS = 100;

let limit: AdaptiveLimit;
let nowMs: number;

beforeEach(() => {
  limit = new AdaptiveLimit({ min: 4, max: 1000 });
  nowMs = 0;
});

/** So many looks at a backend that is as full as it may be, and takes so long to answer. */
function full(meanMs: number | ((limit: number) => number), ticks: number, answers = 100): void {
  for (let tick = 0; tick < ticks; tick++) {
    nowMs += TICK_MS;
    const at = limit.limit;
    const took = typeof meanMs === 'number' ? meanMs : meanMs(at);
    limit.look(nowMs, { answers, headMs: answers * took }, at);
  }
}

/** Ten at once in 10 ms, more wait. */
const TEN = (at: number): number => Math.max(10, at);

describe('an adaptive limit', () => {
  it('begins with 20, and doubles while answers take as long as before', () => {
    expect(limit.limit).toBe(20);
    full(10, 1);
    expect(limit.limit).toBe(40);
    // What comes next was let in under the old limit.
    full(10, 1);
    expect(limit.limit).toBe(40);
    full(10, 1);
    expect(limit.limit).toBe(80);
  });

  it('stops doubling when answers take longer than before, however slowly that comes', () => {
    // Each step alone would pass for no queue, beside a mean that follows.
    const took = new Map([
      [20, 50],
      [40, 75],
      [80, 110],
    ]);
    full((at) => took.get(at) ?? 1.4 * at, 10);
    expect(limit.limit).toBeLessThan(80);
    expect(limit.holdsBack).toBe(true);
  });

  it('is not talked out of a queue by the few means it has seen', () => {
    // A real backend that does four at once, each in 10 ms, on a busy machine.
    full(71, 2);
    full(129, 1);
    expect(limit.limit).toBeLessThan(40);
    expect(limit.holdsBack).toBe(true);
  });

  it('does not grow while less than half of it is used', () => {
    for (let tick = 0; tick < 100; tick++) {
      limit.look(tick * TICK_MS, { answers: 100, headMs: 1000 }, 9);
    }
    expect(limit.limit).toBe(20);
  });

  it('judges nothing by fewer than thirty answers', () => {
    for (let tick = 1; tick <= 2; tick++) {
      limit.look(tick * TICK_MS, { answers: 14, headMs: 140 }, 20);
    }
    expect(limit.limit).toBe(20);
    limit.look(3 * TICK_MS, { answers: 2, headMs: 20 }, 0);
    expect(limit.limit).toBe(40);
  });

  it('holds back when answers take longer with more of them', () => {
    expect(limit.holdsBack).toBe(false);
    full(TEN, 100);
    expect(limit.holdsBack).toBe(true);
    expect(limit.limit).toBeLessThan(60);
    expect(limit.recentMs).toBeGreaterThan(limit.usualMs);
  });

  it('looks every ten seconds what an answer takes with a quarter of them', () => {
    full(TEN, 600);
    const limits: number[] = [];
    for (let tick = 0; tick < 200; tick++) {
      full(TEN, 1);
      limits.push(limit.limit);
    }
    const looks = limits.filter((at, i) => i > 0 && at < limits[i - 1] / 2);
    expect(looks).toHaveLength(2);
    expect(Math.max(...limits)).toBeLessThan(30);
    expect(limit.usualMs).toBeLessThan(15);
  });

  it('ends a look that shows nothing, and goes on as before', () => {
    full(TEN, 600);
    const before = limit.limit;
    while (limit.limit > before / 2) full(TEN, 1);
    const less = limit.limit;
    // Not one answer any more.
    full(0, 11, 0);
    expect(limit.limit).toBeGreaterThan(before - 3);
    expect(less).toBe(Math.floor(limit.limit / 4));
  });

  it('does not double at once after a look in which nothing was slower', () => {
    full(TEN, 600);
    const before = limit.limit;
    while (limit.limit > before / 2) full(TEN, 1);
    full(10, 8);
    expect(limit.limit).toBeGreaterThan(before - 3);
    expect(limit.limit).toBeLessThan(1.5 * before);
  });

  it('takes differences below a millisecond for none', () => {
    full(0.1, 3);
    full(0.9, 20);
    expect(limit.holdsBack).toBe(false);
  });

  it('doubles again after ten means in a row that show no queue', () => {
    full(TEN, 600);
    let before = limit.limit;
    let grown = 0;
    for (let tick = 0; tick < 9; tick++) {
      full(10, 1);
      grown = Math.max(grown, limit.limit / before);
      before = limit.limit;
    }
    expect(grown).toBeLessThan(1.6);
    full(10, 8);
    expect(limit.limit).toBeGreaterThan(2 * before);
  });

  it('says that it is over when nobody was held back for 30 s', () => {
    full(TEN, 100);
    for (let tick = 0; tick < 301; tick++) {
      nowMs += TICK_MS;
      limit.look(nowMs, { answers: 50, headMs: 500 }, 5);
    }
    expect(limit.holdsBack).toBe(false);
  });

  it('keeps what it knows when its bounds change', () => {
    full(TEN, 600);
    const { limit: before, usualMs } = limit;
    limit.bound({ min: 1, max: 500 });
    expect([limit.limit, limit.usualMs]).toEqual([before, usualMs]);
    limit.bound({ min: 1, max: 10 });
    expect(limit.limit).toBe(10);
  });

  it('stays at one that is least, also while it looks', () => {
    limit = new AdaptiveLimit({ min: 16, max: 1000 });
    for (let tick = 0; tick < 600; tick++) {
      full(TEN, 1);
      expect(limit.limit).toBeGreaterThanOrEqual(16);
    }
  });
});
