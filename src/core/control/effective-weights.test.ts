/** Who gets how much, from what is configured and seen to what policies pick. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  backendConfig,
  ControlWorld,
  config,
  FakeEngine,
  healthCheck,
  poolConfig,
  type Server,
  SILENT,
} from '../../../test/fixtures/control-world.ts';
import { policies } from '../balancing/balancing.ts';
import { createRng } from '../base/rng.ts';
import type { BackendConfig, PolicyName, PoolConfig } from '../config.ts';
import { Pool } from '../engine/pool.ts';
import { Head } from '../http/head.ts';
import { Table } from '../table/table.ts';
import { Controller } from './controller.ts';

const names = Object.keys(policies) as PolicyName[];

let world: ControlWorld;
let engine: FakeEngine;
let table: Table;
let controller: Controller;
let servers: Map<number, Server>;

beforeEach(() => {
  world = new ControlWorld();
  engine = new FakeEngine(world.clock);
  table = new Table({ capacity: 16, workers: 1 });
  const { transport, resolver, clock, rng, log } = world;
  controller = new Controller({ transport, resolver, clock, rng, table, log, engine });
  servers = new Map();
});

const check = healthCheck({ intervalMs: 1000, timeoutMs: 500, healthyThreshold: 1 });

const poolOf = (backends: readonly BackendConfig[], changes: Partial<PoolConfig> = {}) =>
  config([poolConfig(backends, { healthCheck: check, ...changes })]);

function live(...numbers: readonly number[]): void {
  for (const number of numbers) servers.set(number, world.serve(`10.0.0.${number}`));
}

/** These die, and the probes notice. */
function die(...numbers: readonly number[]): void {
  for (const number of numbers) world.network.kill(`10.0.0.${number}`);
  world.pass(1200);
}

/** These are back, and the probes notice. */
function comeBack(...numbers: readonly number[]): void {
  live(...numbers);
  world.pass(1200);
}

function start(backends: readonly BackendConfig[], changes: Partial<PoolConfig> = {}): void {
  live(...backends.map(({ name }) => Number(name.slice('server-'.length))));
  controller.start(poolOf(backends, changes), () => {});
  world.pass(1200);
}

function reload(backends: readonly BackendConfig[], changes: Partial<PoolConfig> = {}): void {
  controller.reload(poolOf(backends, changes), () => {});
  world.pass(50);
}

/** How many of so many exchanges, one after the other, each backend gets; those with none left. */
function shares(exchanges: number, policy: PolicyName = 'round_robin'): Record<string, number> {
  const { backends } = engine.pools.get('default')!;
  const known = { generation: (slot: number) => table.generation(slot) };
  const rng = createRng(3);
  const pool = new Pool(poolConfig([], { policy }), table, known, {
    rng,
    wallMs: () => 0,
    log: SILENT,
  });
  const answer = new Head(0);
  answer.status = 200;
  pool.follow(engine.schedules.get('default')!);
  const counts: Record<string, number> = {};
  for (let exchange = 0; exchange < exchanges; exchange++) {
    const slot = pool.enter([], rng.below(2 ** 31), null);
    const { name } = backends.find((backend) => backend.slot === slot)!.config;
    counts[name] = (counts[name] ?? 0) + 1;
    pool.tell(slot, { askedMs: 0, others: 0 }, 5, answer);
    table.leave(slot);
  }
  return counts;
}

/** What the status shows instead of weights, where it shows anything. */
const effective = (): Record<string, number> => {
  const [{ backends }] = controller.status();
  const shown = backends.filter(({ effectiveWeight }) => effectiveWeight !== undefined);
  return Object.fromEntries(shown.map(({ name, effectiveWeight }) => [name, effectiveWeight!]));
};

const numbered = (...numbers: readonly number[]): BackendConfig[] =>
  numbers.map((number) => backendConfig(number));

