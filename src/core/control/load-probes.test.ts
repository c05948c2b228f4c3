import { beforeEach, describe, expect, it } from 'vitest';
import {
  answer,
  backendConfig,
  ControlWorld,
  emptyPool,
  healthCheck,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import type { Transport } from '../base/transport.ts';
import type { ProbeConfig } from '../config.ts';
import { Tracker } from '../health/tracker.ts';
import { Backend } from '../table/backend.ts';
import { State, Table } from '../table/table.ts';
import { LoadProbes } from './load-probes.ts';
import type { Pool } from './members.ts';

const PROBE: ProbeConfig = healthCheck({ path: '/load', intervalMs: 500, timeoutMs: 500 });

let world: ControlWorld;
let table: Table;
/** When each connection was begun. */
let starts: number[];
let probes: LoadProbes;

beforeEach(() => {
  world = new ControlWorld();
  table = new Table({ capacity: 10_000, workers: 1 });
  starts = [];
  const transport: Transport = {
    listen: world.transport.listen,
    connect: (to, handler) => {
      starts.push(world.clock.nowMs());
      return world.transport.connect(to, handler);
    },
  };
  probes = new LoadProbes(transport, world.clock, world.rng, table);
});

/** One with these addresses, in the table. */
function seated(addresses: readonly string[] = ['10.0.0.1']): Backend {
  const slot = table.claim(1, State.up)!;
  const config = backendConfig(1);
  const made = new Backend(slot, table.generation(slot), config, poolConfig([config]));
  made.addresses = addresses;
  return made;
}

/** A pool of these backends, which are asked so. */
function poolOf(backends: readonly Backend[], loadProbe: ProbeConfig | null = PROBE): Pool {
  const config = poolConfig([], { policy: 'prequal', loadProbe });
  const pool = emptyPool(config);
  pool.members = backends.map((each) => {
    each.pool = config;
    const tracker = new Tracker(null, true, 0);
    return { backend: each, tracker, pool, drain: null, turnedMs: null, pardoned: false };
  });
  return pool;
}

const loaded = (inFlight: number, latencyMs: number): string =>
  answer(200, `Backend-Load: in_flight=${inFlight}, latency_ms=${latencyMs}\r\n`);

const told = ({ slot }: Backend) => [table.probed.inFlight(slot), table.probed.latencyUs(slot)];

describe('load probes', () => {
  it('write into the table what backends answer, and when', () => {
    const server = world.serve('10.0.0.1', () => loaded(3, 12.5));
    const of = seated();
    probes.configured([poolOf([of])]);
    world.pass(100);
    expect(server.requests[0]).toMatch(/^GET \/load HTTP\/1.1\r\n/);
    expect(told(of)).toEqual([3, 12_500]);
    const atMs = table.probed.atMs(of.slot);
    server.behave = () => loaded(0, 1);
    world.pass(600);
    expect(told(of)).toEqual([0, 1000]);
    expect((table.probed.atMs(of.slot) - atMs) | 0).toBeGreaterThan(400);
  });

  it('come at their interval, give or take a tenth', () => {
    world.serve('10.0.0.1', () => loaded(1, 1));
    probes.configured([poolOf([seated()])]);
    world.pass(60_000);
    const gaps = starts.slice(1).map((start, at) => start - starts[at]);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(450);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(550);
    expect(new Set(gaps.map(Math.round)).size).toBeGreaterThan(20);
  });

  it('learn nothing from an error, and ask who does not answer less often', () => {
    const of = seated();
    world.serve('10.0.0.1', () => loaded(3, 12).replace('200', '503'));
    const before = told(of);
    probes.configured([poolOf([of])]);
    world.pass(10_000);
    expect(told(of)).toEqual(before);
    expect(starts.length).toBeLessThanOrEqual(12);
  });

  it('of thousands start no more than a thousand a second, and never in a burst', () => {
    const many = Array.from({ length: 3000 }, () => seated());
    world.serve('10.0.0.1', () => loaded(1, 1));
    probes.configured([poolOf(many)]);
    world.pass(12_000);
    let most = 0;
    for (let first = 0, last = 0; last < starts.length; last++) {
      while (starts[first] <= starts[last] - 100) first++;
      most = Math.max(most, last - first + 1);
    }
    expect(most).toBeLessThanOrEqual(143);
    expect(starts.length).toBeGreaterThan(10_000);
    expect(starts.length).toBeLessThanOrEqual(13_500);
  });

  it('end with a reload that takes them away, and with the drain of a backend', () => {
    world.serve('10.0.0.1', () => loaded(1, 1));
    const [first, second] = [seated(), seated()];
    probes.configured([poolOf([first, second])]);
    world.pass(2000);
    probes.forget(first);
    probes.configured([poolOf([first, second], null)]);
    starts = [];
    world.pass(5000);
    expect(starts).toEqual([]);
    probes.configured([poolOf([second])]);
    world.pass(5000);
    expect(starts.length).toBeGreaterThan(7);
    probes.stop();
    world.pass(1);
    expect(world.clock.pending()).toBe(0);
  });

  it('wait for the addresses of a name', () => {
    world.serve('10.0.0.1', () => loaded(1, 1));
    const of = seated([]);
    probes.configured([poolOf([of])]);
    world.pass(5000);
    expect(starts).toEqual([]);
    of.addresses = ['10.0.0.1'];
    probes.resolved(of);
    world.pass(5000);
    expect(starts.length).toBeGreaterThan(7);
  });
});
