import { describe, expect, it } from 'vitest';
import { routeConfig } from '../../../sim/default-config.ts';
import { config, poolConfig } from '../../../test/fixtures/control-world.ts';
import { createRng } from '../base/rng.ts';
import type { Config, PoolConfig, RateLimitConfig, StickySessionsConfig } from '../config.ts';
import { Table } from '../table/table.ts';
import { Memories } from './memories.ts';

const limit = (changes: Partial<RateLimitConfig> = {}): RateLimitConfig => ({
  requests: 20,
  periodMs: 60_000,
  burst: 20,
  key: { kind: 'client_address' },
  keys: 64,
  ...changes,
});

function memories(): Memories {
  const size = { capacity: 1, workers: 2 };
  const shared = new SharedArrayBuffer(Table.bytesFor(size));
  return new Memories(createRng(1), new Table(size, shared));
}

const of = (...routes: Config['routes']): Config => config([poolConfig([])], { routes });

const login = routeConfig({ pathPrefix: '/login', rateLimits: [limit()] });

describe('the memory of rate limits', () => {
  it('is there for each limit of each route, and is of the kind that was asked for', () => {
    const two = routeConfig({ rateLimits: [limit(), limit({ requests: 1 })] });
    const given = memories().of(of(login, routeConfig({ pathPrefix: '/free' }), two)).routes;
    expect(given.map((each) => each.length)).toEqual([1, 0, 2]);
    const flat = given.flat();
    expect(new Set(flat).size).toBe(3);
    expect(flat.every((memory) => memory instanceof SharedArrayBuffer)).toBe(true);
    // Two entries of eight bytes for each key, or nearly, and the secret.
    expect(flat[0].byteLength).toBe(8 + 128 * 8);
  });

  it('stays with a limit over reloads, wherever its route stands and goes', () => {
    const known = memories();
    const [[before]] = known.of(of(login)).routes;
    const moved = { ...login, pool: 'other' };
    const [, [after]] = known.of(of(routeConfig({ hosts: ['a.test'] }), moved)).routes;
    expect(after).toBe(before);
  });

  it.each([
    ['the rate', { ...login, rateLimits: [limit({ requests: 21 })] }],
    ['the burst', { ...login, rateLimits: [limit({ burst: 21 })] }],
    ['the key', { ...login, rateLimits: [limit({ key: { kind: 'path' } })] }],
    ['the room', { ...login, rateLimits: [limit({ keys: 65 })] }],
    ['the path', { ...login, pathPrefix: '/log' }],
    ['the host', { ...login, hosts: ['a.test'] }],
  ])('is a new one when %s changes', (_, changed) => {
    const known = memories();
    const [[before]] = known.of(of(login)).routes;
    expect(known.of(of(changed)).routes[0][0]).not.toBe(before);
    // What is not configured any more is forgotten.
    expect(known.of(of(login)).routes[0][0]).not.toBe(before);
  });
});

describe('the memory of circuits', () => {
  const circuitBreaker = { failureRatio: 0.5, minimumRequests: 1, intervalMs: 10, openMs: 10 };
  const broken = config([poolConfig([], { circuitBreaker })]);

  it('is there for pools that have one, and stays over reloads', () => {
    const known = memories();
    expect([...known.of(of()).circuits]).toEqual([]);
    const { circuits } = known.of(broken);
    expect([...circuits.keys()]).toEqual(['default']);
    expect(circuits.get('default')).toBeInstanceOf(SharedArrayBuffer);
    expect(known.of(broken).circuits.get('default')).toBe(circuits.get('default'));
    known.of(of());
    expect(known.of(broken).circuits.get('default')).not.toBe(circuits.get('default'));
  });
});

describe('the memory of connections', () => {
  const limited = (most: number | null): Config => {
    const whole = of();
    return { ...whole, limits: { ...whole.limits, maxConnectionsPerClient: most } };
  };

  it('is there while they are limited, the same whatever the limit', () => {
    const known = memories();
    expect(known.of(limited(null)).clients).toBe(null);
    const first = known.of(limited(5)).clients;
    expect(first).toBeInstanceOf(SharedArrayBuffer);
    // The secret, and for each of two workers twice as many entries as clients, of eight bytes.
    expect(first?.byteLength).toBe(8 + 2 * 2 * 65_536 * 8);
    expect(known.of(limited(7)).clients).toBe(first);
  });

  it('is another one when they are limited again', () => {
    const known = memories();
    const first = known.of(limited(5)).clients;
    known.of(limited(null));
    expect(known.of(limited(5)).clients).not.toBe(first);
  });
});

describe('the memory of sessions', () => {
  const sticky: StickySessionsConfig = {
    kind: 'sessions',
    key: { kind: 'header', name: 'x-session' },
    learn: false,
    idleMs: 60_000,
    sessions: 64,
    drain: false,
  };
  const withPools = (...pools: PoolConfig[]): Config => config(pools);
  const pool = (name: string, changes: Partial<StickySessionsConfig> = {}): PoolConfig =>
    poolConfig([], { name, sticky: { ...sticky, ...changes } });

  it('is there for each pool that remembers them', () => {
    const given = memories().of(withPools(pool('a'), pool('b'), poolConfig([]))).sessions;
    expect([...given.keys()]).toEqual(['a', 'b']);
    expect(given.get('a')).not.toBe(given.get('b'));
    expect(given.get('a')).toBeInstanceOf(SharedArrayBuffer);
    // Two entries of five words for each, and the secret.
    expect(given.get('a')?.byteLength).toBe(8 + 128 * 20);
  });

  it('stays over reloads, unless other values are remembered or another number of them', () => {
    const known = memories();
    const before = known.of(withPools(pool('a'))).sessions.get('a');
    const of = (changes: Partial<StickySessionsConfig>) =>
      known.of(withPools(pool('a', changes))).sessions.get('a');
    expect(of({ idleMs: 1000, drain: true, learn: true })).toBe(before);
    expect(of({ sessions: 1000 })).not.toBe(before);
    const again = of({});
    expect(again).not.toBe(before);
    expect(of({ key: { kind: 'cookie', name: 'x-session' } })).not.toBe(again);
  });
});
