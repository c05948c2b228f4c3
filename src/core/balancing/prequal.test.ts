import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { State } from '../table/table.ts';
import { createPrequal } from './prequal.ts';

function poolOf(size: number, weights: readonly number[] = new Array(size).fill(1)): PickingPool {
  const pool = new PickingPool(createPrequal);
  pool.rebuild(
    weights.map((_, slot) => slot),
    weights,
  );
  pool.nowMs = 1000;
  // The schedule is known from the first pick on.
  pool.pick();
  return pool;
}

const report = (pool: PickingPool, slot: number, inFlight: number, latencyMs: number): void =>
  pool.observe(slot, 1, { load: { inFlight, latencyUs: latencyMs * 1000 } });

/** A pick that does not wear out what has been reported: all report again before each. */
function picks(
  pool: PickingPool,
  reports: readonly (readonly [inFlight: number, latencyMs: number])[],
  count = 200,
  tried: readonly number[] = [],
): number[] {
  return Array.from({ length: count }, () => {
    reports.forEach(([inFlight, latencyMs], slot) => {
      report(pool, slot, inFlight, latencyMs);
    });
    return pool.pick(tried);
  });
}

const only = (all: readonly number[]): number[] => [...new Set(all)].sort((a, b) => a - b);

/** This backend answers a probe so. */
const tell = (pool: PickingPool, slot: number, inFlight: number, latencyMs: number): void =>
  pool.table.probed.set(slot, inFlight, latencyMs * 1000, pool.nowMs);

/** Picks, each a while after the one before, when all have been told to probes. */
function probedPicks(
  pool: PickingPool,
  told: readonly (readonly [inFlight: number, latencyMs: number])[],
  count = 100,
): number[] {
  return Array.from({ length: count }, () => {
    pool.nowMs += 100;
    told.forEach(([inFlight, latencyMs], slot) => {
      tell(pool, slot, inFlight, latencyMs);
    });
    return pool.pick();
  });
}

describe('what backends tell probes', () => {
  const TOLD = [
    [1, 30],
    [2, 10],
    [2, 20],
    [9, 1],
    [8, 2],
  ] as const;

  it('is as good as what they say in their answers', () => {
    expect(only(probedPicks(poolOf(5), TOLD))).toEqual([1]);
  });

  it('is used once by each worker', () => {
    const pool = poolOf(5);
    const [first] = probedPicks(pool, TOLD, 1);
    expect(first).toBe(1);
    // It has got one since, which the report does not know of.
    for (let pick = 0; pick < 3; pick++) expect(pool.pick()).not.toBe(1);
  });

  it('is worth nothing after a second', () => {
    const pool = poolOf(2);
    tell(pool, 0, 0, 1);
    tell(pool, 1, 5, 90);
    pool.nowMs += 1100;
    // By own load, which is the same: either.
    expect(only(Array.from({ length: 50 }, () => pool.pick()))).toEqual([0, 1]);
  });

  it('does not bring back one that has just failed', () => {
    const pool = poolOf(3);
    const told = [
      [0, 1],
      [3, 20],
      [3, 20],
    ] as const;
    pool.observe(0, 1, { outcome: 'failed' });
    expect(only(probedPicks(pool, told, 40))).not.toContain(0);
    expect(probedPicks(pool, told, 40)).toContain(0);
  });

  it('is heard when the clock was set back, also of one that had failed before', () => {
    const pool = poolOf(2);
    pool.nowMs = 3_600_000;
    for (const slot of [0, 1]) pool.observe(slot, 1, { outcome: 'failed' });
    pool.nowMs = 0;
    const told = [
      [0, 1],
      [3, 20],
    ] as const;
    expect(only(probedPicks(pool, told, 40))).toEqual([0]);
  });

  it('counts less than an answer that has come since', () => {
    const pool = poolOf(2);
    tell(pool, 0, 0, 1);
    tell(pool, 1, 1, 20);
    pool.nowMs += 60;
    report(pool, 0, 9, 90);
    report(pool, 1, 0, 20);
    expect(pool.pick()).toBe(1);
  });
});