describe('weights that a reload changes', () => {
  it.each(names)('hold at once for %s', (policy) => {
    start(numbered(1, 2, 3), { policy });
    const before = shares(3000, policy);
    for (const name of Object.keys(before)) expect(before[name] / 1000).toBeCloseTo(1, 0);
    const weights = [1, 7, 92];
    const others = weights.map((weight, i) => backendConfig(i + 1, { weight }));
    reload(others, { policy });
    const after = shares(20_000, policy);
    weights.forEach((weight, i) => {
      const expected = (20_000 * weight) / 100;
      // Five standard deviations, or 1 % of a table by hash.
      const wrong = 5 * Math.sqrt(expected) + 0.01 * expected;
      expect(Math.abs((after[`server-${i + 1}`] ?? 0) - expected)).toBeLessThan(wrong);
    });
  });

  it('hold for backends that are not there, when they come back', () => {
    start(numbered(1, 2));
    die(2);
    reload([backendConfig(1), backendConfig(2, { weight: 4 })]);
    comeBack(2);
    expect(shares(500)).toEqual({ 'server-1': 100, 'server-2': 400 });
  });
});

describe('a backup', () => {
  const backends = [...numbered(1, 2), backendConfig(3, { backup: true })];

  it('gets everything when nobody else is there, and nothing before and after', () => {
    start(backends);
    expect(shares(100)).toEqual({ 'server-1': 50, 'server-2': 50 });
    expect(effective()).toEqual({ 'server-3': 0 });
    die(1);
    expect(shares(100)).toEqual({ 'server-2': 100 });
    die(2);
    expect(shares(100)).toEqual({ 'server-3': 100 });
    expect(effective()).toEqual({});
    comeBack(1);
    expect(shares(100)).toEqual({ 'server-1': 100 });
    expect(world.logged('pool_uses_backups')).toHaveLength(1);
    expect(world.logged('pool_returns')).toHaveLength(1);
  });

  it('gets everything when all others are drained', () => {
    start(backends);
    controller.drain('default', 'server-1');
    controller.drain('default', 'server-2');
    expect(shares(100)).toEqual({ 'server-3': 100 });
  });

  it('is one as soon as a reload says so, or is none any more', () => {
    start(numbered(1, 2, 3));
    expect(shares(300)['server-3']).toBe(100);
    reload(backends);
    expect(shares(100)['server-3']).toBeUndefined();
    reload(numbered(1, 2, 3));
    expect(shares(300)['server-3']).toBe(100);
  });
});

describe('priorities', () => {
  const backends = [
    backendConfig(1),
    backendConfig(2, { weight: 3 }),
    backendConfig(3, { priority: 1 }),
    backendConfig(4, { priority: 1, weight: 2 }),
  ];

  it.each(names)('let what is too much spill over, by weight within each level: %s', (policy) => {
    start(backends, { policy });
    expect(Object.keys(shares(1000, policy)).sort()).toEqual(['server-1', 'server-2']);
    die(1);
    const expected = { 'server-2': 0.7, 'server-3': 0.1, 'server-4': 0.2 };
    const found = shares(5000, policy);
    // What is somebody's on a ring differs by 1 / sqrt(points), and by twice that now and then.
    const noise = policy === 'ring_hash' ? 0.06 : 0.03;
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected));
    for (const [name, share] of Object.entries(expected)) {
      expect(Math.abs(found[name] / 5000 - share)).toBeLessThan(noise);
    }
  });

  it('are exact in round robin, and shown in the unit of the weights', () => {
    start(backends);
    expect(effective()).toEqual({ 'server-3': 0, 'server-4': 0 });
    die(1);
    expect(shares(1000)).toEqual({ 'server-2': 700, 'server-3': 100, 'server-4': 200 });
    expect(effective()).toEqual({ 'server-3': 0.429, 'server-4': 0.857 });
    comeBack(1);
    expect(shares(1000)).toEqual({ 'server-1': 250, 'server-2': 750 });
  });

  it('change by a reload in place', () => {
    start(backends);
    reload(backends.map((each) => ({ ...each, priority: 1 - each.priority })));
    expect(shares(300)).toEqual({ 'server-3': 100, 'server-4': 200 });
  });
});

