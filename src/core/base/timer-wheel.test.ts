import { beforeEach, describe, expect, it } from 'vitest';
import type { Alarm, Clock } from './clock.ts';
import { createRng } from './rng.ts';
import { LATE_MS, TICK_MS, Timer, TimerWheel } from './timer-wheel.ts';

/** Time that stands still until `pass`; a stall lets it go on without waking anybody. */
class FakeClock implements Clock {
  private now: number;
  private alarms: { readonly at: number; readonly wake: () => void }[] = [];
  private turns: (() => void)[] = [];

  constructor(now = 0) {
    this.now = now;
  }

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return 0;
  }

  wakeAt(at: number, wake: () => void): Alarm {
    const alarm = { at, wake };
    this.alarms.push(alarm);
    return {
      cancel: () => {
        this.alarms = this.alarms.filter((each) => each !== alarm);
      },
    };
  }

  nextTurn(callback: () => void): void {
    this.turns.push(callback);
  }

  get waiting(): number {
    return this.alarms.length;
  }

  stall(ms: number): void {
    this.now += ms;
  }

  /** What is due now, then one turn. */
  private settle(): void {
    const due = this.alarms.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at);
    this.alarms = this.alarms.filter((each) => !due.includes(each));
    for (const { wake } of due) wake();
    const { turns } = this;
    this.turns = [];
    for (const turn of turns) turn();
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      this.settle();
      const next = Math.min(...this.alarms.map(({ at }) => at));
      if (next > until) break;
      this.now = Math.max(this.now, next);
    }
    this.now = until;
  }
}

class Probe extends Timer {
  readonly firedAt: number[] = [];
  onFire: (nowMs: number) => void = () => {};

  override onTimer(nowMs: number): void {
    this.firedAt.push(nowMs);
    this.onFire(nowMs);
  }
}

let clock: FakeClock;
let lags: number[];
let wheel: TimerWheel;

beforeEach(() => {
  clock = new FakeClock();
  lags = [];
  wheel = new TimerWheel(clock, (lagMs) => lags.push(lagMs));
});

describe('a deadline', () => {
  it('fires once, never early and at most one tick late', () => {
    for (const start of [0, 1, 49, 50, 3.7, 1_234_567.3]) {
      for (const delay of [0, 1, 49, 50, 51, 99, 100, 101, 1000, 12_345.6]) {
        clock = new FakeClock(start);
        wheel = new TimerWheel(clock);
        const timer = new Probe();
        wheel.set(timer, start + delay);
        clock.pass(delay + 3 * TICK_MS);
        expect(timer.firedAt.length).toBe(1);
        const late = timer.firedAt[0] - (start + delay);
        expect(late).toBeGreaterThanOrEqual(0);
        expect(late).toBeLessThanOrEqual(TICK_MS);
      }
    }
  });

  it('is as exact as its wheel is told to be', () => {
    wheel = new TimerWheel(clock, () => {}, 5);
    for (const delay of [0, 3, 5, 51, 6000]) {
      const timer = new Probe();
      const due = clock.nowMs() + delay;
      wheel.set(timer, due);
      clock.pass(delay + 10);
      expect(timer.firedAt).toHaveLength(1);
      expect(timer.firedAt[0] - due).toBeGreaterThanOrEqual(0);
      expect(timer.firedAt[0] - due).toBeLessThanOrEqual(5);
    }
  });

  it('is off once it has fired', () => {
    const timer = new Probe();
    wheel.set(timer, 100);
    clock.pass(10_000);
    expect(timer.firedAt).toEqual([100]);
    expect(timer.deadlineMs).toBe(Number.POSITIVE_INFINITY);
    expect(wheel.size).toBe(0);
  });

  it('never fires from inside set, also when it has passed already', () => {
    clock.pass(500);
    const timer = new Probe();
    wheel.set(timer, 100);
    expect(timer.firedAt).toEqual([]);
    clock.pass(2 * TICK_MS);
    expect(timer.firedAt.length).toBe(1);
  });

  it('can be moved later, as often as one likes', () => {
    const timer = new Probe();
    for (let i = 0; i < 50; i++) {
      wheel.set(timer, wheel.nowMs() + 1000);
      clock.pass(900);
    }
    expect(timer.firedAt).toEqual([]);
    clock.pass(1000);
    expect(timer.firedAt.length).toBe(1);
    expect(timer.firedAt[0]).toBeGreaterThanOrEqual(49 * 900 + 1000);
  });

  it('can be moved earlier', () => {
    const timer = new Probe();
    wheel.set(timer, 60_000);
    clock.pass(100);
    wheel.set(timer, 300);
    expect(wheel.size).toBe(1);
    clock.pass(400);
    expect(timer.firedAt).toEqual([300]);
    clock.pass(100_000);
    expect(timer.firedAt.length).toBe(1);
  });

  it('may lie many rounds of the wheel ahead', () => {
    const deadlines = [51_150, 51_200, 51_250, 102_400, 3_600_000, 86_400_000];
    const timers = deadlines.map(() => new Probe());
    for (const [index, timer] of timers.entries()) wheel.set(timer, deadlines[index]);
    clock.pass(86_400_000);
    expect(timers.map(({ firedAt }) => firedAt)).toEqual(deadlines.map((each) => [each]));
  });

  it('fires in the order of ticks, whatever the order of setting', () => {
    const order: number[] = [];
    for (const deadline of [500, 100, 300, 200, 400]) {
      const timer = new Probe();
      timer.onFire = () => order.push(deadline);
      wheel.set(timer, deadline);
    }
    clock.pass(1000);
    expect(order).toEqual([100, 200, 300, 400, 500]);
  });
});

