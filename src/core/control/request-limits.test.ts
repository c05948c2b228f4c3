import { beforeEach, describe, expect, it } from 'vitest';
import {
  backendConfig,
  ControlWorld,
  emptyPool,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import type { BackendConfig } from '../config.ts';
import { Tracker } from '../health/tracker.ts';
import { Backend } from '../table/backend.ts';
import { State, Table } from '../table/table.ts';
import type { Member } from './members.ts';
import { RequestLimits } from './request-limits.ts';

const ADAPTIVE = { maxRequests: 20, adaptiveRequests: { min: 4, max: 1000 } };

let world: ControlWorld;
let table: Table;
let limits: RequestLimits;

beforeEach(() => {
  world = new ControlWorld();
  table = new Table({ capacity: 4, workers: 2 });
  limits = new RequestLimits(table, world.clock, world.log);
});

function member(changes: Partial<BackendConfig>): Member {
  const config = backendConfig(1, changes);
  const pool = emptyPool(poolConfig([config]));
  const slot = table.claim(1, State.up)!;
  const backend = new Backend(slot, table.generation(slot), config, pool.config);
  const tracker = new Tracker(null, true, 0);
  const made = { backend, tracker, pool, drain: null, turnedMs: null, pardoned: false };
  limits.configured(made);
  return made;
}

/** As many requests as may be are there, in both workers, and each takes as many ms. */
function busy({ backend: { slot, generation } }: Member, ticks: number): void {
  const other = new Table({ capacity: 4, workers: 2 }, table.buffer, 1);
  for (let tick = 0; tick < ticks; tick++) {
    let entered = 0;
    while ((entered % 2 ? table : other).enter(slot, generation, ~0)) entered++;
    const tookMs = Math.max(10, entered);
    for (let i = 0; i < 100; i++) (i % 2 ? table : other).noteAnswer(slot, tookMs);
    world.pass(100);
    for (let i = 0; i < entered; i++) (i % 2 ? table : other).leave(slot);
  }
}

function reconfigure(of: Member, changes: Partial<BackendConfig>): void {
  of.backend.config = { ...of.backend.config, ...changes };
  limits.configured(of);
}

describe('a limit that is a number', () => {
  it('is in the table as it is configured, and follows the configuration', () => {
    const one = member({ maxRequests: 3 });
    expect(table.limit(one.backend.slot)).toBe(3);
    reconfigure(one, { maxRequests: 0 });
    expect(table.limit(one.backend.slot)).toBe(0);
  });
});

describe('a bound on connections', () => {
  it('is a limit of requests too, and the smaller of both holds', () => {
    const one = member({ maxConnections: 3 });
    const { slot } = one.backend;
    expect(table.limit(slot)).toBe(3);
    reconfigure(one, { maxRequests: 2 });
    expect(table.limit(slot)).toBe(2);
    reconfigure(one, { maxRequests: 5 });
    expect(table.limit(slot)).toBe(3);
    reconfigure(one, ADAPTIVE);
    for (let i = 0; i < 7; i++) table.enterTunnel(slot);
    world.pass(100);
    expect(table.limit(slot)).toBe(3);
  });
});

describe('an adaptive limit', () => {
  it('is found by what all workers have counted, and the log says when it begins to bite', () => {
    const one = member(ADAPTIVE);
    expect(table.limit(one.backend.slot)).toBe(20);
    busy(one, 400);
    const limit = table.limit(one.backend.slot);
    expect(limit).toBeGreaterThan(10);
    expect(limit).toBeLessThan(35);
    const [first, ...rest] = world.logged('backend_held_back');
    expect(first).toMatch(
      /^server-1 gets no more than \d+ requests at once for now: it takes \d+ ms to answer, and us/,
    );
    expect(rest).toEqual([]);
  });

  it('says when nobody was held back for half a minute', () => {
    const one = member(ADAPTIVE);
    busy(one, 400);
    expect(world.logged('backend_keeps_up')).toEqual([]);
    world.pass(30_200);
    expect(world.logged('backend_keeps_up')).toEqual([
      'server-1 is not held back any more: it can do what is asked of it',
    ]);
  });

  it('does not count tunnels', () => {
    const { backend } = member(ADAPTIVE);
    for (let i = 0; i < 7; i++) table.enterTunnel(backend.slot);
    world.pass(100);
    expect(table.limit(backend.slot)).toBe(27);
  });

  it('stays as it was found when a reload changes its bounds, and not when it was a number', () => {
    const one = member(ADAPTIVE);
    busy(one, 400);
    const found = table.limit(one.backend.slot);
    reconfigure(one, { adaptiveRequests: { min: 1, max: 999 } });
    expect(table.limit(one.backend.slot)).toBe(found);
    reconfigure(one, { maxRequests: 5, adaptiveRequests: null });
    expect(table.limit(one.backend.slot)).toBe(5);
    world.pass(1000);
    expect(table.limit(one.backend.slot)).toBe(5);
    reconfigure(one, ADAPTIVE);
    expect(table.limit(one.backend.slot)).toBe(20);
  });

  it('is not looked after any more when its backend drains, or all stops', () => {
    const one = member(ADAPTIVE);
    limits.forget(one);
    for (let i = 0; i < 7; i++) table.enterTunnel(one.backend.slot);
    world.pass(1000);
    expect(table.limit(one.backend.slot)).toBe(20);
    const other = member(ADAPTIVE);
    limits.stop();
    table.enterTunnel(other.backend.slot);
    world.pass(1000);
    expect(table.limit(other.backend.slot)).toBe(20);
  });
});
