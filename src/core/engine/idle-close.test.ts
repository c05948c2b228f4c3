import { describe, expect, it } from 'vitest';
import { IdleClose } from './idle-close.ts';

const MINUTE = 60_000;

describe('the time after which a backend closes idle connections', () => {
  it('is not known before it was seen twice', () => {
    const close = new IdleClose();
    expect(close.usableMs(0)).toBe(Number.POSITIVE_INFINITY);
    close.seen(5000, 10_000);
    expect(close.usableMs(10_000)).toBe(Number.POSITIVE_INFINITY);
    close.seen(5000, 20_000);
    expect(close.usableMs(20_000)).toBe(4000);
  });

  it('is the longer of two, for the shorter may have been a restart', () => {
    const close = new IdleClose();
    close.seen(5, 1000);
    close.seen(3000, 10_000);
    expect(close.usableMs(10_000)).toBe(2400);
  });

  it('is not learned from many connections that end at once', () => {
    const close = new IdleClose();
    for (let i = 0; i < 50; i++) close.seen(i, 10_000 + i);
    expect(close.usableMs(10_100)).toBe(Number.POSITIVE_INFINITY);
  });

  it('becomes shorter when shorter ones are seen, and never zero', () => {
    const close = new IdleClose();
    for (const [index, idleMs] of [5000, 5000, 2000, 2000, 0, 0].entries()) {
      close.seen(idleMs, index * 2000);
    }
    expect(close.usableMs(10_000)).toBeCloseTo(0.8);
  });

  it('is forgotten after ten minutes', () => {
    const close = new IdleClose();
    close.seen(2000, 0);
    close.seen(2000, 5000);
    expect(close.usableMs(5000 + 10 * MINUTE)).toBe(1600);
    expect(close.usableMs(5001 + 10 * MINUTE)).toBe(Number.POSITIVE_INFINITY);
    close.seen(1000, 30 * MINUTE);
    expect(close.usableMs(30 * MINUTE)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is learned from closes that are a second apart, and at most ten minutes', () => {
    const after = (apartMs: number): number => {
      const close = new IdleClose();
      close.seen(5000, 20 * MINUTE);
      close.seen(5000, 20 * MINUTE + apartMs);
      return close.usableMs(20 * MINUTE + apartMs);
    };
    expect([999, 1000, 10 * MINUTE].map(after)).toEqual([Number.POSITIVE_INFINITY, 4000, 4000]);
    expect(after(10 * MINUTE + 1)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is that of the longest among those that end at once', () => {
    const close = new IdleClose();
    for (const idleMs of [3000, 5000, 4000]) close.seen(idleMs, 10_000);
    close.seen(2000, 20_000);
    expect(close.usableMs(20_000)).toBe(4000);
  });
});
