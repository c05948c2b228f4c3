import { describe, expect, it } from 'vitest';
import { createSimClock } from '../../../sim/clock.ts';
import {
  backendConfig,
  emptyPool,
  FakeEngine,
  poolConfig,
  SILENT,
} from '../../../test/fixtures/control-world.ts';
import { policies } from '../balancing/balancing.ts';
import type { Schedule } from '../balancing/schedule.ts';
import { mix } from '../base/hash.ts';
import { createRng } from '../base/rng.ts';
import type { PoolConfig } from '../config.ts';
import { Tracker } from '../health/tracker.ts';
import { Backend } from '../table/backend.ts';
import { State, Table } from '../table/table.ts';
import type { Pool } from './members.ts';
import { Schedules } from './schedules.ts';

const { up, checking, suspect, down } = State;

function worldOf(
  states: readonly State[],
  changes: Partial<PoolConfig> = {},
  windowMs?: () => number,
) {
  const table = new Table({ capacity: Math.max(8, states.length), workers: 1 });
  const pool = emptyPool(poolConfig([], changes));
  pool.members = states.map((state, index) => {
    const slot = table.claim(1, state)!;
    const backend = new Backend(slot, 0, backendConfig((index % 250) + 1), pool.config);
    const tracker = new Tracker(null, true, 0);
    return { backend, tracker, pool, drain: null, turnedMs: null, pardoned: false };
  });
  const clock = createSimClock();
  const engine = new FakeEngine(clock);
  const schedules = new Schedules(table, clock, SILENT, engine, windowMs);
  /** The state of the backend in this slot changes, and everybody hears of it. */
  const turn = (slot: number, state: State): void => {
    table.setState(slot, state);
    schedules.refresh(pool);
  };
  const pass = (ms: number): void => clock.run(clock.nowMs() + ms);
  const scheduled = (): number[] => [...engine.schedules.get('default')!.slots];
  return { table, pool, engine, clock, schedules, turn, pass, scheduled };
}

const draws = (schedule: Schedule, count: number): number[] =>
  Array.from({ length: count }, () => schedule.draw());

describe('a schedule', () => {
  it('awaits first verdicts alike, until they are overdue', () => {
    const { pool, schedules } = worldOf([up, checking]);
    expect(draws(schedules.of(pool), 2)).toEqual([0, 1]);
    pool.members[1].backend.verdictOverdue = true;
    expect(draws(schedules.of(pool), 2)).toEqual([0, 0]);
  });

  it('has suspects when nobody is up', () => {
    const { pool, schedules } = worldOf([down, suspect, suspect]);
    expect(draws(schedules.of(pool), 2)).toEqual([1, 2]);
  });

  it.each([
    [false, -1],
    [true, 0],
  ])('has those that probes took down only with panic: %s', (panic, slot) => {
    const { pool, schedules } = worldOf([down], { panic });
    expect(schedules.of(pool).draw()).toBe(slot);
  });

  it('stays the same, with its cursor, while its members do', () => {
    const { table, pool, schedules } = worldOf([checking, checking]);
    const first = schedules.of(pool);
    expect(first.draw()).toBe(0);
    table.setState(0, up);
    expect(schedules.of(pool)).toBe(first);
    expect(first.draw()).toBe(1);
  });

  it('learns in which states its members count when only that has changed', () => {
    const { table, pool, schedules } = worldOf([up]);
    const schedule = schedules.of(pool);
    const before = schedule.states;
    table.setState(0, suspect);
    expect(schedules.of(pool)).toBe(schedule);
    expect(schedule.states).not.toBe(before);
  });

  it('is another one when weights change, and the engine is told', () => {
    const { pool, engine, schedules } = worldOf([up, up]);
    const before = schedules.of(pool);
    pool.members[0].backend.config = backendConfig(1, { weight: 3 });
    schedules.refresh(pool);
    expect(engine.take()).toEqual(['refresh default']);
    expect(schedules.of(pool)).not.toBe(before);
    expect(draws(schedules.of(pool), 8).filter((slot) => slot === 0)).toHaveLength(6);
  });

  it('lies in memory of its own for each pool', () => {
    const { pool, schedules } = worldOf([up, up]);
    const other: Pool = { ...pool };
    const [a, b] = [schedules.of(pool), schedules.of(other)];
    expect([a.draw(), b.draw(), a.draw(), b.draw()]).toEqual([0, 0, 1, 1]);
  });

  it('is in shared memory when the table is', () => {
    const size = { capacity: 2, workers: 2 };
    const table = new Table(size, new SharedArrayBuffer(Table.bytesFor(size)));
    const pool = emptyPool(poolConfig([]));
    const clock = createSimClock();
    const schedules = new Schedules(table, clock, SILENT, new FakeEngine(clock));
    expect(schedules.of(pool).words.buffer).toBeInstanceOf(SharedArrayBuffer);
  });
});