describe('turning off', () => {
  it('a cleared deadline does not fire, and may be set again', () => {
    const timer = new Probe();
    wheel.set(timer, 100);
    wheel.clear(timer);
    clock.pass(50);
    wheel.set(timer, 400);
    clock.pass(300);
    expect(timer.firedAt).toEqual([]);
    clock.pass(100);
    expect(timer.firedAt.length).toBe(1);
  });

  it('a cleared node leaves when its slot comes up, and the wheel falls asleep', () => {
    const timer = new Probe();
    wheel.set(timer, 100);
    wheel.clear(timer);
    expect(wheel.size).toBe(1);
    clock.pass(500);
    expect(wheel.size).toBe(0);
    expect(clock.waiting).toBe(0);
  });

  it('a removed node is gone at once, and may be set again', () => {
    const timers = [new Probe(), new Probe(), new Probe()];
    for (const timer of timers) wheel.set(timer, 100);
    wheel.remove(timers[1]);
    wheel.remove(timers[1]);
    expect(wheel.size).toBe(2);
    clock.pass(200);
    expect(timers.map(({ firedAt }) => firedAt.length)).toEqual([1, 0, 1]);
    wheel.set(timers[1], 300);
    clock.pass(200);
    expect(timers[1].firedAt).toEqual([300]);
  });

  it('wakes nobody while the wheel is empty', () => {
    expect(clock.waiting).toBe(0);
    const timer = new Probe();
    wheel.set(timer, 100);
    expect(clock.waiting).toBe(1);
    clock.pass(10_000);
    expect(clock.waiting).toBe(0);
    wheel.set(timer, wheel.nowMs() + 100);
    clock.pass(200);
    expect(timer.firedAt.length).toBe(2);
  });
});

describe('from onTimer', () => {
  it('a timer may set itself again', () => {
    const timer = new Probe();
    timer.onFire = (nowMs) => {
      if (timer.firedAt.length < 5) wheel.set(timer, nowMs + 100);
    };
    wheel.set(timer, 100);
    clock.pass(1000);
    expect(timer.firedAt).toEqual([100, 200, 300, 400, 500]);
  });

  it('a timer may set another, into the same tick or a passed one', () => {
    const second = new Probe();
    const first = new Probe();
    first.onFire = (nowMs) => wheel.set(second, nowMs - 1000);
    wheel.set(first, 100);
    clock.pass(300);
    expect(second.firedAt.length).toBe(1);
  });

  it('a timer may turn off or move others that are due at the same moment', () => {
    const timers = Array.from({ length: 4 }, () => new Probe());
    for (const timer of timers) {
      wheel.set(timer, 100);
      timer.onFire = () => {
        const others = timers.filter((each) => each.firedAt.length === 0);
        wheel.remove(others[0]);
        wheel.clear(others[1]);
        wheel.set(others[2], 200);
      };
    }
    clock.pass(150);
    expect(timers.filter(({ firedAt }) => firedAt.length > 0).length).toBe(1);
    for (const timer of timers) timer.onFire = () => {};
    clock.pass(150);
    expect(timers.filter(({ firedAt }) => firedAt.length > 0).length).toBe(2);
    expect(wheel.size).toBe(0);
  });

  it('a timer that always asks for now does not stop time', () => {
    const timer = new Probe();
    timer.onFire = (nowMs) => wheel.set(timer, nowMs);
    wheel.set(timer, 0);
    clock.pass(1000);
    expect(timer.firedAt.length).toBeGreaterThan(10);
    expect(timer.firedAt.length).toBeLessThan(30);
  });
});

