import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import type { PolicyCandidate, PolicyFunction, PolicyRequest } from '../policy-function.ts';
import { State } from '../table/table.ts';
import type { FunctionNeeds } from './balancing.ts';
import { createByFunction } from './by-function.ts';

const REQUEST = { path: '/' } as PolicyRequest;

/** A pool of these slots, and why its function failed each time. */
function poolOf(choose: PolicyFunction, slots = [1, 2, 3], weights?: readonly number[]) {
  const failures: unknown[] = [];
  const names = new Map<number, { name: string; url: string }>();
  const named = (slot: number) => {
    const known = names.get(slot) ?? { name: `server-${slot}`, url: `http://10.0.0.${slot}` };
    names.set(slot, known);
    return known;
  };
  const failed: FunctionNeeds['failed'] = (why) => void failures.push(why);
  const own = { choose, request: REQUEST, named, failed };
  const pool = new PickingPool((deps) => createByFunction({ ...deps, own }));
  pool.rebuild(slots, weights);
  return { pool, failures, names };
}

const nameOf = ({ name }: PolicyCandidate): string => name;

describe('a policy function', () => {
  it('is picked by: its answer is the backend', () => {
    const { pool, failures } = poolOf((candidates) => candidates.at(-1));
    expect([pool.pick(), pool.pick()]).toEqual([3, 3]);
    expect(failures).toEqual([]);
  });

  it('sees the request, and who may be chosen: not those that were tried, are down or full', () => {
    const seen: unknown[] = [];
    const { pool } = poolOf((candidates, request) => {
      seen.push([...candidates.map(nameOf), request.path]);
      return null;
    });
    pool.pick();
    pool.pick([2]);
    pool.table.setState(1, State.down);
    pool.table.setLimit(3, 1);
    pool.load(3);
    pool.pick();
    expect(seen).toEqual([
      ['server-1', 'server-2', 'server-3', '/'],
      ['server-1', 'server-3', '/'],
      ['server-2', '/'],
    ]);
  });

  it('is not asked when there is nobody', () => {
    const { pool, failures } = poolOf(() => {
      throw new Error('asked');
    });
    expect(pool.pick([1, 2, 3])).toBe(-1);
    pool.rebuild([]);
    expect(pool.pick()).toBe(-1);
    expect(failures).toEqual([]);
  });

  it('sees what candidates are called, weigh, have in flight, and how long they take', () => {
    let seen: unknown[] = [];
    const look: PolicyFunction = (candidates) => {
      seen = candidates.map(({ name, url, weight, inFlight, latencyMs }) => {
        return [name, url, weight, inFlight, latencyMs === null ? null : Math.round(latencyMs)];
      });
      return null;
    };
    const { pool } = poolOf(look, [1, 2], [3, 1]);
    pool.load(2, 4);
    pool.observe(1, 80);
    pool.pick();
    expect(seen).toEqual([
      ['server-1', 'http://10.0.0.1', 3, 0, 80],
      ['server-2', 'http://10.0.0.2', 1, 4, null],
    ]);
    pool.nowMs += 10_000;
    pool.pick();
    expect((seen[0] as unknown[])[4]).toBe(Math.round(80 / Math.E));
    // The clock was set back: what was seen before says nothing of now.
    pool.nowMs -= 3_600_000;
    pool.pick();
    expect((seen[0] as unknown[])[4]).toBe(null);
  });

  it('that chooses nobody leaves it to round robin, by weight, among those it could choose', () => {
    const { pool } = poolOf(() => undefined, [1, 2, 3], [1, 2, 1]);
    const turns = Array.from({ length: 8 }, () => pool.pick());
    expect([...turns].sort()).toEqual([1, 1, 2, 2, 2, 2, 3, 3]);
    for (let n = 0; n < 6; n++) expect(pool.pick([1, 2])).toBe(3);
  });

  it('meets the same candidate as the same object, as long as nothing changes there', () => {
    const met = new Set<PolicyCandidate>();
    const { pool, names } = poolOf((candidates) => {
      for (const each of candidates) met.add(each);
      return null;
    });
    pool.pick();
    pool.rebuild([2, 3, 4]);
    pool.pick();
    expect([...met].map(nameOf)).toEqual(['server-1', 'server-2', 'server-3', 'server-4']);
    names.set(2, { name: 'another', url: 'http://b' });
    pool.rebuild([2, 3]);
    pool.pick();
    expect(met.size).toBe(5);
  });
});

describe('a policy function that is wrong', () => {
  const turnsOf = (choose: PolicyFunction) => {
    const { pool, failures } = poolOf(choose);
    return { turns: [pool.pick(), pool.pick(), pool.pick(), pool.pick()], failures };
  };

  it('and throws is told of each time, and it is whose turn it is', () => {
    const error = new Error('no luck');
    const { turns, failures } = turnsOf(() => {
      throw error;
    });
    expect(turns).toEqual([1, 2, 3, 1]);
    expect(failures).toEqual([error, error, error, error]);
  });

  it.each([
    ['server-1', 'it answered a string; it must be one of the candidates, or null'],
    [0, 'it answered a number; it must be one of the candidates, or null'],
    [false, 'it answered a boolean; it must be one of the candidates, or null'],
    [{ name: 'server-1' }, 'it answered an object of its own; it must be one of the candidates'],
    [() => null, 'it answered a function; it must be one of the candidates, or null'],
  ])('and answers %j is told so', (answer, says) => {
    const { turns, failures } = turnsOf(() => answer as unknown as PolicyCandidate);
    expect(turns).toEqual([1, 2, 3, 1]);
    expect(failures[3]).toContain(says);
  });

  it('and answers a promise is told so; that it fails later is no news', async () => {
    const later = (async () => {
      throw new Error('later');
    })();
    const { turns, failures } = turnsOf(() => later as unknown as PolicyCandidate);
    expect(turns).toEqual([1, 2, 3, 1]);
    expect(failures[0]).toContain('a promise; a policy must answer at once, so it cannot be async');
    await expect(later).rejects.toThrow('later');
  });

  it('and answers whom it kept from before, who cannot be had now, is told who that is', () => {
    let kept: PolicyCandidate | undefined;
    const { pool, failures } = poolOf((candidates) => {
      kept ??= candidates[0];
      return kept;
    });
    expect(pool.pick()).toBe(1);
    expect(pool.pick([1])).not.toBe(1);
    pool.table.setState(1, State.down);
    expect(pool.pick()).not.toBe(1);
    const why = 'it answered server-1, which is no candidate for this request';
    expect(failures).toEqual([why, why]);
    pool.table.setState(1, State.up);
    expect(pool.pick()).toBe(1);
  });

  it.each([
    ['empties', (list: PolicyCandidate[]) => void list.splice(0)],
    ['turns', (list: PolicyCandidate[]) => void list.reverse()],
    ['fills', (list: PolicyCandidate[]) => void list.push({} as PolicyCandidate)],
    ['freezes', (list: PolicyCandidate[]) => void Object.freeze(list)],
  ])('and %s its candidates has them all the next time', (_, meddle) => {
    const seen: string[] = [];
    const { pool, failures } = poolOf((candidates) => {
      seen.push(candidates.map(nameOf).join());
      meddle(candidates as PolicyCandidate[]);
      return null;
    });
    expect([pool.pick(), pool.pick(), pool.pick([2])]).toEqual([1, 2, 3]);
    const all = 'server-1,server-2,server-3';
    expect(seen).toEqual([all, all, 'server-1,server-3']);
    expect(failures).toEqual([]);
  });
});
