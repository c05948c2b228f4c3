/**
 * Every policy gives every backend its share by weight, as chi-square sees it: whatever the weights
 * are, while members come and go, while health flaps and while reloads change weights; and of
 * identical backends it starves none. One exchange at a time: what loads do is in `policy.ts`.
 */
import { describe, expect, it } from 'vitest';
import type { PolicyFactory } from '../../src/core/balancing/balancing.ts';
import type { Place } from '../../src/core/balancing/round-robin.ts';
import { hashText } from '../../src/core/base/hash.ts';
import { createRng, type Rng } from '../../src/core/base/rng.ts';
import { State } from '../../src/core/table/table.ts';
import { PickingPool } from '../fixtures/picking-pool.ts';

export interface Contestant {
  readonly name: string;
  readonly factory: PolicyFactory;
  /** For those that go by a key: every request has another one. */
  readonly place?: (backends: readonly Hashed[]) => Int32Array;
  readonly boundedLoad?: number;
  /** How far shares are off without chance, at weight 1: where places are is chance, once. */
  readonly uneven?: number;
}

interface Hashed {
  readonly slot: number;
  readonly weight: number;
  readonly hash: number;
  readonly otherHash: number;
}

/** Chance is below 10^-9 that a fair draw is further off than this many standard deviations. */
const DEVIATIONS = 6;
const EXCHANGE_MS = 5;

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Wilson and Hilferty: the value that chi-square with so many degrees of freedom stays below. */
function limitOf(degrees: number): number {
  const part = 2 / (9 * degrees);
  const root = 1 - part + DEVIATIONS * Math.sqrt(part);
  return degrees * root ** 3;
}

/** Exchanges one after the other, and what each backend should have had of them. */
class Trial {
  readonly pool: PickingPool;
  private readonly counts = new Map<number, number>();
  private readonly fair = new Map<number, number>();
  private readonly uneven: number;
  private readonly keys: Rng | null;
  private members: readonly number[] = [];
  private weights: readonly number[] = [];

  constructor({ factory, place, boundedLoad, uneven = 0 }: Contestant, seed = 1) {
    const placed: Place = (slots, weights) =>
      place!(
        slots.map((slot, i) => ({
          slot,
          weight: weights[i],
          hash: hashText(`server-${slot}`),
          otherHash: hashText(`server-${slot}`, 1),
        })),
      );
    const ofKeys = place === undefined ? undefined : placed;
    this.pool = new PickingPool(factory, seed, ofKeys, boundedLoad ?? null);
    this.keys = place === undefined ? null : createRng(seed + 100);
    this.uneven = uneven;
  }

  /** As the control thread does when the set or a weight has changed. */
  rebuild(members: readonly number[], weights: readonly number[]): void {
    this.members = members;
    this.weights = weights;
    this.pool.rebuild(members, weights);
  }

  set(slot: number, state: State): void {
    this.pool.table.setState(slot, state);
  }

  run(exchanges: number): void {
    const { members, weights, pool, fair } = this;
    const isUp = (slot: number): boolean => pool.table.state(slot) === State.up;
    const weighed = members.map((slot, i) => (isUp(slot) ? weights[i] : 0));
    const total = sum(weighed);
    members.forEach((slot, i) => {
      fair.set(slot, (fair.get(slot) ?? 0) + (exchanges * weighed[i]) / total);
    });
    for (let n = 0; n < exchanges; n++) this.exchange(isUp);
  }

  private exchange(isUp: (slot: number) => boolean): void {
    const { pool, counts, keys } = this;
    const key = keys === null ? -1 : keys.below(2 ** 31);
    let slot = pool.pick([], key);
    // As the engine does: whoever has become ineligible meanwhile is passed over.
    for (let asks = 0; !isUp(slot) && asks < 1000; asks++) slot = pool.pick([], key);
    pool.load(slot);
    pool.nowMs += EXCHANGE_MS;
    pool.observe(slot, EXCHANGE_MS);
    pool.table.leave(slot);
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
  }

  count(slot: number): number {
    return this.counts.get(slot) ?? 0;
  }

  /** Chi-square over all that ever were members, in parts of what a fair draw stays below. */
  get strain(): number {
    const { fair, uneven } = this;
    const terms = [...fair].map(([slot, expected]) => {
      const off = this.count(slot) - expected;
      const places = uneven * expected;
      return (off * off) / (expected + places * places);
    });
    return sum(terms) / limitOf(Math.max(1, terms.length - 1));
  }
}

