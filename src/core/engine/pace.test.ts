import { beforeEach, describe, expect, it } from 'vitest';
import { config } from '../../../test/fixtures/control-world.ts';
import type { Failure } from '../base/failure.ts';
import { PACE_WINDOW_MS, Pace } from './pace.ts';

const { limits, timeouts } = config([]);
/** 240 bytes per second over five seconds. */
const ENOUGH = 1200;

let now: number;
let pace: Pace;

beforeEach(() => {
  now = 1000;
  pace = new Pace();
  pace.start(now);
});

/** A window in which so many bytes moved. */
function window(moved: number, heldBack = false, of = limits): Failure | null {
  now += PACE_WINDOW_MS;
  pace.moved = moved;
  if (heldBack) pace.heldBack = true;
  return pace.judge(now, of, timeouts);
}

describe('the minimum rate', () => {
  it('is looked at in windows of five seconds', () => {
    expect(PACE_WINDOW_MS).toBe(5000);
    expect(window(ENOUGH)).toBe(null);
    expect(window(ENOUGH - 1)).toEqual({
      kind: 'too_slow',
      side: 'client',
      phase: 'relay',
      retry: 'never',
      cause: 'slower than 240 bytes per second (limits.min_rate)',
    });
  });

  it('is met in each window by itself: what was fast before does not help', () => {
    expect(window(1_000_000)).toBe(null);
    expect(window(1)?.kind).toBe('too_slow');
  });

  it('does not count a window in which we held the client back, and only that one', () => {
    expect(window(1, true)).toBe(null);
    expect(window(1)?.kind).toBe('too_slow');
  });

  it('is off when it is 0', () => {
    const off = { ...limits, minRateBytesPerSecond: 0 };
    for (let i = 0; i < 100; i++) expect(window(1, false, off)).toBe(null);
  });
});

describe('silence', () => {
  it('of the idle time ends it, and names the key', () => {
    const silent = timeouts.idleMs / PACE_WINDOW_MS;
    for (let i = 1; i < silent; i++) expect(window(0)).toBe(null);
    expect(window(0)).toEqual({
      kind: 'timeout_idle',
      side: 'client',
      phase: 'relay',
      retry: 'never',
      cause: 'silent for 60 s (timeouts.idle)',
    });
  });

  it('begins anew with the bytes of a window', () => {
    for (let i = 1; i < 12; i++) window(0);
    expect(window(ENOUGH)).toBe(null);
    for (let i = 1; i < 12; i++) expect(window(0)).toBe(null);
    expect(window(0)?.kind).toBe('timeout_idle');
  });

  it('begins anew with a window in which we held the client back', () => {
    for (let i = 1; i < 12; i++) window(0);
    expect(window(0, true)).toBe(null);
    for (let i = 1; i < 12; i++) expect(window(0)).toBe(null);
    expect(window(0)?.kind).toBe('timeout_idle');
  });

  it('begins anew with the next exchange', () => {
    for (let i = 1; i < 12; i++) window(0);
    pace.start(now);
    expect(window(0)).toBe(null);
  });
});

describe('a start', () => {
  it('forgets what moved and who was held back before', () => {
    pace.moved = 5;
    pace.heldBack = true;
    pace.start(now);
    expect(pace.moved).toBe(0);
    expect(pace.heldBack).toBe(false);
  });
});
