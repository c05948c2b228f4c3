import { describe, expect, it } from 'vitest';
import { createSimClock } from '../../../sim/clock.ts';
import {
  backendConfig,
  emptyPool,
  FakeEngine,
  poolConfig,
  SILENT,
} from '../../../test/fixtures/control-world.ts';
import { request } from '../../../test/fuzz/heads.ts';
import { failure } from '../base/failure.ts';
import { createRng } from '../base/rng.ts';
import type { BackendConfig, PoolConfig } from '../config.ts';
import { Schedules } from '../control/schedules.ts';
import { Tracker } from '../health/tracker.ts';
import { RequestFacts } from '../http/request-facts.ts';
import type { PolicyFunction } from '../policy-function.ts';
import { Circuit, CircuitState } from '../resilience/circuit.ts';
import { Backend } from '../table/backend.ts';
import { State, Table } from '../table/table.ts';
import type { Picked } from './policy-view.ts';
import { isFailure, NO_ROOM, Pool } from './pool.ts';
import type { Queue } from './queue.ts';

interface World {
  readonly table: Table;
  readonly pool: Pool;
  readonly backends: readonly Backend[];
  /** The control thread makes another schedule. */
  refresh(): void;
}

/** A pool with a backend in each of these states, in slots 0 and up. */
function poolOf(states: readonly State[], changes: Partial<PoolConfig> = {}): World {
  const table = new Table({ capacity: 8, workers: 1 });
  const config = poolConfig([], changes);
  const members = emptyPool(config);
  const backends = states.map((state, index) => {
    const slot = table.claim(1, state)!;
    return new Backend(slot, table.generation(slot), backendConfig(index + 1), config);
  });
  members.members = backends.map((backend) => ({
    backend,
    tracker: new Tracker(null, true, 0),
    pool: members,
    drain: null,
    turnedMs: null,
    pardoned: false,
  }));
  const clock = createSimClock();
  const schedules = new Schedules(table, clock, SILENT, new FakeEngine(clock));
  const known = {
    generation: (slot: number) =>
      backends.find((backend) => backend.slot === slot)?.generation ?? -1,
  };
  const pool = new Pool(config, table, known, {
    rng: createRng(1),
    wallMs: () => 0,
    log: { event() {} },
  });
  pool.configure(config, backends);
  const refresh = (): void => pool.follow(schedules.of(members));
  refresh();
  return { table, pool, backends, refresh };
}

const picks = (pool: Pool, count: number, tried: readonly number[] = []): number[] =>
  Array.from({ length: count }, () => pool.enter(tried, -1, null));

const { up, suspect, down, draining } = State;

describe('a pick', () => {
  it('of a pool that is no more finds nobody, whoever has its slots', () => {
    const { pool } = poolOf([up, up]);
    pool.retire();
    expect(picks(pool, 2)).toEqual([-1, -1]);
  });

  it('goes round among those that are up', () => {
    const { pool } = poolOf([up, down, up, draining, up]);
    expect(picks(pool, 6)).toEqual([0, 2, 4, 0, 2, 4]);
  });

  it('gives one on trial a single exchange, also when the others have no room', () => {
    const { table, pool } = poolOf([State.trial, up]);
    table.setLimit(1, 2);
    expect(picks(pool, 5)).toEqual([0, 1, 1, NO_ROOM, NO_ROOM]);
  });

  it('finds an ejected one when all others have failed it', () => {
    const { pool } = poolOf([State.trial, up]);
    picks(pool, 1);
    expect(picks(pool, 1, [1])).toEqual([0]);
  });

  it('enters the backend in the table, and nobody else', () => {
    const { table, pool } = poolOf([up, up]);
    picks(pool, 3);
    expect([table.inFlight(0), table.inFlight(1)]).toEqual([2, 1]);
  });

  it('skips those that were tried, whoever is next', () => {
    const { table, pool } = poolOf([up, up, up]);
    expect(picks(pool, 4, [0, 2])).toEqual([1, 1, 1, 1]);
    expect(pool.enter([0, 1, 2], -1, null)).toBe(-1);
    expect([table.inFlight(0), table.inFlight(1), table.inFlight(2)]).toEqual([0, 4, 0]);
  });

  it.each([
    ['began to drain', draining],
    ['is down', down],
    ['is a suspect', suspect],
  ])('skips one that %s, also before there is another schedule', (_, state) => {
    const { table, pool, refresh } = poolOf([up, up, up]);
    table.setState(1, state);
    expect(new Set(picks(pool, 6))).toEqual(new Set([0, 2]));
    refresh();
    expect(pool.enter([0, 2], -1, null)).toBe(-1);
    expect(table.inFlight(1)).toBe(0);
  });

  it('draws again for one that has gone, and does not double its successor', () => {
    const { table, pool } = poolOf([up, up, up, up]);
    table.setState(1, suspect);
    const counts = [0, 0, 0, 0];
    for (const slot of picks(pool, 300)) counts[slot]++;
    expect(counts).toEqual([100, 0, 100, 100]);
  });

  it('tries suspects when all have become so before there is another schedule', () => {
    const { table, pool } = poolOf([up, up]);
    for (const slot of [0, 1]) table.suspect(slot);
    expect(pool.enter([], -1, null)).toBe(0);
    expect(pool.enter([0], -1, null)).toBe(1);
    expect(pool.enter([0, 1], -1, null)).toBe(-1);
  });

  it('never believes a slot that belongs to another backend by now', () => {
    const { table, pool } = poolOf([up, up]);
    table.setState(0, draining);
    table.free(0);
    expect(table.claim(1, up)).toBe(0);
    expect(picks(pool, 3)).toEqual([1, 1, 1]);
    expect(table.inFlight(0)).toBe(0);
  });

  it('finds a light backend when all the others were tried', () => {
    const { backends, pool, refresh } = poolOf([up, up]);
    backends[0].config = backendConfig(1, { weight: 1000 });
    refresh();
    expect(picks(pool, 5, [0])).toEqual([1, 1, 1, 1, 1]);
  });

  it('finds nobody in an empty pool', () => {
    expect(poolOf([]).pool.enter([], -1, null)).toBe(-1);
  });

  it('follows the weights', () => {
    const { backends, pool, refresh } = poolOf([up, up]);
    backends[0].config = backendConfig(1, { weight: 3 });
    refresh();
    expect(picks(pool, 8).filter((slot) => slot === 0)).toHaveLength(6);
  });

  it('has untried members or not', () => {
    const { pool } = poolOf([up, up, down]);
    expect(pool.hasUntried([0])).toBe(true);
    expect(pool.hasUntried([0, 1])).toBe(false);
  });
});