describe('a late loop', () => {
  it('moves every deadline by the lag', () => {
    const timer = new Probe();
    wheel.set(timer, 1000);
    clock.pass(500);
    clock.stall(5000);
    clock.pass(400);
    expect(timer.firedAt).toEqual([]);
    expect(lags.length).toBe(1);
    expect(lags[0]).toBeGreaterThan(4900);
    clock.pass(300);
    expect(timer.firedAt.length).toBe(1);
    expect(wheel.nowMs()).toBeCloseTo(clock.nowMs() - lags[0], 6);
  });

  it('is lost also for who asks for the time before the wheel has woken up', () => {
    wheel.set(new Probe(), 10_000);
    clock.pass(500);
    const before = wheel.nowMs();
    clock.stall(30_000);
    expect(wheel.nowMs() - before).toBeLessThan(250);
    expect(lags.length).toBe(1);
    clock.pass(100);
    expect(lags.length).toBe(1);
  });

  it('lets what waited be delivered before anything fires', () => {
    const timer = new Probe();
    wheel.set(timer, 520);
    clock.pass(500);
    clock.stall(5000);
    const events: string[] = [];
    timer.onFire = () => events.push('fired');
    // The socket event is read in the turn that the wheel lets pass.
    clock.nextTurn(() => {
      events.push('data');
      wheel.set(timer, wheel.nowMs() + 1000);
    });
    clock.pass(900);
    expect(events).toEqual(['data']);
    clock.pass(500);
    expect(events).toEqual(['data', 'fired']);
  });

  it('is one that is more than 250 ms late; less is not taken out', () => {
    const timer = new Probe();
    wheel.set(timer, 60_000);
    clock.pass(500);
    clock.stall(TICK_MS + LATE_MS);
    clock.pass(0);
    expect(lags).toEqual([]);
    expect(wheel.nowMs()).toBe(clock.nowMs());
    clock.stall(TICK_MS + LATE_MS + 1);
    clock.pass(0);
    expect(lags).toEqual([LATE_MS + 1]);
  });

  it('adds up over many stalls', () => {
    const timer = new Probe();
    wheel.set(timer, 3000);
    for (let i = 0; i < 10; i++) {
      clock.pass(200);
      clock.stall(1000);
    }
    clock.pass(100);
    expect(timer.firedAt).toEqual([]);
    expect(lags.length).toBe(10);
    clock.pass(2000);
    expect(timer.firedAt.length).toBe(1);
  });

  it('is nothing to an empty wheel', () => {
    clock.stall(60_000);
    const timer = new Probe();
    wheel.set(timer, wheel.nowMs() + 100);
    clock.pass(200);
    expect(lags).toEqual([]);
    expect(timer.firedAt.length).toBe(1);
  });
});

describe('any mix of calls', () => {
  it('fires what a plain list of deadlines would, within a tick', () => {
    const rng = createRng(3);
    const timers = Array.from({ length: 60 }, () => new Probe());
    const expected = timers.map(() => Number.POSITIVE_INFINITY);
    const wrong: string[] = [];
    for (const [index, timer] of timers.entries()) {
      timer.onFire = (nowMs) => {
        const late = nowMs - expected[index];
        if (!(late >= 0 && late <= TICK_MS)) wrong.push(`${index}: ${late} ms late`);
        expected[index] = Number.POSITIVE_INFINITY;
      };
    }
    for (let step = 0; step < 20_000; step++) {
      const index = rng.below(timers.length);
      const timer = timers[index];
      const what = rng.below(10);
      if (what < 6) {
        expected[index] = wheel.nowMs() + 1 + rng.below(rng.chance(1, 20) ? 200_000 : 3000);
        wheel.set(timer, expected[index]);
      } else if (what === 6) {
        wheel.clear(timer);
        expected[index] = Number.POSITIVE_INFINITY;
      } else if (what === 7) {
        wheel.remove(timer);
        expected[index] = Number.POSITIVE_INFINITY;
      } else clock.pass(rng.below(100));
    }
    clock.pass(300_000);
    expect(wrong).toEqual([]);
    expect(expected.every((each) => each === Number.POSITIVE_INFINITY)).toBe(true);
    expect(wheel.size).toBe(0);
  });
});
