import { describe, expect, it } from 'vitest';
import { placers, policies } from '../../src/core/balancing/balancing.ts';
import type { PolicyName } from '../../src/core/config.ts';
import type { PolicyFunction } from '../../src/core/policy-function.ts';
import { ownFunction } from '../fixtures/own-function.ts';
import { PickingPool } from '../fixtures/picking-pool.ts';
import { type Contestant, sharesConformance } from './shares.ts';

/** Places are drawn once for all: a ring has 160 for each unit of weight, Maglev rounds. */
const UNEVEN: Partial<Record<PolicyName, number>> = { ring_hash: 0.08, maglev: 0.01 };

const contestants: Contestant[] = (Object.keys(policies) as PolicyName[])
  .filter((name) => name !== 'function')
  .flatMap((name): Contestant[] => {
    const place = placers[name];
    const one = { name, factory: policies[name], uneven: UNEVEN[name] ?? 0 };
    if (place === undefined) return [one];
    const byKey = { ...one, place };
    return [byKey, { ...byKey, name: `${name} with bounded_load`, boundedLoad: 1.25 }];
  });

const fails: PolicyFunction = () => {
  throw new Error('no luck');
};
contestants.push(
  { name: 'a function that goes by weight', factory: ownFunction() },
  { name: 'a function that chooses nobody', factory: ownFunction(() => () => null) },
  {
    name: 'a function that fails',
    factory: ownFunction(
      () => fails,
      () => {},
    ),
  },
);

for (const contestant of contestants) sharesConformance(contestant);

describe('round_robin keeps the order of others exactly', () => {
  const picksOf = (weights: readonly number[], picks: number): number[] => {
    const pool = new PickingPool(policies.round_robin);
    pool.rebuild(
      weights.map((_, slot) => slot),
      weights,
    );
    return Array.from({ length: picks }, () => pool.pick());
  };

  it.each([
    [[1, 1, 1], 'abcabc'],
    [[5, 1, 1], 'aabacaaaabacaa'],
    [[4, 2, 1], 'abacabaabacaba'],
    [[3, 2, 1], 'abacbaabacba'],
  ])('weights %j: %s, as in nginx', (weights, expected) => {
    const picked = picksOf(weights, expected.length).map((slot) => 'abc'[slot]);
    expect(picked.join('')).toBe(expected);
  });

  it.each([
    [
      [5, 1, 1],
      [50_000, 10_000, 10_000],
    ],
    [
      [4, 2, 1],
      [40_000, 20_000, 10_000],
    ],
    // By static stride: too unequal to be written out.
    [
      [1_000_000, 999_999, 1],
      [35_000, 35_000, 0],
    ],
  ])('weights %j: %j of 70,000', (weights, expected) => {
    const picked = picksOf(weights, 70_000);
    expect(weights.map((_, slot) => picked.filter((each) => each === slot).length)).toEqual(
      expected,
    );
  });
});
