import { describe, expect, it } from 'vitest';
import { createRng } from '../src/core/base/rng.ts';
import { createSimClock } from './clock.ts';

describe('the simulated clock', () => {
  it('stands still until it is run, and then stands where it was run to', () => {
    const clock = createSimClock();
    expect(clock.nowMs()).toBe(0);
    clock.run(12.5);
    expect(clock.nowMs()).toBe(12.5);
    expect(clock.wallMs()).toBe(1_767_225_600_012);
  });

  it('lets events happen by time, and at the same time in the order they were asked for', () => {
    const clock = createSimClock();
    const seen: string[] = [];
    clock.wakeAt(5, () => seen.push('5a'));
    clock.wakeAt(1, () => seen.push('1'));
    clock.wakeAt(5, () => seen.push('5b'));
    clock.nextTurn(() => seen.push('turn'));
    clock.run(5);
    expect(seen).toEqual(['turn', '1', '5a', '5b']);
  });

  it('lets a wake planned for the past happen now, after what is due already', () => {
    const clock = createSimClock();
    const seen: string[] = [];
    clock.wakeAt(10, () => {
      clock.wakeAt(3, () => seen.push(`late at ${clock.nowMs()}`));
      seen.push('first');
    });
    clock.wakeAt(10, () => seen.push('second'));
    clock.run(100);
    expect(seen).toEqual(['first', 'second', 'late at 10']);
  });

  it('stops at the time it was run to, with later events still planned', () => {
    const clock = createSimClock();
    let woken = 0;
    clock.wakeAt(10, () => woken++);
    clock.run(9.999);
    expect([woken, clock.pending()]).toEqual([0, 1]);
    expect(clock.step()).toBe(true);
    expect([woken, clock.nowMs(), clock.pending()]).toEqual([1, 10, 0]);
    expect(clock.step()).toBe(false);
  });

  it('never wakes what was cancelled, and counts it no more', () => {
    const clock = createSimClock();
    const alarm = clock.wakeAt(1, () => expect.unreachable());
    alarm.cancel();
    alarm.cancel();
    expect(clock.pending()).toBe(0);
    clock.run(10);
  });

  it('keeps its order under thousands of random plans and cancellations', () => {
    const rng = createRng(7);
    const clock = createSimClock();
    const expected: { at: number; id: number }[] = [];
    const seen: number[] = [];
    for (let id = 0; id < 5000; id++) {
      const at = rng.below(1000);
      const alarm = clock.wakeAt(at, () => seen.push(id));
      if (rng.chance(1, 3)) alarm.cancel();
      else expected.push({ at, id });
    }
    clock.run(1000);
    expected.sort((a, b) => a.at - b.at || a.id - b.id);
    expect(seen).toEqual(expected.map((entry) => entry.id));
  });
});