describe('the schedule of a large pool', () => {
  const WINDOW_MS = 100;

  /** It has been worked out just now. */
  function large(states: readonly State[], changes: Partial<PoolConfig> = {}) {
    const world = worldOf(states, changes, () => WINDOW_MS);
    world.schedules.refresh(world.pool);
    world.engine.take();
    return world;
  }

  it('has the first change at once, and those that follow soon together', () => {
    const { turn, pass, engine, scheduled } = large(Array.from({ length: 8 }, () => up));
    pass(WINDOW_MS);
    turn(1, down);
    expect(scheduled()).not.toContain(1);
    turn(2, down);
    turn(3, down);
    expect(engine.take()).toEqual(['refresh default']);
    pass(WINDOW_MS);
    expect(engine.take()).toEqual(['refresh default']);
    expect(scheduled()).toEqual([0, 4, 5, 6, 7]);
  });

  it('goes on in strict order when one went and came back within the window', () => {
    const { turn, pass, engine } = large([up, up, up, up]);
    const schedule = engine.schedules.get('default')!;
    expect(draws(schedule, 2)).toEqual([0, 1]);
    turn(3, down);
    pass(1);
    turn(3, up);
    pass(WINDOW_MS);
    expect(engine.schedules.get('default')).toBe(schedule);
    expect(draws(schedule, 3)).toEqual([2, 3, 0]);
  });

  it('does not leave everything to the first that comes back', () => {
    const { turn, scheduled } = large(Array.from({ length: 8 }, () => down));
    turn(0, up);
    turn(1, up);
    turn(2, up);
    expect(scheduled()).toEqual([0, 1, 2]);
  });

  it('has somebody who is up at once when it had only suspects', () => {
    const { turn, scheduled } = large([suspect, suspect, suspect, down]);
    turn(3, up);
    expect(scheduled()).toEqual([3]);
  });

  it('has nothing to wait for when it is worked out for another reason', () => {
    const { turn, pass, engine, schedules, pool, clock } = large([up, up, up, up]);
    turn(3, down);
    expect(clock.pending()).toBe(1);
    expect([...schedules.of(pool).slots]).toEqual([0, 1, 2]);
    expect(clock.pending()).toBe(0);
    pass(WINDOW_MS);
    expect(engine.take()).toEqual([]);
  });

  it('is worked out some ten times a second while 5,000 verdicts come in 5 s', () => {
    const { pool, engine, schedules, turn, pass, scheduled } = worldOf(
      Array.from({ length: 5000 }, () => checking),
    );
    schedules.refresh(pool);
    for (let slot = 0; slot < 5000; slot++) {
      turn(slot, slot % 2 === 0 ? up : down);
      pass(1);
    }
    pass(100);
    expect(engine.take().length).toBeLessThanOrEqual(53);
    expect(scheduled()).toEqual(Array.from({ length: 2500 }, (_, i) => 2 * i));
  });
});

describe.each(['ring_hash', 'rendezvous'] as const)('a schedule for %s', (policy) => {
  /** Three backends of priority 0, weights 1 to 3, and two of priority 1. */
  function levels() {
    const world = worldOf([up, up, up, up, up], { policy });
    world.pool.members.forEach(({ backend }, i) => {
      const level = i < 3 ? { priority: 0, weight: i + 1 } : { priority: 1, weight: 1 };
      backend.config = { ...backend.config, ...level };
    });
    const needs = {
      rng: createRng(1),
      wallMs: () => 0,
      warn: () => {},
      boundedLoad: null,
      own: null,
    };
    const pick = policies[policy]({ loads: world.table, ...needs });
    const whose = (): number[] => {
      const schedule = world.schedules.of(world.pool);
      return Array.from({ length: 2000 }, (_, n) => pick.pick(schedule, [], mix(n + 1) >>> 1));
    };
    return { ...world, whose };
  }

  it('moves only the keys that another level takes over', () => {
    const { table, whose } = levels();
    const before = whose();
    expect(Math.max(...before)).toBe(2);
    table.setState(2, down);
    const after = whose();
    const spilled = after.filter((slot) => slot >= 3).length;
    expect(spilled).toBeGreaterThan(50);
    for (let n = 0; n < 2000; n++) {
      const isKept = after[n] === before[n];
      expect(isKept || before[n] === 2 || after[n] >= 3, `${before[n]} to ${after[n]}`).toBe(true);
    }
    table.setState(2, up);
    expect(whose()).toEqual(before);
  });
});
