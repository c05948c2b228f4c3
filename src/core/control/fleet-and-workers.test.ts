/** The control thread and two workers, all of them real, on a pretended network and clock. */
import { beforeEach, describe, expect, it } from 'vitest';
import { routeConfig } from '../../../sim/default-config.ts';
import { get, ok, type RawBackend } from '../../../test/engine-stage/engine-stage.ts';
import {
  backendConfig,
  config,
  passiveHealth,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import { SimFleet } from '../../../test/fixtures/sim-workers.ts';
import type { Config } from '../config.ts';

let stage: SimFleet;
let backends: RawBackend[];

/** One pool of backends 1 and up with these weights, which nobody probes. */
const weighted = (...weights: number[]): Config =>
  config([
    poolConfig(
      weights.map((weight, index) => backendConfig(index + 1, { weight })),
      { healthCheck: null },
    ),
  ]);

/** Everybody answers with his own name. */
function begin(first: Config): void {
  stage = new SimFleet(2, first);
  backends = [1, 2, 3].map((number) => stage.backend(number).answering(ok(`server-${number}`)));
  stage.start();
}

beforeEach(() => begin(weighted(1, 1, 1)));

/** Who answers a request to this worker. */
function answerer(worker: number): string {
  const client = stage.ask(worker, get());
  return client.received.split('\r\n\r\n')[1];
}

/** Who answers so many requests, which go to the workers in an irregular order. */
function answerers(count: number): string[] {
  const order = [0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1];
  return Array.from({ length: count }, (_, turn) => answerer(order[turn % order.length]));
}

const tally = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

/** The backend takes requests, and answers none before it is told to. */
const holdBack = (backend: RawBackend): void => {
  backend.onHead = () => {};
};

const [a, b, c] = ['server-1', 'server-2', 'server-3'];

describe('several workers pick as one', () => {
  it('in strict order, whichever worker a client comes to', () => {
    expect(answerers(12)).toEqual([a, b, c, a, b, c, a, b, c, a, b, c]);
  });

  it('with exact weights over every cycle', () => {
    begin(weighted(5, 1, 3));
    answerers(4);
    for (let cycle = 0; cycle < 4; cycle++) {
      expect(tally(answerers(9))).toEqual({ [a]: 5, [b]: 1, [c]: 3 });
    }
  });

  it('and count in one table what is in flight', () => {
    for (const backend of backends) holdBack(backend);
    for (const worker of [0, 1, 0, 1, 1, 0]) stage.ask(worker, get());
    expect([0, 1, 2].map((slot) => stage.table.inFlight(slot))).toEqual([2, 2, 2]);
    for (const { connections } of backends) for (const each of connections) each.send(ok());
    stage.pass(2);
    expect(stage.inFlight).toBe(0);
  });
});

describe('passive health', () => {
  const failing = 'HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n';
  const passive = (changes = {}): Config =>
    config([
      poolConfig(
        [1, 2, 3].map((number) => backendConfig(number)),
        {
          healthCheck: null,
          passiveHealth: passiveHealth(changes),
        },
      ),
    ]);

  beforeEach(() => begin(passive()));

  it('ejects after so many failures in a row, on whichever workers they were', () => {
    backends[0].answering(failing);
    expect(tally(answerers(15))).toMatchObject({ [b]: 5, [c]: 5 });
    expect(stage.states).toEqual(['server-1 ejected', 'server-2 up', 'server-3 up']);
    expect(tally(answerers(20))).toEqual({ [b]: 10, [c]: 10 });
  });

  it('tries again with one exchange of one worker, and longer and longer after', () => {
    backends[0].answering(failing);
    answerers(15);
    const before = backends[0].connections.length;
    holdBack(backends[0]);
    stage.pass(12_100);
    expect(stage.states[0]).toBe('server-1 trial');
    for (let turn = 0; turn < 12; turn++) stage.ask(turn % 2, get());
    expect(backends[0].connections.length).toBe(before + 1);
    backends[0].last.send(failing);
    stage.pass(15_000);
    expect(stage.states[0]).toBe('server-1 ejected');
    backends[0].answering(ok(a));
    stage.pass(9_000);
    expect(tally(answerers(30))[a]).toBeGreaterThanOrEqual(9);
    expect(stage.states[0]).toBe('server-1 up');
  });

  it('offers the trial again when the worker that took it dies', () => {
    backends[0].answering(failing);
    answerers(15);
    holdBack(backends[0]);
    stage.pass(12_100);
    for (let turn = 0; turn < 3; turn++) stage.ask(0, get());
    expect(stage.states[0]).toBe('server-1 ejected');
    stage.thread(0).die('of something');
    stage.pass(1100);
    expect(stage.states[0]).toBe('server-1 trial');
  });

  it('is turned on and off by a reload, and a drain wins over it', () => {
    backends[0].answering(failing);
    answerers(15);
    expect(stage.reload(weighted(1, 1, 1))).toBeNull();
    expect(stage.states).toEqual(['server-1 up', 'server-2 up', 'server-3 up']);
    answerers(15);
    expect(stage.states[0]).toBe('server-1 up');
    expect(stage.reload(passive())).toBeNull();
    answerers(18);
    expect(stage.states[0]).toBe('server-1 ejected');
    expect(stage.controller.drain('default', a)).toBe(true);
    stage.pass(30_000);
    expect(stage.states[0]).toBe('server-1 draining');
  });
});

describe('a drain', () => {
  it('is over only when both workers are done', () => {
    holdBack(backends[0]);
    stage.ask(0, get());
    answerer(0);
    answerer(0);
    stage.ask(1, get());
    expect(stage.table.inFlight(0)).toBe(2);
    expect(stage.reload(withoutFirst())).toBeNull();
    expect(stage.states).toContain('server-1 draining');
    expect(tally(answerers(6))).toEqual({ [b]: 3, [c]: 3 });
    const [one, other] = backends[0].connections;
    other.send(ok());
    stage.pass(50);
    expect(stage.states).toContain('server-1 draining');
    one.send(ok());
    stage.pass(50);
    expect(stage.states).toEqual(['server-2 up', 'server-3 up']);
    expect(stage.world.logged('backend_removed')).toHaveLength(1);
  });

  it('cuts at its deadline what is left in both workers', () => {
    holdBack(backends[0]);
    const first = stage.ask(0, get());
    answerers(2);
    const second = stage.ask(1, get());
    stage.reload(withoutFirst());
    stage.pass(31_000);
    expect([first.statuses, second.statuses]).toEqual([[503], [503]]);
    expect(stage.states).toEqual(['server-2 up', 'server-3 up']);
    expect(stage.inFlight).toBe(0);
  });

  it('gives the slot to another, and no worker takes the one for the other', () => {
    stage.reload(withoutFirst());
    expect(stage.reload(weighted(1, 1, 1))).toBeNull();
    expect(stage.table.generation(0)).toBe(1);
    expect(tally(answerers(9))).toEqual({ [a]: 3, [b]: 3, [c]: 3 });
  });
});

const withoutFirst = (): Config => {
  const whole = weighted(1, 1, 1);
  const [pool] = whole.pools;
  return { ...whole, pools: [{ ...pool, backends: pool.backends.slice(1) }] };
};

describe('a backend that one worker found dead', () => {
  it('is left out by both, and told of once', () => {
    stage.world.network.kill('10.0.0.2');
    expect([answerer(0), answerer(0)]).toEqual([a, c]);
    stage.pass(5);
    expect(stage.states).toEqual(['server-1 up', 'server-2 suspect', 'server-3 up']);
    expect(stage.world.logged('backend_suspect')).toHaveLength(1);
    const before = stage.records.length;
    expect(tally(answerers(10))).toEqual({ [a]: 5, [c]: 5 });
    expect(stage.records.slice(before).map(({ attempts }) => attempts)).toEqual(
      Array.from({ length: 10 }, () => 1),
    );
  });

  it('is back for both when it answers probes again', () => {
    const [pool] = weighted(1, 1, 1).pools;
    begin(config([poolConfig(pool.backends)]));
    stage.world.network.kill('10.0.0.2');
    stage.pass(15_000);
    expect(stage.states[1]).toBe('server-2 down');
    expect(tally(answerers(4))).toEqual({ [a]: 2, [c]: 2 });
    stage.backend(2).answering(ok('server-2'));
    stage.pass(15_000);
    expect(stage.states[1]).toBe('server-2 up');
    expect(tally(answerers(9))).toEqual({ [a]: 3, [b]: 3, [c]: 3 });
  });
});

describe('a reload', () => {
  it('keeps the cursor: the order goes on as if nothing had been', () => {
    expect(answerers(4)).toEqual([a, b, c, a]);
    const next = weighted(1, 1, 1);
    expect(stage.reload({ ...next, limits: { ...next.limits, headerFields: 50 } })).toBeNull();
    expect(answerers(4)).toEqual([b, c, a, b]);
  });

  it('keeps what is in flight in both workers', () => {
    holdBack(backends[0]);
    holdBack(backends[1]);
    const clients = [stage.ask(0, get()), stage.ask(1, get())];
    expect(stage.reload(weighted(1, 1, 2))).toBeNull();
    expect(stage.inFlight).toBe(2);
    backends[0].last.send(ok('late'));
    backends[1].last.send(ok('later'));
    stage.pass(2);
    expect(clients.map(({ statuses }) => statuses)).toEqual([[200], [200]]);
    expect(stage.inFlight).toBe(0);
  });

  it('keeps the idle connections of both workers', () => {
    answerers(12);
    const before = backends.map(({ connections }) => connections.length);
    stage.reload({ ...weighted(1, 1, 1), trustedProxies: [] });
    answerers(12);
    expect(backends.map(({ connections }) => connections.length)).toEqual(before);
  });

  it('reaches both workers before anything that follows it', () => {
    expect(stage.reload(weighted(1))).toBeNull();
    expect(tally(answerers(6))).toEqual({ [a]: 6 });
    expect(stage.reload(weighted(1, 1))).toBeNull();
    expect(tally(answerers(6))).toEqual({ [a]: 3, [b]: 3 });
  });
});

describe('a worker that dies in the middle of exchanges', () => {
  const ask = (worker: number) => stage.ask(worker, get());

  beforeEach(() => {
    for (const backend of backends) holdBack(backend);
  });

  it('leaves every count at zero, and the rest works', () => {
    const doomed = [ask(0), ask(0), ask(0), ask(0)];
    const other = ask(1);
    expect(stage.inFlight).toBe(5);
    stage.thread(0).die('out of memory');
    stage.pass(1);
    expect(stage.inFlight).toBe(1);
    expect(doomed.map(({ wasReset }) => wasReset)).toEqual([true, true, true, true]);
    backends[1].last.send(ok('still here'));
    stage.pass(2);
    expect(other.statuses).toEqual([200]);
    expect(stage.inFlight).toBe(0);
    expect(stage.fleet.open()).toMatchObject({ exchanges: 0, tunnels: 0 });
  });

  it('is replaced by one that takes clients in the same order as before', () => {
    ask(0);
    stage.thread(0).die('out of memory');
    stage.pass(50);
    expect(stage.threads.map(({ worker }) => worker)).toEqual([0, 1, 0]);
    for (const [index, backend] of backends.entries()) backend.answering(ok(`server-${index + 1}`));
    expect([answerer(0), answerer(1), answerer(0), answerer(0)]).toEqual([b, c, a, b]);
  });

  it('finishes the drain that waited for it', () => {
    ask(0);
    stage.reload(withoutFirst());
    expect(stage.states).toContain('server-1 draining');
    stage.thread(0).die('out of memory');
    stage.pass(10);
    expect(stage.states).toEqual(['server-2 up', 'server-3 up']);
  });

  it('does not take part in a stop, which ends when the other is done', () => {
    ask(0);
    const other = ask(1);
    let stopped = 0;
    stage.controller.stop({ timeoutMs: null }, () => stopped++);
    stage.pass(100);
    stage.thread(0).die('out of memory');
    stage.pass(5000);
    expect(stopped).toBe(0);
    backends[1].last.send(ok());
    stage.pass(2);
    other.socket.close();
    stage.pass(2000);
    expect([stopped, other.statuses]).toEqual([1, [200]]);
    expect(stage.threads).toHaveLength(2);
  });
});

describe('a worker whose loop hangs', () => {
  it('is found out by its silence, and its clients do not hang for ever', () => {
    holdBack(backends[0]);
    const client = stage.ask(0, get());
    stage.thread(0).hang();
    stage.pass(4500);
    expect(client.closed).toBeUndefined();
    stage.pass(1000);
    expect(client.wasReset).toBe(true);
    expect(stage.inFlight).toBe(0);
    expect(stage.world.logged('worker_silent')).toHaveLength(1);
    expect([answerer(0), answerer(0)]).toEqual([b, c]);
  });
});

describe('limits hold for both workers together', () => {
  const limited = (changes: Partial<Config>): Config => ({ ...weighted(1), ...changes });

  it('of requests, also over a reload and when a worker dies', () => {
    const rateLimit = {
      requests: 1,
      periodMs: 3_600_000,
      burst: 3,
      key: { kind: 'client_address' },
      keys: 64,
    } as const;
    const routes = [routeConfig({ rateLimits: [rateLimit] })];
    begin(limited({ routes }));
    const statusOf = (worker: number): number => stage.ask(worker, get()).statuses[0];
    expect([statusOf(0), statusOf(1), statusOf(1)]).toEqual([200, 200, 200]);
    expect([statusOf(0), statusOf(1)]).toEqual([429, 429]);
    stage.reload(limited({ routes, shutdown: { delayMs: 1, timeoutMs: 1 } }));
    stage.thread(1).die('it was a test');
    stage.pass(100);
    expect([statusOf(0), statusOf(1)]).toEqual([429, 429]);
  });

  it('of connections, and those of a worker that died are given back', () => {
    const { limits } = weighted(1);
    begin(limited({ limits: { ...limits, maxConnectionsPerClient: 2 } }));
    const isTurnedAway = (worker: number): boolean => stage.ask(worker, get()).wasReset;
    expect([isTurnedAway(0), isTurnedAway(1)]).toEqual([false, false]);
    expect([isTurnedAway(0), isTurnedAway(1)]).toEqual([true, true]);
    stage.thread(0).die('it was a test');
    stage.pass(100);
    expect([isTurnedAway(0), isTurnedAway(0), isTurnedAway(1)]).toEqual([false, true, true]);
  });
});
