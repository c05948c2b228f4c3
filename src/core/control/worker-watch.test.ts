import { beforeEach, describe, expect, it } from 'vitest';
import { createSimClock, type SimClock } from '../../../sim/clock.ts';
import type { Clock } from '../base/clock.ts';
import { Slabs } from '../table/slabs.ts';
import { WorkerWatch } from './worker-watch.ts';

let sim: SimClock;
let slabs: Slabs;
let watch: WorkerWatch;
let told: string[];
/** So much later than asked for is this thread woken. */
let stallMs: number;
let beating: Set<number>;

beforeEach(() => {
  sim = createSimClock();
  slabs = new Slabs(3);
  told = [];
  stallMs = 0;
  beating = new Set();
  const clock: Clock = {
    nowMs: () => sim.nowMs(),
    wallMs: () => sim.wallMs(),
    nextTurn: (callback) => sim.nextTurn(callback),
    wakeAt: (deadlineMs, wake) => {
      const lateMs = stallMs;
      stallMs = 0;
      return sim.wakeAt(deadlineMs + lateMs, wake);
    },
  };
  watch = new WorkerWatch(slabs, clock, {
    silent: (worker, silentMs) => void told.push(`${worker} for ${silentMs}`),
    late: (lagMs) => void told.push(`late ${lagMs}`),
  });
  const beat = (): void => {
    for (const worker of beating) {
      slabs.beat(worker, { listeners: 0, connections: 0, exchanges: 0, tunnels: 0 });
    }
    sim.wakeAt(sim.nowMs() + 100, beat);
  };
  sim.wakeAt(50, beat);
});

const pass = (ms: number): void => sim.run(sim.nowMs() + ms);

describe('a worker', () => {
  it('that beats is never told of', () => {
    beating.add(0).add(1);
    watch.begin(0);
    watch.begin(1);
    pass(3_600_000);
    expect(told).toEqual([]);
  });

  it('that is silent for 5 s is told of once', () => {
    beating.add(0);
    watch.begin(0);
    watch.begin(1);
    pass(4999);
    expect(told).toEqual([]);
    pass(1);
    expect(told).toEqual(['1 for 5000']);
    pass(60_000);
    expect(told).toHaveLength(1);
  });

  it('is silent from its last beat on', () => {
    beating.add(2);
    watch.begin(2);
    pass(20_000);
    beating.delete(2);
    pass(4900);
    expect(told).toEqual([]);
    pass(200);
    expect(told).toHaveLength(1);
  });

  it('may beat slowly', () => {
    watch.begin(0);
    for (let second = 0; second < 60; second += 4) {
      beating.add(0);
      pass(100);
      beating.delete(0);
      pass(3900);
    }
    expect(told).toEqual([]);
  });

  it('that was never heard has 5 s from its beginning, whenever that is', () => {
    watch.begin(0);
    pass(4000);
    watch.begin(1);
    pass(4990);
    expect(told).toEqual(['0 for 5000']);
    pass(110);
    expect(told).toEqual(['0 for 5000', '1 for 5000']);
  });

  it('that was begun again is watched again', () => {
    watch.begin(0);
    pass(6000);
    slabs.clear(0);
    watch.begin(0);
    expect(told).toHaveLength(1);
    pass(5100);
    expect(told).toHaveLength(2);
  });

  it('that was forgotten is not told of', () => {
    watch.begin(0);
    watch.begin(1);
    pass(4900);
    watch.forget(0);
    pass(60_000);
    expect(told).toEqual(['1 for 5000']);
  });
});

describe('a late look of our own', () => {
  it("is nobody's silence, and is told as late", () => {
    watch.begin(0);
    pass(2950);
    stallMs = 10_000;
    // Nobody beats meanwhile: the whole machine slept.
    pass(10_150);
    expect(told).toEqual(['late 10000']);
    // 3 s before the stall, and what is left of 5 s after it.
    pass(1800);
    expect(told).toHaveLength(1);
    pass(200);
    expect(told).toHaveLength(2);
    expect(told[1]).toMatch(/^0 for 5\d\d\d$/);
  });

  it('does not make a worker silent that goes on right after it', () => {
    beating.add(0);
    watch.begin(0);
    pass(2950);
    beating.delete(0);
    stallMs = 60_000;
    pass(60_060);
    beating.add(0);
    pass(10_000);
    expect(told).toEqual(['late 60000']);
  });

  it('of up to a quarter of a second is not worth telling', () => {
    beating.add(0);
    watch.begin(0);
    pass(150);
    stallMs = 250;
    pass(1000);
    expect(told).toEqual([]);
    stallMs = 251;
    pass(1000);
    expect(told).toEqual(['late 251']);
  });
});

describe('stopping', () => {
  it('leaves no timer, and nobody is told of', () => {
    const before = sim.pending();
    watch.begin(0);
    watch.begin(1);
    pass(4000);
    watch.stop();
    expect(sim.pending()).toBe(before);
    pass(60_000);
    expect(told).toEqual([]);
  });

  it('is not for ever: who is begun after it is watched', () => {
    watch.begin(0);
    watch.stop();
    watch.begin(1);
    pass(6000);
    expect(told).toEqual(['1 for 5000']);
  });
});
