import { describe, expect, it } from 'vitest';
import { listenerConfig } from '../../../sim/default-config.ts';
import {
  backendConfig,
  config,
  emptyPool,
  healthCheck,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import type { Config, PoolConfig } from '../config.ts';
import { Tracker } from '../health/tracker.ts';
import { Backend } from '../table/backend.ts';
import type { Member, Pool } from './members.ts';
import { planReload, summarise } from './reload-plan.ts';

/** The pools as they are when this configuration is in use. */
function inUse(of: Config): ReadonlyMap<string, Pool> {
  let slot = 0;
  const pools = of.pools.map((described): [string, Pool] => {
    const pool = emptyPool(described);
    pool.members = described.backends.map((each): Member => {
      const backend = new Backend(slot++, 0, each, described);
      const tracker = new Tracker(null, true, 0);
      return { backend, tracker, pool, drain: null, turnedMs: null, pardoned: false };
    });
    return [described.name, pool];
  });
  return new Map(pools);
}

const [one, two, three] = [1, 2, 3].map((number) => backendConfig(number));
const before = config([poolConfig([one, two])]);
const pools = inUse(before);
const plan = (after: Config) => planReload(before, pools, after);
const members = pools.get('default')?.members ?? [];

describe('a reload', () => {
  it('of the same configuration changes nothing', () => {
    const same = plan(config([poolConfig([backendConfig(1), backendConfig(2)])]));
    expect(same.pools[0].backends.map(({ member }) => member)).toEqual(members);
    expect(same.pools[0].pool).toBe(pools.get('default'));
    expect(summarise(same)).toBe('the same backends and listeners as before');
  });

  it('keeps what it knows by name and URL, in the new order', () => {
    const changed = plan(config([poolConfig([three, { ...two, weight: 5 }, one])]));
    expect(changed.pools[0].backends.map(({ member }) => member)).toEqual([
      null,
      members[1],
      members[0],
    ]);
    expect(changed).toMatchObject({ added: 1, reweighted: 1, removed: [] });
    expect(summarise(changed)).toBe('1 backend added and 1 weight changed');
  });

  it('has those probed anew that are asked in another way, or over another TLS', () => {
    const known = [one, { ...two, tls: true }];
    const over = (changes: Partial<PoolConfig>) =>
      plan(config([poolConfig([...known, three], changes)])).rechecked;
    expect(over({})).toEqual([]);
    expect(over({ healthCheck: healthCheck({ path: '/up' }) })).toEqual(members);
    expect(over({ tls: { ...before.pools[0].tls, serverName: 'x' } })).toEqual([members[1]]);
  });

  it('takes a backend with another URL for another backend', () => {
    const moved = plan(config([poolConfig([one, { ...two, url: 'http://elsewhere' }])]));
    expect(moved.removed).toEqual([members[1]]);
    expect(moved.added).toBe(1);
  });

  it('takes a pool with another name for another pool', () => {
    const renamed = plan(config([poolConfig([one, two], { name: 'api' })]));
    expect(renamed.removed).toEqual(members);
    expect(renamed.pools[0].pool).toBeNull();
    expect(summarise(renamed)).toBe('2 backends added and 2 backends removed');
  });

  it('opens and closes listeners by address', () => {
    const listeners = [listenerConfig(8080), listenerConfig(9090)];
    const opened = plan(config([poolConfig([one, two])], { listeners }));
    expect(opened.opened).toEqual([listenerConfig(9090)]);
    expect(opened.closed).toEqual([]);
    const swapped = plan(config([poolConfig([one, two])], { listeners: [listenerConfig(1)] }));
    expect(summarise(swapped)).toBe('1 listener opened and 1 listener closed');
  });

  it('of nothing is the start: everything is new', () => {
    const first = planReload(null, new Map(), before);
    expect(first).toMatchObject({ added: 2, removed: [], opened: before.listeners, closed: [] });
  });
});
