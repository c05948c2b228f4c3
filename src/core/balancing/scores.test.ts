import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { hashText, mix } from '../base/hash.ts';
import { createRng } from '../base/rng.ts';
import type { PolicyName } from '../config.ts';
import { placers, policies } from './balancing.ts';
import { placeOfKey, scores } from './scores.ts';

const WEIGHTS = [1, 3, 2, 5, 1];
const SLOTS = [0, 1, 2, 3, 4];

function poolOf(policy: PolicyName): PickingPool {
  const placer = placers[policy];
  const place = (slots: readonly number[], weights: readonly number[]): Int32Array =>
    placer!(
      slots.map((slot, i) => {
        const name = `server-${slot}`;
        return { slot, weight: weights[i], hash: hashText(name), otherHash: hashText(name, 1) };
      }),
    );
  const pool = new PickingPool(policies[policy], 1, placer && place);
  pool.rebuild(SLOTS, WEIGHTS);
  return pool;
}

const scoreOf = (policy: PolicyName, pool: PickingPool, slot: number, key = -1): number =>
  scores[policy]!(slot, pool.table, pool.schedule, key)!;

describe('the score of a policy', () => {
  it.each(['least_connections', 'least_request'] as const)(
    'is the least where %s goes, however much is in flight',
    (policy) => {
      const rng = createRng(7);
      for (let round = 0; round < 200; round++) {
        const pool = poolOf(policy);
        // Nobody is idle: that would be for whose turn it is.
        for (const slot of SLOTS) pool.load(slot, 1 + rng.below(20));
        const considered = new Set<number>();
        const { canTake } = pool.table;
        pool.table.canTake = (slot, states) => {
          considered.add(slot);
          return canTake.call(pool.table, slot, states);
        };
        const picked = pool.pick();
        const others = [...considered].map((slot) => scoreOf(policy, pool, slot));
        expect(considered.size).toBeGreaterThan(1);
        expect(scoreOf(policy, pool, picked)).toBe(Math.min(...others));
      }
    },
  );

  it('is the least where rendezvous goes, for every key', () => {
    const pool = poolOf('rendezvous');
    for (let n = 0; n < 1000; n++) {
      const key = mix(n) >>> 1;
      const all = SLOTS.map((slot) => scoreOf('rendezvous', pool, slot, key));
      expect(pool.pick([], key)).toBe(all.indexOf(Math.min(...all)));
    }
    expect(scores.rendezvous!(0, pool.table, pool.schedule, -1)).toBeNull();
  });
});

describe('the place of a key', () => {
  it.each(['maglev', 'ring_hash'] as const)('is that of the backend %s picks', (policy) => {
    const pool = poolOf(policy);
    for (let n = 0; n < 1000; n++) {
      const key = mix(n) >>> 1;
      const found = placeOfKey(policy, pool.schedule, key)!;
      expect(found.slot).toBe(pool.pick([], key));
      expect(found.place).toBeLessThan(found.of);
    }
  });

  it('is nowhere without a key, and for policies that have no places', () => {
    expect(placeOfKey('maglev', poolOf('maglev').schedule, -1)).toBeNull();
    expect(placeOfKey('round_robin', poolOf('round_robin').schedule, 5)).toBeNull();
  });
});
