import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { createPeakEwma } from './peak-ewma.ts';

function poolOf(weights: readonly number[]): PickingPool {
  const pool = new PickingPool(createPeakEwma);
  pool.rebuild(
    weights.map((_, slot) => slot),
    weights,
  );
  return pool;
}

const observe = (pool: PickingPool, slot: number, elapsedMs: number, failed = false): void =>
  pool.observe(slot, elapsedMs, { outcome: failed ? 'failed' : 'answered' });

const shareOf = (pool: PickingPool, slot: number, picks = 1000): number =>
  Array.from({ length: picks }, () => pool.pick()).filter((each) => each === slot).length / picks;

describe('peak EWMA', () => {
  it('of two takes the faster', () => {
    const pool = poolOf([1, 1]);
    observe(pool, 0, 20);
    observe(pool, 1, 10);
    expect(shareOf(pool, 1)).toBe(1);
  });

  it('multiplies by what is in flight', () => {
    const pool = poolOf([1, 1]);
    observe(pool, 0, 20);
    observe(pool, 1, 10);
    pool.load(1, 2);
    expect(shareOf(pool, 0)).toBe(1);
  });

  it('divides what is in flight by the weight', () => {
    const pool = poolOf([30, 10]);
    observe(pool, 0, 10);
    observe(pool, 1, 10);
    pool.load(0, 5);
    pool.load(1, 2);
    expect(shareOf(pool, 0)).toBe(1);
    pool.load(0, 2);
    expect(shareOf(pool, 1)).toBe(1);
  });

  it('goes by weight when nothing is in flight and all are as fast', () => {
    const pool = poolOf([3, 1]);
    observe(pool, 0, 10);
    observe(pool, 1, 10);
    expect(Math.abs(shareOf(pool, 0, 9000) - 0.75)).toBeLessThan(0.04);
  });

  it('rises with a peak at once and comes down by e in ten seconds', () => {
    const pool = poolOf([1]);
    observe(pool, 0, 10);
    observe(pool, 0, 1000);
    expect(pool.table.cost(0)).toBe(1_000_000);
    pool.nowMs = 10_000;
    observe(pool, 0, 10);
    const kept = Math.exp(-1);
    expect(pool.table.cost(0)).toBe(Math.round(1_000_000 * kept + 10_000 * (1 - kept)));
  });

  it('forgets while nothing is heard: a slow one is tried again', () => {
    const pool = poolOf([1, 1]);
    observe(pool, 0, 1000);
    pool.nowMs = 40_000;
    observe(pool, 1, 30);
    // 1000 ms of 40 s ago count 18 ms: it has its turns by weight again.
    expect(Math.abs(shareOf(pool, 0) - 0.5)).toBeLessThan(0.1);
    pool.nowMs = 50_000;
    observe(pool, 0, 1000);
    expect(shareOf(pool, 0)).toBe(0);
  });

  it('tries one that failed again when the clock was set back since', () => {
    const pool = poolOf([1, 1]);
    pool.nowMs = 3_600_000;
    observe(pool, 0, 1, true);
    observe(pool, 1, 30);
    expect(shareOf(pool, 0)).toBe(0);
    pool.nowMs = 0;
    expect(Math.abs(shareOf(pool, 0) - 0.5)).toBeLessThan(0.1);
  });

  it('gives one that it has forgotten one exchange at a time, and waits for its answer', () => {
    const pool = poolOf([1, 1]);
    pool.nowMs = 3_600_000;
    observe(pool, 1, 10);
    pool.nowMs = 0;
    observe(pool, 0, 10);
    pool.load(1);
    expect(shareOf(pool, 0)).toBe(1);
  });

  it('keeps to the weights where all are as fast, one exchange at a time', () => {
    const pool = poolOf([10, 1]);
    let heavy = 0;
    for (let exchange = 0; exchange < 2000; exchange++) {
      pool.nowMs += 5;
      const slot = pool.pick();
      observe(pool, slot, 5);
      if (slot === 0) heavy += 1;
    }
    expect(Math.abs(heavy / 2000 - 10 / 11)).toBeLessThan(0.03);
  });

  it('takes a failure for an answer of five seconds, or longer if it took longer', () => {
    const pool = poolOf([1, 1]);
    observe(pool, 0, 1, true);
    observe(pool, 1, 9000, true);
    expect([pool.table.cost(0), pool.table.cost(1)]).toEqual([5_000_000, 9_000_000]);
  });

  it('gives one that never answered one exchange, and waits for its answer', () => {
    const pool = poolOf([1, 1]);
    observe(pool, 0, 10);
    expect(pool.pick()).toBe(1);
    pool.load(1);
    expect(shareOf(pool, 0)).toBe(1);
  });

  it('shares equally among those of whom nothing is known', () => {
    expect(Math.abs(shareOf(poolOf([1, 1]), 0, 9000) - 0.5)).toBeLessThan(0.04);
  });

  it('is right where the milliseconds of 32 bits begin anew', () => {
    const pool = poolOf([1]);
    pool.nowMs = 2 ** 31 - 5000;
    observe(pool, 0, 1000);
    pool.nowMs += 10_000;
    observe(pool, 0, 10);
    expect(pool.table.cost(0)).toBe(Math.round(1_000_000 / Math.E + 10_000 * (1 - 1 / Math.E)));
  });

  it('remembers half an hour at most, and never nothing', () => {
    const pool = poolOf([1, 1]);
    observe(pool, 0, 10_000_000);
    observe(pool, 1, 0);
    expect([pool.table.cost(0), pool.table.cost(1)]).toEqual([2 ** 31 - 1, 1]);
  });
});
