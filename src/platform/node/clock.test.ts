import { describe, expect, it } from 'vitest';
import { beginEvent, createNodeClock, endEvent } from './clock.ts';

describe('the clock of the platform', () => {
  it('gives the wall time of the system', () => {
    const before = Date.now();
    const wall = createNodeClock().wallMs();
    expect(wall).toBeGreaterThanOrEqual(before);
    expect(wall).toBeLessThanOrEqual(Date.now());
  });

  it('stands still within an event and goes on after it', () => {
    const clock = createNodeClock();
    const untilLater = (fromMs: number): void => {
      while (performance.now() <= fromMs);
    };
    beginEvent();
    const nowMs = clock.nowMs();
    const wallMs = clock.wallMs();
    untilLater(nowMs + 2);
    expect(clock.nowMs()).toBe(nowMs);
    expect(clock.wallMs()).toBe(wallMs);
    endEvent();
    expect(clock.nowMs()).toBeGreaterThan(nowMs);
    beginEvent();
    expect(clock.nowMs()).toBeGreaterThan(nowMs);
    endEvent();
  });

  it('lets at least two immediates pass before a turn, so that a poll lies between', async () => {
    const clock = createNodeClock();
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        seen.push('immediate');
        setImmediate(() => seen.push('immediate'));
      });
      clock.nextTurn(() => {
        seen.push('turn');
        resolve();
      });
    });
    expect(seen.slice(0, 2)).toContain('immediate');
    expect(seen[0]).toBe('immediate');
    expect(seen.at(-1)).toBe('turn');
  });

  it('serves any number of turns asked for at once, each one time', async () => {
    const clock = createNodeClock();
    const counts = new Array<number>(1000).fill(0);
    await new Promise<void>((resolve) => {
      for (let i = 0; i < counts.length; i++) {
        clock.nextTurn(() => {
          counts[i] += 1;
        });
      }
      clock.nextTurn(() => clock.nextTurn(resolve));
    });
    expect(new Set(counts)).toEqual(new Set([1]));
  });
});
