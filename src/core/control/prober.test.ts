import { beforeEach, describe, expect, it } from 'vitest';
import { backend, ControlWorld, healthCheck } from '../../../test/fixtures/control-world.ts';
import type { Transport } from '../base/transport.ts';
import type { Backend } from '../table/backend.ts';
import { Prober } from './prober.ts';

let world: ControlWorld;
/** When each connection was begun. */
let starts: number[];
let prober: Prober;
/** What was probed: name, outcome, when. */
let probed: { name: string; kind: string; atMs: number }[];
/** What the owner does after an outcome. */
let then: (of: Backend, tookMs: number) => void;

beforeEach(() => {
  world = new ControlWorld();
  starts = [];
  probed = [];
  then = () => {};
  const transport: Transport = {
    listen: world.transport.listen,
    connect: (to, handler) => {
      starts.push(world.clock.nowMs());
      return world.transport.connect(to, handler);
    },
  };
  prober = new Prober(transport, world.clock, world.rng, {
    connected: () => {},
    connectFailed: () => {},
    probed: (of, { kind }, tookMs) => {
      probed.push({ name: of.config.name, kind, atMs: world.clock.nowMs() });
      then(of, tookMs);
    },
    reported: () => {},
  });
});

describe('a prober', () => {
  it('probes soon, from the loop, and once', () => {
    world.serve('10.0.0.1');
    prober.soon(backend());
    expect(starts).toEqual([]);
    world.pass(60_000);
    expect(starts).toEqual([0]);
    expect(probed).toMatchObject([{ kind: 'passed' }]);
    expect(world.clock.pending()).toBe(0);
  });

  it('keeps the interval from start to start, give or take a tenth', () => {
    world.serve('10.0.0.1', () => null);
    then = (of, tookMs) => prober.schedule(of, 5000, tookMs);
    prober.soon(backend());
    world.pass(300_000);
    const gaps = starts.slice(1).map((start, index) => start - starts[index]);
    expect(gaps.length).toBeGreaterThan(50);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(4500);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5500);
    expect(new Set(gaps.map(Math.round)).size).toBeGreaterThan(20);
  });

  it('starts the next probe at once when the last one took longer than the interval', () => {
    world.serve('10.0.0.1', () => null);
    then = (of, tookMs) => prober.schedule(of, 500, tookMs);
    prober.soon(backend());
    world.pass(6100);
    expect(starts.map(Math.round)).toEqual([0, 2000, 4000, 6000]);
  });

  it('lets the latest plan win', () => {
    world.serve('10.0.0.1');
    const of = backend();
    prober.schedule(of, 1000);
    prober.schedule(of, 20_000);
    world.pass(17_000);
    expect(starts).toEqual([]);
    prober.soon(of);
    world.pass(30_000);
    expect(starts).toEqual([17_000]);
  });

  it('sends a probe again when asked for one soon while it is in flight', () => {
    const server = world.serve('10.0.0.1', () => null);
    const of = backend();
    prober.soon(of);
    world.pass(1000);
    prober.soon(of);
    server.behave = () => 'HTTP/1.1 204 No\r\n\r\n';
    world.pass(5000);
    expect(starts).toEqual([0, 1000]);
    expect(probed).toMatchObject([{ kind: 'passed' }]);
  });

  it('sends those in flight again when they are void, and no others', () => {
    world.serve('10.0.0.1', () => null);
    world.serve('10.0.0.2');
    prober.soon(backend({ name: 'slow' }));
    prober.soon(backend({ name: 'quick' }, {}, ['10.0.0.2']));
    world.pass(1000);
    prober.voidInFlight();
    world.pass(1500);
    expect(probed.map(({ name }) => name)).toEqual(['quick']);
    world.pass(1500);
    expect(probed.map(({ name }) => name)).toEqual(['quick', 'slow']);
    expect(starts).toEqual([0, 0, 1000]);
  });

  it('forgets a backend, its plan and its probe in flight', () => {
    world.serve('10.0.0.1', () => null);
    const inFlight = backend();
    const planned = backend();
    prober.soon(inFlight);
    prober.schedule(planned, 3000);
    world.pass(1000);
    prober.forget(inFlight);
    prober.forget(planned);
    prober.forget(planned);
    world.pass(60_000);
    expect(probed).toEqual([]);
    expect(starts).toEqual([0]);
    expect(world.network.stats.openSockets).toBe(0);
  });

  it('leaves no timer and no connection when it stops', () => {
    world.serve('10.0.0.1', () => null);
    prober.soon(backend());
    prober.schedule(backend(), 3000);
    world.pass(1000);
    prober.stop();
    world.pass(1);
    expect(world.clock.pending()).toBe(0);
    expect(world.network.stats.openSockets).toBe(0);
  });

  it('does not probe a backend that has no address', () => {
    prober.soon(backend({}, {}, []));
    world.pass(10_000);
    expect(starts).toEqual([]);
  });
});

describe('many backends', () => {
  const most = (sliceMs: number): number => {
    let first = 0;
    let highest = 0;
    starts.forEach((start, index) => {
      while (starts[first] <= start - sliceMs) first++;
      highest = Math.max(highest, index - first + 1);
    });
    return highest;
  };

  it('are probed for the first time without a burst', () => {
    for (let number = 0; number < 5000; number++) prober.soon(backend());
    world.pass(20_000);
    expect(starts).toHaveLength(5000);
    // 5,000 in 5 s are 100 in 100 ms; a quarter more is allowed, rounded up in each slice.
    expect(most(100)).toBeLessThanOrEqual(143);
    expect(starts[4999]).toBeLessThanOrEqual(5000);
  });

  it('are probed as often as they should be, also above the floor', () => {
    const pool = { healthCheck: healthCheck({ intervalMs: 1000 }) };
    then = (of, tookMs) => prober.schedule(of, 1000, tookMs);
    for (let number = 0; number < 2000; number++) prober.soon(backend({}, pool));
    world.pass(10_000);
    expect(starts.length).toBeGreaterThan(18_000);
    expect(most(100)).toBeLessThanOrEqual(290);
  });

  it('are probed as often as a changed health check says', () => {
    const backends = Array.from({ length: 2000 }, () => backend());
    then = (of, tookMs) => prober.schedule(of, of.pool.healthCheck?.intervalMs ?? 0, tookMs);
    for (const each of backends) prober.soon(each);
    world.pass(10_000);
    for (const each of backends) {
      each.pool = { ...each.pool, healthCheck: healthCheck({ intervalMs: 1000 }) };
    }
    prober.configured();
    world.pass(10_000);
    starts = [];
    world.pass(10_000);
    expect(starts.length).toBeGreaterThan(18_000);
  });

  it('share no burst after a long sleep either', () => {
    for (let number = 0; number < 1000; number++) prober.schedule(backend(), 1 + number / 1000);
    world.pass(10_000);
    expect(starts).toHaveLength(1000);
    expect(most(100)).toBeLessThanOrEqual(110);
  });
});
