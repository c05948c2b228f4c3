/** What every Clock must keep, whether its time is real or pretended. */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/base/clock.ts';

export interface ClockWorld {
  readonly clock: Clock;
  /** Lets the world go on until `done()`; fails after a few seconds of real time. */
  until(done: () => boolean): Promise<void>;
}

export function clockConformance(name: string, createWorld: () => ClockWorld): void {
  describe(`the clock of ${name}`, () => {
    it('does not go back', async () => {
      const { clock, until } = createWorld();
      const times = [clock.nowMs()];
      for (let i = 0; i < 20; i++) {
        let turned = false;
        clock.nextTurn(() => {
          turned = true;
        });
        await until(() => turned);
        times.push(clock.nowMs());
      }
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(clock.wallMs()).toBeGreaterThan(1_700_000_000_000);
    });

    it('wakes once, later, and never before the deadline', async () => {
      const { clock, until } = createWorld();
      const early: number[] = [];
      let woken = 0;
      for (let i = 0; i < 40; i++) {
        const deadline = clock.nowMs() + i * 0.37;
        clock.wakeAt(deadline, () => {
          woken += 1;
          if (clock.nowMs() < deadline) early.push(deadline - clock.nowMs());
        });
      }
      expect(woken).toBe(0);
      await until(() => woken === 40);
      let over = false;
      clock.wakeAt(clock.nowMs() + 20, () => {
        over = true;
      });
      await until(() => over);
      expect(woken).toBe(40);
      expect(early).toEqual([]);
    });

    it('wakes in the order of deadlines', async () => {
      const { clock, until } = createWorld();
      const now = clock.nowMs();
      const seen: number[] = [];
      for (const delay of [60, 5, 120, 30]) clock.wakeAt(now + delay, () => seen.push(delay));
      await until(() => seen.length === 4);
      expect(seen).toEqual([5, 30, 60, 120]);
    });

    it('wakes soon, not now, for a deadline that has passed', async () => {
      const { clock, until } = createWorld();
      let woken = 0;
      clock.wakeAt(clock.nowMs() - 1000, () => woken++);
      clock.wakeAt(-Infinity, () => woken++);
      expect(woken).toBe(0);
      await until(() => woken === 2);
    });

    it('does not wake early for a deadline months away', async () => {
      const { clock, until } = createWorld();
      let far = 0;
      let near = 0;
      const alarms = [
        clock.wakeAt(clock.nowMs() + 2 ** 32, () => far++),
        clock.wakeAt(Infinity, () => far++),
      ];
      clock.wakeAt(clock.nowMs() + 20, () => near++);
      await until(() => near === 1);
      expect(far).toBe(0);
      for (const alarm of alarms) alarm.cancel();
    });

    it('never wakes what was cancelled, also when cancelled by an earlier wake', async () => {
      const { clock, until } = createWorld();
      const seen: string[] = [];
      const at = clock.nowMs() + 5;
      const early = clock.wakeAt(at, () => seen.push('cancelled at once'));
      early.cancel();
      early.cancel();
      clock.wakeAt(at, () => later.cancel());
      const later = clock.wakeAt(at + 10, () => seen.push('cancelled by the wake before it'));
      let over = false;
      clock.wakeAt(at + 30, () => {
        over = true;
      });
      await until(() => over);
      expect(seen).toEqual([]);
      later.cancel();
    });

    it('turns later and once, in the order of the calls, also for calls from a turn', async () => {
      const { clock, until } = createWorld();
      const seen: string[] = [];
      clock.nextTurn(() => {
        seen.push('first');
        clock.nextTurn(() => seen.push('from the first'));
      });
      clock.nextTurn(() => seen.push('second'));
      expect(seen).toEqual([]);
      await until(() => seen.length >= 3);
      expect(seen).toEqual(['first', 'second', 'from the first']);
    });
  });
}
