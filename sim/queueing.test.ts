/** What the model does by itself; what theory knows of it is in `oracles/`. */
import { describe, expect, it } from 'vitest';
import type { PolicyName } from '../src/core/config.ts';
import { type QueueingOptions, simulateQueues } from './queueing.ts';

const equals = (servers: number): number[] => Array.from({ length: servers }, () => 1);

const run = (policy: PolicyName, options: Partial<QueueingOptions> = {}) =>
  simulateQueues({
    policy,
    speeds: equals(10),
    load: 0.7,
    variation: 1,
    discipline: 'fifo',
    arrivals: 150_000,
    seed: 5,
    ...options,
  });

describe('one of ten servers', () => {
  const slow = [...equals(9), 0.1];

  it('ten times slower is given less by those who look, and halves p99 or better', () => {
    const options = { speeds: slow, load: 0.5, arrivals: 100_000 };
    const byTurn = run('round_robin', options);
    for (const policy of ['least_connections', 'least_request', 'peak_ewma'] as const) {
      const found = run(policy, options);
      expect(found.shares[9]).toBeLessThan(0.05);
      expect(found.quantile(0.99)).toBeLessThan(byTurn.quantile(0.99) / 2);
    }
  });

  it('that fails at once draws what is there to those who count, and not to peak EWMA', () => {
    const broken = new Set([9]);
    expect(run('least_request', { broken }).errors).toBeGreaterThan(0.12);
    expect(run('peak_ewma', { broken }).errors).toBeLessThan(0.01);
  });
});

it('gives the same figures for the same seed, and others for another', () => {
  const once = run('peak_ewma', { arrivals: 20_000 });
  const again = run('peak_ewma', { arrivals: 20_000 });
  expect([again.meanTime, again.shares]).toEqual([once.meanTime, once.shares]);
  expect(run('peak_ewma', { arrivals: 20_000, seed: 6 }).meanTime).not.toBe(once.meanTime);
});

it.each(['random', 'round_robin', 'least_connections', 'least_request', 'peak_ewma'] as const)(
  'by %s, twenty balancers that see a twentieth each give every server its share',
  (policy) => {
    const { shares } = run(policy, { balancers: 20, arrivals: 100_000 });
    for (const share of shares) expect(Math.abs(share - 0.1)).toBeLessThan(0.01);
  },
);