describe('a pick for a client with a home', () => {
  it('goes there while it may be picked, else elsewhere', () => {
    const { table, pool, backends, refresh } = poolOf([up, up, up]);
    const [, home] = backends;
    for (let n = 0; n < 4; n++) expect(pool.enter([], -1, home)).toBe(1);
    expect(pool.enter([1], -1, home)).not.toBe(1);
    table.setState(1, down);
    expect(pool.enter([], -1, home)).not.toBe(1);
    refresh();
    expect(pool.enter([], -1, home)).not.toBe(1);
    expect(table.inFlight(1)).toBe(4);
  });

  it('goes to one that drains only while that keeps its clients', () => {
    const { table, pool, backends, refresh } = poolOf([up, draining]);
    const [, home] = backends;
    expect(pool.enter([], -1, home)).toBe(0);
    table.setKeeps(1, true);
    refresh();
    expect([pool.enter([], -1, home), pool.enter([], -1, null)]).toEqual([1, 0]);
  });

  it('goes to one that keeps its clients before there is a schedule without it', () => {
    const { table, pool, backends } = poolOf([up, up]);
    table.setKeeps(1, true);
    table.setState(1, draining);
    expect(pool.enter([], -1, backends[1])).toBe(1);
    table.setLimit(1, 1);
    expect(pool.enter([], -1, backends[1])).toBe(NO_ROOM);
  });

  it('goes to one that has come back before there is a schedule with it', () => {
    const { table, pool, backends } = poolOf([up, down]);
    table.setState(1, up);
    expect(pool.enter([], -1, backends[1])).toBe(1);
    table.setLimit(1, 1);
    expect(pool.enter([], -1, backends[1])).toBe(NO_ROOM);
    expect(picks(pool, 2)).toEqual([0, 0]);
  });

  it.each(['checking', 'suspect', 'ejected'] as const)(
    'does not go to one that is %s when the schedule is without it',
    (state) => {
      const { table, pool, backends } = poolOf([up, down]);
      table.setState(1, State[state]);
      expect(pool.enter([], -1, backends[1])).toBe(0);
    },
  );

  it('goes there also when it belongs to a level that gets nobody else', () => {
    const { pool, backends, refresh } = poolOf([up, up]);
    backends[1].config = backendConfig(2, { backup: true });
    refresh();
    expect([pool.enter([], -1, backends[1]), pool.enter([], -1, null)]).toEqual([1, 0]);
  });

  it('waits while that only lacks room', () => {
    const { table, pool, backends } = poolOf([up, up]);
    const [home] = backends;
    table.setLimit(0, 1);
    expect(pool.enter([], -1, home)).toBe(0);
    expect(pool.enter([], -1, home)).toBe(NO_ROOM);
    expect(pool.enter([0], -1, home)).toBe(1);
  });

  it('does not take another backend in the same slot for it', () => {
    const { table, pool, backends } = poolOf([up, up]);
    const [home] = backends;
    table.setState(0, draining);
    table.free(0);
    table.claim(1, up);
    table.setLimit(0, 1);
    expect(pool.enter([], -1, home)).toBe(1);
    expect(table.inFlight(0)).toBe(0);
  });
});

