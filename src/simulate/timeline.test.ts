import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timeline } from './timeline.ts';

const START = 1_000_000;

describe('the timeline', () => {
  it('takes entries in the order of their times, and of being put where those are the same', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 3000 }), (times) => {
        const timeline = new Timeline(START);
        times.forEach((atMs, index) => {
          timeline.put(atMs, 1, index, 7);
        });
        const taken: number[] = [];
        while (timeline.take(100)) {
          expect(timeline.nowMs()).toBe(times[timeline.index]);
          expect([timeline.kind, timeline.serial]).toEqual([1, 7]);
          taken.push(timeline.index);
        }
        const expected = times
          .map((_, index) => index)
          .sort((a, b) => times[a] - times[b] || a - b);
        expect(taken).toEqual(expected);
      }),
    );
  });

  it('stands at the end when nothing is due before', () => {
    const timeline = new Timeline(START);
    timeline.put(20, 1, 0, 0);
    expect(timeline.take(15.5)).toBe(false);
    expect([timeline.nowMs(), timeline.wallMs()]).toEqual([15.5, START + 15]);
    expect(timeline.take(20)).toBe(true);
    expect(timeline.take(30)).toBe(false);
    expect(timeline.nowMs()).toBe(30);
  });

  it('puts what is late at the present', () => {
    const timeline = new Timeline(START);
    timeline.take(10);
    timeline.put(3, 1, 0, 0);
    expect(timeline.take(10)).toBe(true);
    expect(timeline.nowMs()).toBe(10);
  });

  it('wakes by itself, once, and not from inside `wakeAt`', () => {
    const timeline = new Timeline(START);
    const woken: number[] = [];
    const wake = (): void => void woken.push(timeline.nowMs());
    timeline.wakeAt(5, wake);
    timeline.wakeAt(-1, wake);
    timeline.nextTurn(wake);
    expect(woken).toEqual([]);
    timeline.take(4);
    expect(woken).toEqual([0, 0]);
    timeline.take(100);
    expect(woken).toEqual([0, 0, 5]);
  });

  it('does not wake who has cancelled, and never somebody else instead', () => {
    const timeline = new Timeline(START);
    const woken: string[] = [];
    const first = timeline.wakeAt(5, () => woken.push('first'));
    timeline.wakeAt(1, () => woken.push('early'));
    timeline.take(2);
    // It may have the place of the early one, which is over: cancelling that again means nothing.
    timeline.wakeAt(6, () => woken.push('second'));
    first.cancel();
    first.cancel();
    timeline.take(10);
    expect(woken).toEqual(['early', 'second']);
  });
});