const VECTORS: readonly (readonly number[])[] = [
  [1, 1],
  [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  [5, 1, 1],
  [4, 2, 1],
  [3, 2, 1],
  [10, 1],
  [1, 2, 3, 4, 5, 6, 7, 8],
  [100, 10, 1],
  [7, 7, 7, 3],
];

/** Registers the suite. */
export function sharesConformance(contestant: Contestant): void {
  const { name, place } = contestant;
  /** Places take some milliseconds to be made anew: fewer changes are enough. */
  const rounds = (most: number): number[] => range(place === undefined ? most : most / 20);
  describe(`${name} gives shares by weight`, () => {
    it.each(VECTORS.map((weights) => [weights]))('%j', (weights) => {
      const trial = new Trial(contestant);
      trial.rebuild(range(weights.length), weights);
      trial.run(20_000);
      expect(trial.strain).toBeLessThan(1);
    });

    it('while members come and go', () => {
      const trial = new Trial(contestant);
      const rng = createRng(5);
      const weights = [1, 2, 3, 4, 2, 1, 5, 2];
      for (const _ of rounds(400)) {
        // The first two always stay, and of the others about half.
        const members = range(8).filter((slot) => slot < 2 || rng.chance(1, 2));
        trial.rebuild(
          members,
          members.map((slot) => weights[slot]),
        );
        trial.run(20 + rng.below(80));
      }
      expect(trial.strain).toBeLessThan(1);
    });

    it('while health flaps, before and after the schedule is made anew', () => {
      const trial = new Trial(contestant);
      const rng = createRng(6);
      const weights = [3, 1, 2, 1, 2, 3];
      const all = range(6);
      trial.rebuild(all, weights);
      for (const _ of rounds(300)) {
        const sick = all.filter((slot) => slot > 1 && rng.chance(1, 4));
        for (const slot of sick) trial.set(slot, State.down);
        trial.run(rng.below(30));
        const members = all.filter((slot) => !sick.includes(slot));
        const weighed = members.map((slot) => weights[slot]);
        trial.rebuild(members, weighed);
        trial.run(rng.below(60));
        for (const slot of sick) trial.set(slot, State.up);
        trial.rebuild(all, weights);
        trial.run(rng.below(60));
      }
      expect(trial.strain).toBeLessThan(1);
    });

    it('while reloads change weights', () => {
      const trial = new Trial(contestant);
      const rng = createRng(7);
      for (const _ of rounds(200)) {
        trial.rebuild(
          range(5),
          range(5).map(() => 1 + rng.below(9)),
        );
        trial.run(50 + rng.below(150));
      }
      expect(trial.strain).toBeLessThan(1);
    });
  });

  describe(`${name} starves nobody`, () => {
    it('of a hundred identical backends', () => {
      const trial = new Trial(contestant);
      trial.rebuild(
        range(100),
        range(100).map(() => 1),
      );
      trial.run(20_000);
      const counts = range(100).map((slot) => trial.count(slot));
      expect(Math.min(...counts)).toBeGreaterThan(100);
      expect(trial.strain).toBeLessThan(1);
    });

    it('of identical backends whose neighbours come and go at each exchange', () => {
      const trial = new Trial(contestant);
      for (const round of rounds(4000)) {
        const members = [0, 1, 2, 3 + (round % 5)];
        trial.rebuild(
          members,
          members.map(() => 1),
        );
        trial.run(1);
      }
      for (const slot of [0, 1, 2]) {
        expect(trial.count(slot)).toBeGreaterThan(rounds(4000).length / 8);
      }
    });

    // envoy #31378: light ones were never called, for each schedule began with the heavy ones.
    it('that is light among heavy ones, although the set changes all the time', () => {
      const trial = new Trial(contestant);
      const exchanges = place === undefined ? 60 : 1200;
      const heavy = range(60);
      const light = range(10).map((n) => 60 + n);
      const rng = createRng(8);
      for (const _ of rounds(300)) {
        const gone = rng.below(60);
        const members = [...heavy.filter((slot) => slot !== gone), ...light];
        trial.rebuild(
          members,
          members.map((slot) => (slot < 60 ? 13 : 1)),
        );
        trial.run(exchanges);
      }
      const got = sum(light.map((slot) => trial.count(slot)));
      const fair = (rounds(300).length * exchanges * 10) / (59 * 13 + 10);
      expect(Math.abs(got - fair)).toBeLessThan(DEVIATIONS * Math.sqrt(fair));
    });
  });
}
