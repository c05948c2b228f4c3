import { describe, expect, it } from 'vitest';
import { backendConfig, poolConfig } from '../../../test/fixtures/control-world.ts';
import { failure } from '../base/failure.ts';
import type { PoolConfig } from '../config.ts';
import { Backend } from '../table/backend.ts';
import { State, Table } from '../table/table.ts';
import { Pool } from './pool.ts';

interface World {
  readonly table: Table;
  readonly pool: Pool;
  readonly backends: readonly Backend[];
}

/** A pool with a backend in each of these states, in slots 0 and up. */
function poolOf(states: readonly State[], changes: Partial<PoolConfig> = {}, row = 0): World {
  const table = new Table(8);
  const config = poolConfig([], changes);
  const backends = states.map((state, index) => {
    const slot = table.claim(1, state)!;
    return new Backend(slot, table.generation(slot), backendConfig(index + 1), config);
  });
  const pool = new Pool(config, table, row);
  pool.configure(config, backends);
  return { table, pool, backends };
}

const picks = (pool: Pool, count: number, tried: readonly number[] = []): number[] =>
  Array.from({ length: count }, () => pool.pick(tried));

const { up, checking, suspect, down, draining } = State;

describe('a pick', () => {
  it('goes round among those that are up', () => {
    const { pool } = poolOf([up, down, up, draining, up]);
    expect(picks(pool, 6)).toEqual([0, 2, 4, 0, 2, 4]);
  });

  it('skips those that were tried, whoever is next', () => {
    const { pool } = poolOf([up, up, up]);
    expect(picks(pool, 4, [0, 2])).toEqual([1, 1, 1, 1]);
    expect(pool.pick([0, 1, 2])).toBe(-1);
  });

  it('skips one that began to drain, also before the pool is refreshed', () => {
    const { table, pool } = poolOf([up, up, up]);
    table.setState(1, draining);
    expect(new Set(picks(pool, 6))).toEqual(new Set([0, 2]));
    pool.refresh();
    expect(pool.pick([0, 2])).toBe(-1);
  });

  it('finds a light backend when all the others were tried', () => {
    const { table, pool } = poolOf([up, up]);
    table.setWeight(0, 1000);
    pool.refresh();
    expect(picks(pool, 5, [0])).toEqual([1, 1, 1, 1, 1]);
  });

  it('finds nobody in an empty pool', () => {
    expect(poolOf([]).pool.pick([])).toBe(-1);
  });

  it('follows the weights', () => {
    const { table, pool } = poolOf([up, up]);
    table.setWeight(0, 3);
    pool.refresh();
    expect(picks(pool, 8).filter((slot) => slot === 0)).toHaveLength(6);
  });
});

describe('who is eligible', () => {
  it('awaits first verdicts alike, until they are overdue', () => {
    const { pool, backends } = poolOf([up, checking]);
    expect(picks(pool, 2)).toEqual([0, 1]);
    backends[1].verdictOverdue = true;
    pool.refresh();
    expect(picks(pool, 2)).toEqual([0, 0]);
  });

  it('are suspects when nobody is up', () => {
    expect(picks(poolOf([down, suspect, suspect]).pool, 2)).toEqual([1, 2]);
  });

  it.each([
    [false, -1],
    [true, 0],
  ])('are those that probes took down only with panic: %s', (panic, slot) => {
    expect(poolOf([down], { panic }).pool.pick([])).toBe(slot);
  });

  it('changes when a state has changed and the pool is refreshed', () => {
    const { table, pool } = poolOf([up, up]);
    table.setState(0, down);
    pool.refresh();
    expect(picks(pool, 2)).toEqual([1, 1]);
  });

  it('changes with the members', () => {
    const { pool, backends } = poolOf([up, up]);
    pool.configure(pool.config, backends.slice(1));
    expect(picks(pool, 2)).toEqual([1, 1]);
  });

  it('takes the panic of its new configuration', () => {
    const { pool, backends } = poolOf([down]);
    pool.configure(poolConfig([], { panic: true }), backends);
    expect(pool.pick([])).toBe(0);
  });

  it('has untried members or not', () => {
    const { pool } = poolOf([up, up, down]);
    expect(pool.hasUntried([0])).toBe(true);
    expect(pool.hasUntried([0, 1])).toBe(false);
  });
});

describe('two pools over one table', () => {
  it('have a cursor each', () => {
    const { table, pool, backends } = poolOf([up, up]);
    const other = new Pool(pool.config, table, 1);
    other.configure(pool.config, backends);
    expect([pool.pick([]), other.pick([]), pool.pick([]), other.pick([])]).toEqual([0, 0, 1, 1]);
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