describe('prequal', () => {
  it('takes the fastest of those that are not loaded more than most', () => {
    const reports = [
      [1, 30],
      [2, 10],
      [2, 20],
      [9, 1],
      [8, 2],
    ] as const;
    expect(only(picks(poolOf(5), reports))).toEqual([1]);
  });

  it('takes the least loaded if all that can be had are hot', () => {
    const reports = [
      [0, 30],
      [0, 30],
      [0, 30],
      [9, 1],
      [8, 2],
    ] as const;
    expect(only(picks(poolOf(5), reports, 200, [0, 1, 2]))).toEqual([4]);
  });

  it('of two that are as fast takes the less loaded', () => {
    const reports = [
      [2, 10],
      [1, 10],
      [2, 10],
    ] as const;
    expect(only(picks(poolOf(3), reports))).toEqual([1]);
  });

  it('counts what it has sent since as if it had been reported', () => {
    const pool = poolOf(3);
    for (let i = 0; i < 30; i++) [0, 1, 2].forEach((slot) => void report(pool, slot, 0, 10));
    const two = new Set([pool.pick(), pool.pick()]);
    // The one that was taken first is hot now.
    expect(two.size).toBe(2);
  });

  it('takes a backend of twice the weight for half as loaded', () => {
    const reports = [
      [4, 10],
      [3, 10],
      [3, 10],
    ] as const;
    expect(only(picks(poolOf(3, [2, 1, 1]), reports))).toEqual([0]);
  });

  it('does not take one that was tried or went down', () => {
    const pool = poolOf(4);
    const reports = [
      [0, 1],
      [0, 2],
      [0, 3],
      [0, 4],
    ] as const;
    pool.table.setState(0, State.down);
    expect(only(picks(pool, reports, 200, [1]))).toEqual([2]);
  });

  it('forgets reports after a second, and goes by its own exchanges then', () => {
    const pool = poolOf(2);
    report(pool, 0, 0, 1);
    report(pool, 1, 0, 500);
    pool.nowMs += 1001;
    pool.load(0);
    expect(only(Array.from({ length: 100 }, () => pool.pick()))).toEqual([1]);
  });

  it('forgets what one that fails has reported, and leaves it alone for five seconds', () => {
    const pool = poolOf(3);
    [0, 1, 2].forEach((slot) => void report(pool, slot, 0, slot));
    pool.observe(0, 1, { outcome: 'failed', load: { inFlight: 0, latencyUs: 1 } });
    const reports = [1, 2].map((slot) => () => report(pool, slot, 0, slot));
    const during = Array.from({ length: 400 }, () => {
      pool.nowMs += 10;
      for (const again of reports) again();
      return pool.pick();
    });
    expect(only(during)).toEqual([1]);
    const later = Array.from({ length: 400 }, () => {
      pool.nowMs += 10;
      for (const again of reports) again();
      return pool.pick();
    });
    expect(only(later)).toEqual([0, 1]);
  });

  it('without reports takes of two the one with less in flight, and not one that failed', () => {
    const pool = poolOf(2);
    pool.load(0);
    expect(only(Array.from({ length: 100 }, () => pool.pick()))).toEqual([1]);
    pool.observe(1, 1, { outcome: 'failed' });
    expect(only(Array.from({ length: 100 }, () => pool.pick()))).toEqual([0]);
  });

  it('sends one in a while to the silent, unless they have something to do', () => {
    const pool = poolOf(4);
    const reports = [
      [0, 1],
      [0, 2],
    ] as const;
    expect(only(picks(pool, reports, 400))).toEqual([0, 2, 3]);
    pool.load(2);
    pool.load(3);
    expect(only(picks(pool, reports, 400))).toEqual([0]);
  });

  it('starves nobody of many that are alike', () => {
    const pool = poolOf(100);
    const counts = new Array<number>(100).fill(0);
    for (let i = 0; i < 20_000; i++) {
      const slot = pool.pick();
      counts[slot] += 1;
      report(pool, slot, 0, 10);
      pool.nowMs += 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(20);
  });

  it('starves nobody when the clock is set back', () => {
    const pool = poolOf(4);
    pool.nowMs = 3_600_000;
    const served = (picks: number): number[] => {
      const counts = [0, 0, 0, 0];
      for (let i = 0; i < picks; i++) {
        const slot = pool.pick();
        counts[slot] += 1;
        report(pool, slot, 0, 10);
        pool.nowMs += 10;
      }
      return counts;
    };
    expect(Math.min(...served(2000))).toBeGreaterThan(300);
    pool.nowMs -= 3_600_000;
    expect(Math.min(...served(2000))).toBeGreaterThan(300);
  });

  it('leaves alone who failed also where another thread, whose clock is ahead, has seen it', () => {
    const pool = poolOf(3);
    pool.nowMs += 900;
    pool.observe(0, 1, { outcome: 'failed' });
    pool.nowMs -= 900;
    const reports = [1, 2].map((slot) => () => report(pool, slot, 0, slot));
    const during = Array.from({ length: 500 }, () => {
      pool.nowMs += 10;
      for (const again of reports) again();
      return pool.pick();
    });
    expect(only(during)).toEqual([1]);
  });

  it('does not believe reports of those who are no longer there', () => {
    const pool = poolOf(3);
    [0, 1, 2].forEach((slot) => void report(pool, slot, 0, slot));
    pool.rebuild([1, 2]);
    expect(only(Array.from({ length: 50 }, () => pool.pick()))).not.toContain(0);
  });

  it('says nothing of that when probes are told', () => {
    const pool = poolOf(2);
    tell(pool, 0, 1, 10);
    pool.nowMs += 100;
    pool.pick();
    for (let i = 0; i < 500; i++) pool.observe(0, 1);
    expect(pool.warnings).toEqual([]);
  });

  it('says once that nobody reports', () => {
    const pool = poolOf(2);
    for (let i = 0; i < 99; i++) pool.observe(0, 1);
    expect(pool.warnings).toEqual([]);
    for (let i = 0; i < 500; i++) pool.observe(0, 1);
    expect(pool.warnings).toEqual(['no_load_reports']);
    const heard = poolOf(2);
    report(heard, 0, 0, 1);
    for (let i = 0; i < 500; i++) heard.observe(0, 1);
    expect(heard.warnings).toEqual([]);
  });
});