describe('a pick of a pool with levels', () => {
  /** Two ordinary backends, one of priority 1, one backup. */
  function leveled(states: readonly State[]) {
    const world = poolOf(states);
    world.backends[2].config = backendConfig(3, { priority: 1 });
    world.backends[3].config = backendConfig(4, { backup: true });
    world.refresh();
    return world;
  }

  it('is of the first one, whoever else is there', () => {
    expect(picks(leveled([up, up, up, up]).pool, 4)).toEqual([0, 1, 0, 1]);
  });

  it('goes on to the next levels for an exchange that all others have failed', () => {
    const { pool } = leveled([up, up, up, up]);
    expect(pool.enter([0, 1], -1, null)).toBe(2);
    expect(pool.hasUntried([0, 1, 2])).toBe(true);
    expect(pool.enter([0, 1, 2], -1, null)).toBe(3);
    expect(pool.hasUntried([0, 1, 2, 3])).toBe(false);
    expect(pool.enter([0, 1, 2, 3], -1, null)).toBe(-1);
  });

  it('does so also for others when the first have gone before there is another schedule', () => {
    const { table, pool } = leveled([up, up, up, up]);
    table.setState(0, down);
    table.suspect(1);
    expect(picks(pool, 2)).toEqual([2, 2]);
  });

  it('waits for those that only lack room, and does not turn to the next level', () => {
    const { table, pool } = leveled([up, up, up, up]);
    for (const slot of [0, 1]) table.setLimit(slot, 1);
    expect(picks(pool, 3)).toEqual([0, 1, NO_ROOM]);
    expect(pool.enter([0, 1], -1, null)).toBe(2);
    table.setLimit(3, 1);
    expect([pool.enter([0, 1, 2], -1, null), pool.enter([0, 1, 2], -1, null)]).toEqual([
      3,
      NO_ROOM,
    ]);
  });

  it('leaves a client where it was before, whoever comes first by now', () => {
    const { table, pool, backends } = leveled([up, up, up, up]);
    expect(pool.enter([], -1, backends[3])).toBe(3);
    table.setLimit(3, 1);
    expect(pool.enter([], -1, backends[3])).toBe(NO_ROOM);
    table.setState(3, down);
    expect(pool.enter([], -1, backends[3])).toBe(0);
  });

  it('tries suspects of any level when all have become so at once', () => {
    const { table, pool } = leveled([up, up, up, up]);
    for (const slot of [0, 1, 2, 3]) table.suspect(slot);
    expect(pool.enter([], -1, null)).toBe(0);
    expect(pool.enter([0, 1], -1, null)).toBe(2);
  });
});

describe('nobody', () => {
  const { pool } = poolOf([]);
  const failed = (kind: Parameters<typeof failure>[0]) =>
    failure(kind, 'backend', 'connect', 'safe', `10.0.0.1 ${kind}`);

  it('was there from the start', () => {
    expect(pool.nobody(null)).toMatchObject({
      kind: 'no_backend',
      side: 'us',
      phase: 'pick',
      cause: 'no backend of the pool is available',
    });
  });

  it.each(['refused', 'unreachable', 'unresolved'] as const)(
    'could be reached when the last one was %s, and its cause is kept',
    (kind) => {
      expect(pool.nobody(failed(kind))).toMatchObject({
        kind: 'no_backend',
        retry: 'never',
        cause: `no backend could be reached, the last one: 10.0.0.1 ${kind}`,
      });
    },
  );

  it.each(['connect_timeout', 'reset', 'closed', 'tls'] as const)(
    'is left after %s: that is what the client hears',
    (kind) => {
      const last = failed(kind);
      expect(pool.nobody(last)).toBe(last);
    },
  );
});

describe('those who wait', () => {
  const hasTurns = (limits: Partial<BackendConfig>): boolean => {
    const { pool, backends } = poolOf([up, up]);
    const configs = [backendConfig(1), backendConfig(2, limits)];
    pool.configure({ ...pool.config, backends: configs }, backends);
    pool.queue = { hasTurns: true } as Queue;
    return pool.hasTurns;
  };

  it('go before who comes now where any backend has a limit, be it of one', () => {
    expect(hasTurns({ maxRequests: 1 })).toBe(true);
    expect(hasTurns({ maxConnections: 1 })).toBe(true);
  });

  it('are not looked for where no backend has one', () => {
    expect(hasTurns({})).toBe(false);
  });
});

