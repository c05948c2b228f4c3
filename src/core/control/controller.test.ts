import { beforeEach, describe, expect, it } from 'vitest';
import { listenerConfig } from '../../../sim/default-config.ts';
import {
  answer,
  backendConfig,
  ControlWorld,
  config,
  FakeEngine,
  healthCheck,
  occupy,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import { failure } from '../base/failure.ts';
import type { Transport } from '../base/transport.ts';
import type { BackendConfig, Config, PoolConfig } from '../config.ts';
import type { Backend } from '../table/backend.ts';
import { State, Table } from '../table/table.ts';
import { Controller, type ListenFailure, type ReloadResult } from './controller.ts';

let world: ControlWorld;
let engine: FakeEngine;
let table: Table;
let controller: Controller;

beforeEach(() => {
  world = new ControlWorld();
  engine = new FakeEngine(world.clock);
  table = new Table({ capacity: 8, workers: 1 });
  const { transport, resolver, clock, rng, log } = world;
  controller = new Controller({ transport, resolver, clock, rng, table, log, engine });
});

const inUse = failure('address_in_use', 'us', 'accept', 'never', 'another process has it');
const refused = failure('refused', 'backend', 'connect', 'safe', '10.0.0.1:9000 refused');
/** One pool of server-1 and so on. */
const of = (backends: readonly BackendConfig[], changes: Partial<PoolConfig> = {}): Config =>
  config([poolConfig(backends, changes)]);
const numbered = (...numbers: number[]): BackendConfig[] =>
  numbers.map((number) => backendConfig(number));

function start(first: Config): readonly ListenFailure[] | null {
  let answered: readonly ListenFailure[] | null = null;
  controller.start(first, (failures) => {
    answered = failures;
  });
  world.pass(50);
  return answered;
}

function reload(next: Config): ReloadResult | null {
  let result: ReloadResult | null = null;
  controller.reload(next, (given) => {
    result = given;
  });
  world.pass(50);
  return result;
}

const states = (): string[] =>
  controller.status().flatMap(({ backends }) => backends.map((b) => `${b.name} ${b.state}`));
const backendOf = (name: string): Backend => {
  const all = [...engine.pools.values()].flatMap(({ backends }) => backends);
  const found = all.find((each) => each.config.name === name);
  if (found === undefined) throw new Error(`${name} is not configured`);
  return found;
};

describe('load probes', () => {
  const load = { ...healthCheck({ path: '/load', intervalMs: 100 }), timeoutMs: 100 };
  const said = (inFlight: number): string =>
    answer(200, `Backend-Load: in_flight=${inFlight}, latency_ms=1\r\n`);

  it('fill the table beside the health checks, until their backend drains or all stops', () => {
    const server = world.serve('10.0.0.1', (request) => said(request.includes('/load') ? 5 : 2));
    start(of(numbered(1), { policy: 'prequal', loadProbe: load }));
    world.pass(1000);
    expect(table.probed.inFlight(backendOf('server-1').slot)).toBe(5);
    const asked = (): number => server.requests.filter((each) => each.includes('/load')).length;
    expect(asked()).toBeGreaterThan(7);
    controller.drain('default', 'server-1');
    const before = asked();
    world.pass(1000);
    expect(asked()).toBe(before);
  });
  it('are not needed for what health checks are told', () => {
    world.serve('10.0.0.1', () => said(2));
    start(of(numbered(1), { policy: 'prequal' }));
    expect(table.probed.inFlight(backendOf('server-1').slot)).toBe(2);
  });
});

it('probes 5,000 backends in their interval, from the start on and never in a burst', () => {
  const starts: number[] = [];
  const { resolver, clock, rng, log } = world;
  const transport: Transport = {
    listen: world.transport.listen,
    connect: (to, handler) => {
      starts.push(clock.nowMs());
      return world.transport.connect(to, handler);
    },
  };
  world.serve('10.0.0.1');
  table = new Table({ capacity: 5000, workers: 1 });
  controller = new Controller({ transport, resolver, clock, rng, table, log, engine });
  const hundred = Array.from({ length: 100 }, (_, n) => backendConfig(n, { host: '10.0.0.1' }));
  start(config(Array.from({ length: 50 }, (_, n) => poolConfig(hundred, { name: `pool-${n}` }))));
  world.pass(15_000);
  expect(states().every((state) => state.endsWith(' up'))).toBe(true);
  expect(starts.length).toBeGreaterThan(14_000);
  let most = 0;
  for (let first = 0, last = 0; last < starts.length; last++) {
    while (starts[first] <= starts[last] - 100) first++;
    most = Math.max(most, last - first + 1);
  }
  // A hundred are needed; a quarter more, rounded up in each slice of 10 ms.
  expect(most).toBeLessThanOrEqual(143);
});

it('takes out a backend whose answers are too slow, and asks it less often then', () => {
  const server = world.serve('10.0.0.1');
  start(of(numbered(1), { healthCheck: healthCheck({ downIntervalMs: 20_000 }) }));
  server.behave = () => null;
  world.pass(25_000);
  expect(states()).toEqual(['server-1 down']);
  const [line] = world.logged('backend_down');
  expect(line).toContain('GET /health took longer than 2 s');
  const asked = server.requests.length;
  world.pass(60_000);
  expect(server.requests.length - asked).toBeLessThanOrEqual(4);
});

describe('the start', () => {
  it('seats the backends, tells the engine, opens the listeners and probes', () => {
    world.serve('10.0.0.1');
    controller.start(of(numbered(1, 2)), () => {});
    expect(engine.take()).toEqual(['configure default: server-1 server-2', 'listen 8080']);
    expect(states()).toEqual(['server-1 checking', 'server-2 checking']);
    expect(backendOf('server-2').addresses).toEqual(['10.0.0.2']);
    expect(controller.ready()).toBe(false);
    world.pass(50);
    expect(states()).toEqual(['server-1 up', 'server-2 down']);
    expect(controller.ready()).toBe(true);
  });

  it('says which listeners could not be opened', () => {
    engine.unavailable.set(8080, inUse);
    const failures = start(of(numbered(1)));
    expect(failures).toEqual([{ listener: listenerConfig(8080), failure: inUse }]);
    expect(controller.ready()).toBe(false);
  });

  it('without a health check has everybody up and probes nobody', () => {
    const server = world.serve('10.0.0.1');
    start(of(numbered(1), { healthCheck: null }));
    world.pass(60_000);
    expect(states()).toEqual(['server-1 up']);
    expect(server.requests).toEqual([]);
  });

  it('does not fail for a name that cannot be resolved', () => {
    start(of([backendConfig(1, { host: 'web' })]));
    expect(controller.status()[0].backends[0]).toMatchObject({
      state: 'down',
      why: 'cannot resolve web',
    });
    world.serve('10.0.0.7');
    world.names.set('web', ['10.0.0.7']);
    world.pass(5000);
    expect(states()).toEqual(['server-1 up']);
  });

  it('holds both loopbacks for localhost, whichever one listens', () => {
    world.serve('::1');
    start(of([backendConfig(1, { host: 'localhost' })]));
    expect(states()).toEqual(['server-1 up']);
    expect(backendOf('server-1').addresses).toEqual(['::1', '127.0.0.1']);
    controller.connected(backendOf('server-1'), '127.0.0.1');
    expect(backendOf('server-1').addresses).toEqual(['127.0.0.1', '::1']);
  });
});

describe('a backend', () => {
  it('that dies is down after its next probe, and up two passes after it is back', () => {
    world.serve('10.0.0.1');
    start(of(numbered(1)));
    world.network.kill('10.0.0.1');
    world.pass(6000);
    expect(states()).toEqual(['server-1 down']);
    expect(engine.take()).toContain('backendDown server-1');
    world.serve('10.0.0.1');
    world.pass(5600 + 1200);
    expect(states()).toEqual(['server-1 up']);
    expect(world.logged('backend_up').at(-1)).toBe(
      'server-1 is up: 2 probes passed: GET /health answered 200 (1 of 1 up)',
    );
  });

  it('that refused an exchange is probed at once', () => {
    const server = world.serve('10.0.0.1');
    start(of(numbered(1)));
    table.suspect(backendOf('server-1').slot);
    controller.suspected(backendOf('server-1'), refused);
    expect(states()).toEqual(['server-1 suspect']);
    world.pass(50);
    expect(states()).toEqual(['server-1 up']);
    expect(server.requests).toHaveLength(2);
  });

  it('that refused a worker which died before it said so is back all the same', () => {
    world.serve('10.0.0.1');
    start(of(numbered(1), { healthCheck: null }));
    table.suspect(backendOf('server-1').slot);
    controller.countsChanged();
    expect(states()).toEqual(['server-1 suspect']);
    world.pass(2000);
    expect(states()).toEqual(['server-1 up']);
  });

  it('whose name has other addresses is found again within a second of a failure', () => {
    world.names.set('web', ['10.0.0.1']);
    world.serve('10.0.0.1');
    world.serve('10.0.0.2');
    start(of([backendConfig(1, { host: 'web' })]));
    world.pass(3000);
    world.names.set('web', ['10.0.0.2']);
    const backend = backendOf('server-1');
    controller.connectFailed(backend, '10.0.0.1', refused);
    world.pass(50);
    expect(backend.addresses).toEqual(['10.0.0.2']);
  });

  it('is not blamed for probes that were in flight while we slept', () => {
    const server = world.serve('10.0.0.1');
    start(of(numbered(1), { healthCheck: healthCheck({ unhealthyThreshold: 1 }) }));
    server.behave = () => null;
    world.pass(6000);
    server.behave = () => answer(200);
    controller.loopWasLate(200);
    controller.loopWasLate(900);
    world.pass(3000);
    expect(states()).toEqual(['server-1 up']);
    expect(world.logged('backend_down')).toEqual([]);
  });

  it('that nobody knows any more changes nothing', () => {
    world.serve('10.0.0.1');
    start(of(numbered(1, 2)));
    const gone = backendOf('server-2');
    reload(of(numbered(1)));
    engine.take();
    controller.suspected(gone, refused);
    controller.connectFailed(gone, '10.0.0.2', refused);
    controller.released(gone);
    expect(engine.take()).toEqual([]);
  });
});

describe('a reload', () => {
  beforeEach(() => {
    for (const number of [1, 2, 3]) world.serve(`10.0.0.${number}`);
    start(of(numbered(1, 2)));
    engine.take();
  });

  it('keeps slots, states and counts of what is unchanged, and changes weights in place', () => {
    const before = backendOf('server-1');
    occupy(table, before.slot);
    const result = reload(of([backendConfig(2), backendConfig(1, { weight: 5 })]));
    expect(result).toEqual({ problem: null, summary: '1 weight changed' });
    expect(backendOf('server-1')).toBe(before);
    expect(table.weight(before.slot)).toBe(5);
    expect(table.inFlight(before.slot)).toBe(1);
    expect(states()).toEqual(['server-2 up', 'server-1 up']);
    expect(engine.take()).toEqual(['configure default: server-2 server-1']);
    expect(world.logged('reload_applied')).toEqual([
      'the new configuration is in use: 1 weight changed',
    ]);
  });

  it('starts new ones and drains those that left', () => {
    const left = backendOf('server-2');
    occupy(table, left.slot);
    controller.reload(of(numbered(1, 3)), () => {});
    expect(states()).toEqual(['server-1 up', 'server-3 checking', 'server-2 draining']);
    world.pass(50);
    expect(states()).toEqual(['server-1 up', 'server-3 up', 'server-2 draining']);
    table.leave(left.slot);
    controller.released(left);
    expect(states()).toEqual(['server-1 up', 'server-3 up']);
    expect(table.state(left.slot)).toBe(State.free);
  });

  it('frees the slots of a pool that is gone', () => {
    reload(config([poolConfig(numbered(3), { name: 'api' })]));
    expect(controller.status().map(({ name }) => name)).toEqual(['api']);
    const slots = Array.from({ length: table.capacity }, (_, slot) => table.state(slot));
    expect(slots.filter((state) => state !== State.free)).toHaveLength(1);
  });

  it('that does not fit the table changes nothing and says which key to raise', () => {
    const result = reload(of(numbered(1, 3, 4, 5, 6, 7, 8, 9, 10)));
    expect(result?.problem).toBe(
      'the table has 8 slots, 10 are needed (backends that drain keep theirs); ' +
        'set table_size higher and restart',
    );
    expect(states()).toEqual(['server-1 up', 'server-2 up']);
    expect(engine.take()).toEqual([]);
    expect(world.logged('reload_refused')).toHaveLength(1);
  });

  it('that cannot open a listener changes nothing and closes those it opened', () => {
    engine.unavailable.set(9090, inUse);
    const listeners = [8081, 9090].map(listenerConfig);
    const result = reload(config([poolConfig(numbered(3))], { listeners }));
    expect(result?.problem).toBe('cannot listen on *:9090: another process has it');
    expect(engine.take()).toEqual(['listen 8081', 'listen 9090', 'unlisten 8081']);
    expect(states()).toEqual(['server-1 up', 'server-2 up']);
  });

  it.each([
    [8080, "this balancer's own *:8080 is in its way; restart it, or use another port"],
    [9090, 'another process has it'],
  ])('says when what is in the way of 127.0.0.1:%i is our own', (port, why) => {
    engine.unavailable.set(port, inUse);
    const listeners = [{ address: `127.0.0.1:${port}`, host: '127.0.0.1', port }];
    const result = reload(config([poolConfig(numbered(1, 2))], { listeners }));
    expect(result?.problem).toBe(`cannot listen on 127.0.0.1:${port}: ${why}`);
    expect(engine.take()).toEqual([`listen ${port}`]);
  });

  it('opens new listeners before it closes old ones', () => {
    const listeners = [listenerConfig(9090)];
    const result = reload(config([poolConfig(numbered(1, 2))], { listeners }));
    expect(result?.summary).toBe('1 listener opened and 1 listener closed');
    expect(engine.take()).toEqual([
      'listen 9090',
      'unlisten 8080',
      'configure default: server-1 server-2',
    ]);
  });

  it('waits for the one before it', () => {
    const done: string[] = [];
    const note = ({ summary }: ReloadResult) => void done.push(summary);
    const listeners = [8080, 9090].map(listenerConfig);
    controller.reload(config([poolConfig(numbered(1, 2))], { listeners }), note);
    controller.reload(of(numbered(1)), note);
    world.pass(50);
    expect(done).toEqual(['1 listener opened', '1 backend removed and 1 listener closed']);
  });

  it('has another health check tried at once, and no check ends the probes', () => {
    const server = world.serve('10.0.0.4');
    reload(of(numbered(1, 4)));
    reload(of(numbered(1, 4), { healthCheck: healthCheck({ path: '/up' }) }));
    expect(server.requests.map((request) => request.split(' ')[1])).toEqual(['/health', '/up']);
    reload(of(numbered(1, 4), { healthCheck: null }));
    world.pass(20_000);
    expect(server.requests).toHaveLength(2);
    expect(states()).toEqual(['server-1 up', 'server-4 up']);
  });

  it('has another TLS tried at once, where there is TLS', () => {
    const over = (tls: boolean, verify: boolean): Config =>
      of([backendConfig(4, { tls })], { tls: { verify, caPem: null, serverName: null } });
    const server = world.serve('10.0.0.4');
    for (const verify of [false, true, true]) reload(over(true, verify));
    expect(server.requests).toHaveLength(2);
    reload(of(numbered(1)));
    for (const verify of [false, true]) reload(over(false, verify));
    expect(server.requests).toHaveLength(3);
  });

  it('of a backend to another name keeps the addresses that are known', () => {
    world.names.set('web', ['10.0.0.3']);
    reload(of([backendConfig(3, { host: 'web' })]));
    controller.reload(of([backendConfig(3, { host: 'web', name: 'renamed' })]), () => {});
    expect(backendOf('renamed').addresses).toEqual(['10.0.0.3']);
  });

  it('that waits for a listener when the stop begins is refused', () => {
    let problem: string | null = null;
    const listeners = [listenerConfig(1)];
    controller.reload(config([poolConfig(numbered(3))], { listeners }), (result) => {
      problem = result.problem;
    });
    engine.counts = { listeners: 0, connections: 1, exchanges: 1, tunnels: 0 };
    controller.stop({ timeoutMs: null }, () => {});
    world.pass(50);
    expect(problem).toBe('it is stopping');
    expect(engine.take()).toEqual(['listen 1', 'beginStop', 'unlisten 1']);
    expect(states()).toEqual(['server-1 up', 'server-2 up']);
  });

  it('while stopping is refused', () => {
    engine.counts = { listeners: 0, connections: 1, exchanges: 1, tunnels: 0 };
    controller.stop({ timeoutMs: null }, () => {});
    expect(reload(of(numbered(3)))?.problem).toBe('it is stopping');
  });
});

describe('draining', () => {
  beforeEach(() => {
    world.serve('10.0.0.1');
    world.serve('10.0.0.2');
    start(of(numbered(1, 2)));
    engine.take();
  });

  it('takes a backend out until it leaves the configuration', () => {
    const server = world.serve('10.0.0.3');
    reload(of(numbered(1, 3)));
    const probes = server.requests.length;
    expect(controller.drain('default', 'server-3')).toBe(true);
    expect(controller.drain('default', 'server-3')).toBe(true);
    expect(engine.take()).toContain('refresh default');
    expect(controller.status()[0].backends[1]).toMatchObject({
      state: 'draining',
      why: 'it was asked to; nothing is on it any more',
    });
    controller.suspected(backendOf('server-3'), refused);
    world.pass(60_000);
    expect(states()).toEqual(['server-1 up', 'server-3 draining']);
    expect(server.requests).toHaveLength(probes);
    reload(of(numbered(1)));
    expect(states()).toEqual(['server-1 up']);
  });

  it('of somebody unknown says so', () => {
    expect(controller.drain('default', 'server-9')).toBe(false);
    expect(controller.drain('api', 'server-1')).toBe(false);
  });
});

describe('the status', () => {
  it('shows each backend with its load, and since when it is how it is', () => {
    world.serve('10.0.0.1');
    start(of([backendConfig(1, { weight: 3 })]));
    const { slot } = backendOf('server-1');
    occupy(table, slot);
    table.enterTunnel(slot);
    const [shown] = controller.status()[0].backends;
    expect(shown).toEqual({
      name: 'server-1',
      url: 'http://10.0.0.1:9000',
      weight: 3,
      state: 'up',
      sinceWallMs: shown.sinceWallMs,
      why: 'GET /health answered 200',
      inFlight: 1,
      tunnels: 1,
    });
    expect(Math.abs(world.clock.wallMs() - shown.sinceWallMs)).toBeLessThan(60);
  });
});

describe('stopping', () => {
  it('is not ready at once, goes on probing, and leaves nothing behind', () => {
    const server = world.serve('10.0.0.1');
    world.names.set('web', ['10.0.0.2']);
    start(of([...numbered(1), backendConfig(2, { host: 'web' })]));
    engine.counts = { listeners: 0, connections: 1, exchanges: 1, tunnels: 0 };
    let done = 0;
    controller.stop({ timeoutMs: 25_000 }, () => void done++);
    expect(controller.ready()).toBe(false);
    world.pass(12_000);
    expect(server.requests.length).toBeGreaterThan(2);
    engine.counts = { listeners: 0, connections: 0, exchanges: 0, tunnels: 0 };
    world.pass(1000);
    expect(done).toBe(1);
    world.pass(10_000);
    expect(world.clock.pending()).toBe(0);
    expect(world.network.stats.openSockets).toBe(0);
  });

  it('asked twice is done for both, at the nearer deadline', () => {
    start(of(numbered(1)));
    engine.take();
    engine.counts = { listeners: 0, connections: 1, exchanges: 1, tunnels: 0 };
    const done: string[] = [];
    controller.stop({ timeoutMs: null }, () => void done.push('first'));
    world.pass(60_000);
    controller.stop({ timeoutMs: 0 }, () => void done.push('second'));
    engine.counts = { listeners: 0, connections: 0, exchanges: 0, tunnels: 0 };
    world.pass(2000);
    expect(done).toEqual(['first', 'second']);
    expect(world.clock.pending()).toBe(0);
  });

  it('observes the delay of the configuration', () => {
    start(config([poolConfig(numbered(1))], { shutdown: { delayMs: 3000, timeoutMs: 25_000 } }));
    engine.take();
    controller.stop({ timeoutMs: 25_000 }, () => {});
    world.pass(2900);
    expect(engine.take()).not.toContain('beginStop');
    world.pass(200);
    expect(engine.take()).toContain('beginStop');
  });
});