describe('a slow start', () => {
  const slow: Partial<PoolConfig> = { slowStartMs: 20_000 };
  const backends = [backendConfig(1), backendConfig(2), backendConfig(3, { weight: 2 })];

  it('is not made at the start of the process', () => {
    start(backends, slow);
    expect(shares(400)).toEqual({ 'server-1': 100, 'server-2': 100, 'server-3': 200 });
  });

  it('gives one that comes back more and more, until it has all of its share', () => {
    start(backends, slow);
    const schedule = engine.schedules.get('default');
    die(3);
    live(3);
    world.pass(1200);
    expect(shares(2200)).toEqual({ 'server-1': 1000, 'server-2': 1000, 'server-3': 200 });
    expect(effective()).toEqual({ 'server-3': 0.2 });
    world.pass(10_000);
    const half = shares(1000);
    expect(half['server-3']).toBeGreaterThan(300);
    expect(half['server-3']).toBeLessThan(380);
    world.pass(10_000);
    expect(shares(400)).toEqual({ 'server-1': 100, 'server-2': 100, 'server-3': 200 });
    expect(effective()).toEqual({});
    expect(engine.schedules.get('default')).not.toBe(schedule);
  });

  it('is made by one that a reload adds, not by those that were there', () => {
    start(backends, slow);
    live(4);
    reload([...backends, backendConfig(4)], slow);
    expect(effective()).toEqual({ 'server-4': 0.1 });
    world.pass(30_000);
    expect(effective()).toEqual({});
  });

  it('is made by a suspect that comes back where nobody probes but for suspects', () => {
    start(backends, { ...slow, healthCheck: null });
    const suspect = engine.pools.get('default')!.backends[0];
    table.suspect(suspect.slot);
    controller.suspected(suspect, {} as never);
    world.pass(1100);
    expect(effective()).toEqual({ 'server-1': 0.1 });
  });

  it('is not made by a suspect whose next probe passes', () => {
    start(backends, slow);
    const suspect = engine.pools.get('default')!.backends[0];
    table.suspect(suspect.slot);
    controller.suspected(suspect, {} as never);
    world.pass(1100);
    expect(effective()).toEqual({});
  });

  it('keeps the proportions that a reload changes meanwhile', () => {
    start(backends, slow);
    die(3);
    comeBack(3);
    reload([backendConfig(1), backendConfig(2), backendConfig(3, { weight: 4 })], slow);
    expect(shares(2400)).toEqual({ 'server-1': 1000, 'server-2': 1000, 'server-3': 400 });
  });

  it('ends with a drain, and leaves no timer', () => {
    start(backends, slow);
    die(3);
    comeBack(3);
    controller.drain('default', 'server-3');
    expect(effective()).toEqual({});
    controller.stop({ timeoutMs: 0 }, () => {});
    world.pass(100);
    expect(world.clock.pending()).toBe(0);
  });

  it('lets exchanges come back to the first level little by little', () => {
    start([backendConfig(1), backendConfig(2, { priority: 1 })], slow);
    die(1);
    expect(shares(100)).toEqual({ 'server-2': 100 });
    comeBack(1);
    expect(shares(100)).toEqual({ 'server-1': 14, 'server-2': 86 });
    world.pass(20_000);
    expect(shares(100)).toEqual({ 'server-1': 100 });
  });

  it('makes no other table by hash, nor any other share there', () => {
    start(backends, { ...slow, policy: 'maglev' });
    die(3);
    comeBack(3);
    const { placement } = engine.schedules.get('default')!;
    world.pass(5000);
    expect(engine.schedules.get('default')!.placement).toBe(placement);
    expect(effective()).toEqual({});
  });
});