describe('an answer', () => {
  it.each([
    [428, false],
    [429, true],
    [430, false],
    [499, false],
    [500, true],
    [599, true],
  ])('of %d: a failure? %s', (status, failed) => {
    expect(isFailure(status)).toBe(failed);
  });
});

describe('a circuit', () => {
  const broken = (state: CircuitState) => {
    const world = poolOf([State.up]);
    const memory = new ArrayBuffer(Circuit.BYTES);
    const circuit = new Circuit(memory);
    circuit.set(state);
    world.pool.configure(world.pool.config, world.backends, { circuit: memory, sessions: null });
    return { ...world, circuit };
  };

  it('that is open lets nobody in, and says so', () => {
    const { pool, table } = broken(CircuitState.open);
    expect(pool.enter([], -1, null)).toBe(-1);
    expect(table.inFlight(0)).toBe(0);
    expect(pool.nobody(null).kind).toBe('circuit_open');
    const last = failure('timeout_head', 'backend', 'relay', 'never', 'late');
    expect(pool.nobody(last)).toBe(last);
  });

  it('that is open lets no second attempt in either', () => {
    const { pool, table } = broken(CircuitState.open);
    expect(pool.enterSpare([], -1)).toBe(-1);
    expect(table.inFlight(0)).toBe(0);
  });

  it('that is half open lets one in', () => {
    const { pool, circuit } = broken(CircuitState.trial);
    expect([pool.enter([], -1, null), pool.enter([], -1, null)]).toEqual([0, -1]);
    expect(circuit.state).toBe(CircuitState.tried);
  });

  it('keeps its trial when the one that took it finds nobody', () => {
    const { pool, circuit, table, refresh } = broken(CircuitState.trial);
    table.setState(0, State.down);
    refresh();
    expect(pool.enter([], -1, null)).toBe(-1);
    expect(circuit.state).toBe(CircuitState.trial);
  });

  it('that is closed, or was taken away, changes nothing', () => {
    const { pool, backends, circuit } = broken(CircuitState.closed);
    expect(pool.enter([], -1, null)).toBe(0);
    expect(pool.nobody(null).kind).toBe('no_backend');
    circuit.set(CircuitState.open);
    pool.configure(pool.config, backends);
    expect(pool.enter([], -1, null)).toBe(0);
  });
});

describe('a policy function', () => {
  const picked = (): Picked => ({
    head: request('GET /path HTTP/1.1', 'Host: a.test', 'X-To: server-2'),
    facts: new RequestFacts(),
    record: { client: '192.0.2.7', attempts: 0 },
  });
  const byHeader: PolicyFunction = (candidates, { header }) =>
    candidates.find(({ name }) => name === header('x-to'));

  const enterTwo = (pool: Pool): number[] => [1, 2].map(() => pool.enter([], -1, null, picked()));

  it('chooses for the request that is entered, among those that may be entered', () => {
    const { pool } = poolOf([up, up, up], { policy: 'function', choose: byHeader });
    expect(enterTwo(pool)).toEqual([1, 1]);
    expect(pool.enter([1], -1, null, picked())).not.toBe(1);
  });

  it('that fails is told to whoever listens, and somebody is entered', () => {
    const heard: unknown[] = [];
    const error = new Error('no luck');
    const choose: PolicyFunction = () => {
      throw error;
    };
    const { pool } = poolOf([up, up], { policy: 'function', choose });
    pool.failures = { note: (why) => void heard.push(why), stop: () => {} };
    expect(enterTwo(pool)).toEqual([0, 1]);
    expect(heard).toEqual([error, error]);
  });

  it('that this thread does not have leaves it to round robin', () => {
    const { pool } = poolOf([up, up, up], { policy: 'function', choose: null });
    expect(picks(pool, 4)).toEqual([0, 1, 2, 0]);
  });

  it('is another one after a reload, and none after the next', () => {
    const { pool, backends } = poolOf([up, up, up], {
      policy: 'function',
      choose: (candidates) => candidates[2],
    });
    expect(picks(pool, 2)).toEqual([2, 2]);
    pool.configure({ ...pool.config, choose: (candidates) => candidates[1] }, backends);
    expect(picks(pool, 2)).toEqual([1, 1]);
    pool.configure({ ...pool.config, policy: 'round_robin', choose: null }, backends);
    expect(picks(pool, 3)).toEqual([0, 1, 2]);
  });

  it('is not asked where a client stays', () => {
    const choose: PolicyFunction = (candidates) => candidates[0];
    const { pool, backends } = poolOf([up, up], { policy: 'function', choose });
    expect(pool.enter([], -1, backends[1], picked())).toBe(1);
  });
});
