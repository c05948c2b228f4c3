import { describe, expect, it } from 'vitest';
import { PickingPool } from '../../../test/fixtures/picking-pool.ts';
import { hashText, mix, mixWith } from '../base/hash.ts';
import type { Placed } from './by-key.ts';
import { createRendezvous, rendezvousTable } from './rendezvous.ts';

const backend = (n: number): Placed => ({
  slot: n,
  weight: 1,
  hash: hashText(`server-${n}`),
  otherHash: hashText(`server-${n}`, 1),
});

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const keyOf = (n: number): number => mix(n + 1) >>> 1;

function poolOf(weights: readonly number[]): PickingPool {
  const place = (slots: readonly number[]): Int32Array =>
    rendezvousTable(slots.map((slot) => backend(slot)));
  const pool = new PickingPool(createRendezvous, 1, place);
  pool.rebuild(range(weights.length), weights);
  return pool;
}

describe('rendezvous', () => {
  it('picks the greatest -w / ln(u), as it is written', () => {
    const weights = [1, 7, 2, 30, 1, 4];
    const pool = poolOf(weights);
    for (let n = 0; n < 3000; n++) {
      const scores = weights.map((weight, i) => {
        const { hash, otherHash } = backend(i);
        return -weight / Math.log((mixWith(keyOf(n), hash, otherHash) + 0.5) / 2 ** 32);
      });
      expect(pool.pick([], keyOf(n))).toBe(scores.indexOf(Math.max(...scores)));
    }
  });

  it('gives shares by weight, within the noise of chance', () => {
    const weights = [5, 1, 1, 3];
    const pool = poolOf(weights);
    const counts = [0, 0, 0, 0];
    for (let n = 0; n < 50_000; n++) counts[pool.pick([], keyOf(n))] += 1;
    weights.forEach((weight, i) => {
      const fair = (50_000 * weight) / 10;
      expect(Math.abs(counts[i] - fair)).toBeLessThan(5 * Math.sqrt(fair));
    });
  });

  it('moves to a backend that becomes heavier only keys of others, to no one else any', () => {
    const [before, after] = [poolOf([1, 1, 1]), poolOf([1, 2, 1])];
    for (let n = 0; n < 3000; n++) {
      const now = after.pick([], keyOf(n));
      if (now !== 1) expect(before.pick([], keyOf(n))).toBe(now);
    }
  });

  it('tells names apart of which one hash is the same', () => {
    const pool = new PickingPool(createRendezvous, 1, () =>
      rendezvousTable([
        { slot: 0, weight: 1, hash: 77, otherHash: 1 },
        { slot: 1, weight: 1, hash: 77, otherHash: 2 },
      ]),
    );
    pool.rebuild([0, 1]);
    const first = range(1000).filter((n) => pool.pick([], keyOf(n)) === 0);
    expect(Math.abs(first.length - 500)).toBeLessThan(80);
  });
});
