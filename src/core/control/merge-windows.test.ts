import { beforeEach, describe, expect, it } from 'vitest';
import { createSimClock, type SimClock } from '../../../sim/clock.ts';
import { emptyPool, poolConfig } from '../../../test/fixtures/control-world.ts';
import type { Pool } from './members.ts';
import { MergeWindows, mergeWindowMs } from './merge-windows.ts';

const WINDOW_MS = 100;

let clock: SimClock;
let windows: MergeWindows;
let pool: Pool;
/** When windows have ended. */
let ends: number[];

beforeEach(() => {
  clock = createSimClock();
  ends = [];
  pool = emptyPool(poolConfig([]));
  windows = new MergeWindows(
    clock,
    () => WINDOW_MS,
    () => void ends.push(clock.nowMs()),
  );
});

const pass = (ms: number): void => clock.run(clock.nowMs() + ms);

describe('a merge window', () => {
  it('takes the changes that come within it, and ends once for all of them', () => {
    windows.begin(pool);
    pass(30);
    expect(windows.merges(pool, 100)).toBe(true);
    pass(30);
    expect(windows.merges(pool, 100)).toBe(true);
    pass(1000);
    expect(ends).toEqual([WINDOW_MS]);
  });

  it('takes none when it is over: whoever comes after a quiet time counts at once', () => {
    windows.begin(pool);
    pass(WINDOW_MS);
    expect(windows.merges(pool, 100)).toBe(false);
    expect(ends).toEqual([]);
  });

  it('is not there before a schedule was made', () => {
    expect(windows.merges(pool, 100)).toBe(false);
  });

  it('takes less than half as many changes as the schedule has backends', () => {
    windows.begin(pool);
    const taken = Array.from({ length: 4 }, () => windows.merges(pool, 7));
    expect(taken).toEqual([true, true, true, false]);
  });

  it('begins anew, with nobody waiting, whenever a schedule is made', () => {
    windows.begin(pool);
    windows.merges(pool, 100);
    pass(60);
    windows.begin(pool);
    pass(80);
    expect(ends).toEqual([]);
    expect(windows.merges(pool, 100)).toBe(true);
    pass(80);
    expect(ends).toEqual([60 + WINDOW_MS]);
  });

  it('is one of each pool', () => {
    windows.begin(pool);
    expect(windows.merges(emptyPool(poolConfig([])), 100)).toBe(false);
  });

  it.each([
    ['its pool is gone', () => windows.configured([])],
    ['everything stops', () => windows.stop()],
  ])('leaves no alarm behind when %s', (_, happens) => {
    windows.begin(pool);
    windows.merges(pool, 100);
    windows.configured([pool]);
    expect(clock.pending()).toBe(1);
    happens();
    expect(clock.pending()).toBe(0);
  });
});

describe('the length of a merge window', () => {
  it('is nothing where a schedule costs next to nothing', () => {
    expect(mergeWindowMs('round_robin', 400)).toBe(0);
    expect(mergeWindowMs('maglev', 8)).toBe(0);
  });

  it('grows with the pool, and with what its policy has made anew, to 5 s at most', () => {
    expect(mergeWindowMs('least_request', 5000)).toBe(100);
    expect(mergeWindowMs('maglev', 1000)).toBe(1000);
    expect(mergeWindowMs('ring_hash', 20_000)).toBe(5000);
  });
});
