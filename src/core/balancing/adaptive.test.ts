import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { createAdaptive } from './adaptive.ts';

function poolOf(weights: readonly number[]): PickingPool {
  const pool = new PickingPool(createAdaptive);
  pool.rebuild(
    weights.map((_, slot) => slot),
    weights,
  );
  return pool;
}

/** The mean weight is known from the first pick on. */
function askedPool(weights: readonly number[]): PickingPool {
  const pool = poolOf(weights);
  pool.pick();
  return pool;
}

const shareOf = (pool: PickingPool, slot: number, picks = 1000): number =>
  Array.from({ length: picks }, () => pool.pick()).filter((each) => each === slot).length / picks;

/** Milliseconds that an exchange takes there alone, as far as is known. */
const known = (pool: PickingPool, slot: number): number => pool.table.cost(slot) / 1000;

const learned = (pool: PickingPool, slot: number, ms: number): void =>
  pool.table.setCost(slot, ms * 1000, pool.nowMs);

describe('adaptive', () => {
  it('takes the fastest of three', () => {
    const pool = poolOf([1, 1, 1]);
    [30, 10, 20].forEach((ms, slot) => {
      learned(pool, slot, ms);
    });
    expect(shareOf(pool, 1)).toBe(1);
  });

  it('of many looks at three: the best is drawn in three of ten cases', () => {
    const pool = poolOf(new Array(10).fill(1));
    for (let slot = 0; slot < 10; slot++) learned(pool, slot, slot === 4 ? 10 : 20);
    expect(Math.abs(shareOf(pool, 4, 10_000) - 0.3)).toBeLessThan(0.03);
  });

  it('divides what an exchange took by those it found there and itself', () => {
    const pool = askedPool([1, 1]);
    pool.observe(0, 80, { others: 3 });
    expect(known(pool, 0)).toBe(20);
  });

  it('multiplies by what is in flight', () => {
    const pool = poolOf([1, 1]);
    pool.observe(0, 20);
    pool.observe(1, 10);
    pool.load(1, 2);
    expect(shareOf(pool, 0)).toBe(1);
  });

  it('moves by a tenth towards each observation', () => {
    const pool = poolOf([1]);
    pool.observe(0, 10);
    pool.observe(0, 110);
    expect(known(pool, 0)).toBe(20);
  });

  it('forgets towards the mean of the pool, by e in ten seconds', () => {
    const pool = askedPool([1, 1]);
    pool.observe(0, 100);
    pool.observe(1, 20);
    // The mean is now 60; the second began with the mean of the first, 100, and is at 92.
    pool.nowMs = 10_000;
    pool.observe(1, 60);
    const before = 60 + (92 - 60) / Math.E;
    expect(known(pool, 1)).toBeCloseTo(before + 0.1 * (60 - before), 2);
  });

  it('tries one that failed again when the clock was set back since', () => {
    const pool = askedPool([1, 1]);
    pool.nowMs = 3_600_000;
    pool.observe(0, 1, { outcome: 'failed' });
    for (let i = 0; i < 30; i++) pool.observe(1, 30);
    expect(shareOf(pool, 0)).toBe(0);
    pool.nowMs = 0;
    expect(Math.abs(shareOf(pool, 0) - 0.5)).toBeLessThan(0.1);
  });

  it('tries one that was slow again, when that is long ago', () => {
    const pool = poolOf([1, 1]);
    pool.observe(0, 10);
    pool.observe(1, 2000);
    for (let i = 0; i < 2000; i++) pool.observe(0, 10);
    expect(shareOf(pool, 1)).toBe(0);
    pool.nowMs = 120_000;
    pool.observe(0, 11);
    expect(shareOf(pool, 1)).toBe(1);
  });

  it('takes a failure for five seconds, or as long as it took or says to be left alone', () => {
    const failed = (ms: number, retryAfterMs: number, others = 0): number => {
      const pool = askedPool([1, 1]);
      pool.observe(0, ms, { outcome: 'failed', retryAfterMs, others });
      return known(pool, 0);
    };
    expect(failed(1, 0)).toBe(5000);
    expect(failed(9000, 0)).toBe(9000);
    expect(failed(1, 60_000)).toBe(60_000);
    expect(failed(1, 1e9)).toBe(300_000);
    expect(failed(1, 0, 4)).toBe(1000);
  });

  it('hears of a client that left only when it waited longer than is known', () => {
    const pool = poolOf([1]);
    pool.observe(0, 50, { outcome: 'abandoned' });
    expect(known(pool, 0)).toBe(50);
    pool.observe(0, 40, { outcome: 'abandoned' });
    expect(known(pool, 0)).toBe(50);
    pool.observe(0, 150, { outcome: 'abandoned' });
    expect(known(pool, 0)).toBe(60);
  });

  it('takes one of whom nothing is known for one like the mean', () => {
    const pool = poolOf([1, 1]);
    pool.observe(0, 20);
    pool.observe(0, 20);
    pool.load(0);
    expect(shareOf(pool, 1)).toBe(1);
    pool.load(1, 2);
    expect(shareOf(pool, 0)).toBe(1);
  });

  it('begins with what other workers have observed', () => {
    const pool = poolOf([1, 1, 1]);
    learned(pool, 0, 10);
    learned(pool, 1, 30);
    // The third is taken for 20 ms.
    pool.load(0);
    pool.load(0);
    expect(shareOf(pool, 2)).toBe(1);
    pool.load(2);
    expect(shareOf(pool, 2)).toBe(0);
  });

  it('takes a backend of twice the weight for two', () => {
    const pool = askedPool([2, 1, 1, 1, 1]);
    // Mean weight 1.2: two others on the heavy one are like one on each of its halves.
    pool.observe(0, 100, { others: 2 });
    expect(known(pool, 0)).toBeCloseTo(100 / (1 + (2 * 1.2) / 2), 2);
    const light = askedPool([1, 1]);
    light.observe(0, 100, { others: 2 });
    expect(known(light, 0)).toBeCloseTo(100 / 3, 2);
  });

  it('does not mind in which unit weights are written', () => {
    const pool = askedPool([300, 300]);
    pool.observe(0, 100, { others: 1 });
    expect(known(pool, 0)).toBe(50);
  });

  it('is right where the milliseconds of 32 bits begin anew', () => {
    const pool = askedPool([1, 1]);
    pool.nowMs = 2 ** 31 - 5000;
    pool.observe(0, 1000);
    pool.observe(1, 1000);
    pool.nowMs += 10_000;
    pool.observe(0, 1000);
    expect(known(pool, 0)).toBe(1000);
  });

  it('remembers half an hour at most, and never nothing', () => {
    const pool = poolOf([1, 1]);
    pool.observe(0, 0);
    expect(pool.table.cost(0)).toBe(1);
    const other = poolOf([1, 1]);
    other.observe(0, 1e8);
    expect(other.table.cost(0)).toBe(2 ** 31 - 1);
  });
});
