import { describe, expect, it } from 'vitest';
import { createRng } from '../core/base/rng.ts';
import { Population, quantile, uniform } from './draws.ts';
import type { Distribution } from './scenario.ts';

const MANY = 200_000;

const meanOf = (distribution: Distribution): number => {
  let sum = 0;
  // In the middle of each step: as even as it gets.
  for (let n = 0; n < MANY; n++) sum += quantile(distribution, (n + 0.5) / MANY);
  return sum / MANY;
};

describe('service times', () => {
  it.each([
    ['constant', 1, 1],
    ['exponential', 4.605, 6.908],
    ['lognormal', 6.211, 13.33],
    ['pareto', 3.786, 9.51],
  ] as const)('%s: mean 1, one of a hundred takes %d, one of a thousand %d', (kind, p99, p999) => {
    expect(meanOf(kind)).toBeCloseTo(1, 2);
    expect(quantile(kind, 0.01)).toBeCloseTo(p99, 2);
    expect(quantile(kind, 0.001)).toBeCloseTo(p999, 2);
  });

  it.each(['constant', 'exponential', 'lognormal', 'pareto'] as const)(
    '%s: finite and never negative from end to end, and the smaller the number the longer',
    (kind) => {
      const ends = [1, 1 - 2 ** -32, 0.99, 0.5, 0.01, 2 ** -32].map((u) => quantile(kind, u));
      expect(ends.every((each) => Number.isFinite(each) && each >= 0)).toBe(true);
      expect([...ends].sort((a, b) => a - b)).toEqual(ends);
    },
  );
});

describe('a uniform number', () => {
  it('is above 0 and at most 1', () => {
    const at = (word: number): number => uniform({ ...createRng(1), next: () => word });
    expect([at(0), at(2 ** 32 - 1)]).toEqual([2 ** -32, 1]);
  });
});

describe('the population', () => {
  const counts = (popularity: 'uniform' | 'zipf', clients: number): number[] => {
    const population = new Population({ count: clients, popularity }, createRng(3));
    const found = new Array<number>(clients).fill(0);
    for (let n = 0; n < MANY; n++) found[population.next()]++;
    return found;
  };

  it('asks as often everybody', () => {
    for (const count of counts('uniform', 10)) expect(count / MANY).toBeCloseTo(0.1, 2);
  });

  it('asks the n-th as often as zipf says', () => {
    const harmonic = [1, 2, 3, 4, 5].reduce((sum, n) => sum + 1 / n, 0);
    counts('zipf', 5).forEach((count, n) => {
      expect(count / MANY).toBeCloseTo(1 / (n + 1) / harmonic, 2);
    });
  });

  it('has a hash of 31 bits for each, not the same', () => {
    const { hashes } = new Population({ count: 1000, popularity: 'uniform' }, createRng(1));
    expect(new Set(hashes).size).toBe(1000);
    expect(hashes.every((hash) => hash >= 0)).toBe(true);
  });
});
