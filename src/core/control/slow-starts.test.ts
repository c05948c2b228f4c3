import { beforeEach, describe, expect, it } from 'vitest';
import {
  backendConfig,
  ControlWorld,
  emptyPool,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import { WARM } from '../health/eligibility.ts';
import { Tracker } from '../health/tracker.ts';
import { Backend } from '../table/backend.ts';
import type { Member, Pool } from './members.ts';
import { SlowStarts, warmthAfter } from './slow-starts.ts';

describe('the warmth of a backend', () => {
  /** Percent of the time that has passed, and of the share: Envoy with aggression 1. */
  it.each([
    [0, 10],
    [5, 10],
    [10, 10],
    [15, 15],
    [25, 25],
    [50, 50],
    [75, 75],
    [95, 95],
    [100, 100],
    [500, 100],
  ])('after %d percent of the time is %d percent', (passed, share) => {
    expect((warmthAfter(passed * 300, 30_000) * 100) / WARM).toBe(share);
  });

  it('grows in whole twentieths, never before its time', () => {
    expect(warmthAfter(29_999, 30_000)).toBe(WARM - 1);
    expect(warmthAfter(4499, 30_000)).toBe(2);
    expect(warmthAfter(4500, 30_000)).toBe(3);
  });
});

let world: ControlWorld;
let starts: SlowStarts;
let pool: Pool;
/** When the pool was to be worked out anew. */
let steps: number[];

beforeEach(() => {
  world = new ControlWorld();
  steps = [];
  starts = new SlowStarts(world.clock, world.log, (each) => {
    steps.push(world.clock.nowMs());
    starts.settle(each, each.members);
  });
  pool = emptyPool(poolConfig([], { slowStartMs: 20_000 }));
  pool.members = [1, 2, 3, 4].map((number): Member => {
    const backend = new Backend(number, 0, backendConfig(number), pool.config);
    const tracker = new Tracker(null, true, 0);
    return { backend, tracker, pool, drain: null, turnedMs: null, pardoned: false };
  });
});

function begin(...numbers: readonly number[]): void {
  for (const number of numbers) starts.begin(pool.members[number - 1]);
  starts.settle(pool, pool.members);
}

const warmths = (): number[] => pool.members.map((member) => starts.warmth(member));

describe('a slow start', () => {
  it('grows step by step, and leaves no timer when it is over', () => {
    begin(2);
    expect(warmths()).toEqual([20, 2, 20, 20]);
    world.pass(5000);
    expect(warmths()).toEqual([20, 5, 20, 20]);
    world.pass(60_000);
    expect(warmths()).toEqual([20, 20, 20, 20]);
    expect(steps).toEqual(Array.from({ length: 20 }, (_, i) => (i + 1) * 1000));
    expect(world.clock.pending()).toBe(0);
  });

  it('is told of once', () => {
    begin(2);
    world.pass(5000);
    expect(world.logged('backend_slow_start')).toEqual([
      'server-2 starts slowly: all of its share in 20 s',
    ]);
  });

  it('makes no more than four steps a second, however short it is', () => {
    pool.config = poolConfig([], { slowStartMs: 1000 });
    begin(1);
    world.pass(5000);
    expect(steps).toEqual([250, 500, 750, 1000]);
  });

  it('of two at once takes as many steps as of one', () => {
    begin(1);
    world.pass(10_500);
    begin(2);
    expect(warmths()).toEqual([10, 2, 20, 20]);
    world.pass(40_000);
    expect(steps.length).toBeLessThanOrEqual(31);
    expect(world.clock.pending()).toBe(0);
  });

  it('begins anew for one that goes and comes again, and ends when it goes', () => {
    begin(1);
    world.pass(15_000);
    starts.end(pool.members[0]);
    expect(world.clock.pending()).toBe(0);
    begin(1);
    expect(warmths()).toEqual([2, 20, 20, 20]);
  });

  it('is none when more than half of those that can be chosen are new', () => {
    begin(1, 2);
    expect(warmths()).toEqual([2, 2, 20, 20]);
    begin(3);
    expect(warmths()).toEqual([20, 20, 20, 20]);
    expect(world.clock.pending()).toBe(0);
  });

  it('is none for the only one', () => {
    starts.begin(pool.members[0]);
    starts.settle(pool, [pool.members[0]]);
    expect(warmths()).toEqual([20, 20, 20, 20]);
    expect(world.logged('backend_slow_start')).toEqual([]);
  });

  it('is none where it is not configured, or keys have their places', () => {
    pool.config = poolConfig([]);
    begin(1);
    pool.config = poolConfig([], { slowStartMs: 20_000, policy: 'maglev' });
    begin(1);
    expect(warmths()).toEqual([20, 20, 20, 20]);
    expect(world.clock.pending()).toBe(0);
  });

  it('follows a reload that makes it longer, shorter, or ends it', () => {
    begin(1);
    world.pass(5000);
    pool.config = poolConfig([], { slowStartMs: 50_000 });
    starts.settle(pool, pool.members);
    expect(warmths()[0]).toBe(2);
    pool.config = poolConfig([], { slowStartMs: 10_000 });
    starts.settle(pool, pool.members);
    expect(warmths()[0]).toBe(10);
    pool.config = poolConfig([]);
    starts.settle(pool, pool.members);
    expect(warmths()[0]).toBe(20);
    expect(world.clock.pending()).toBe(0);
  });

  it('leaves nothing behind when everything stops', () => {
    begin(1);
    starts.stop();
    expect(warmths()[0]).toBe(20);
    expect(world.clock.pending()).toBe(0);
  });
});
