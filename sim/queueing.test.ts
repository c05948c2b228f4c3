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

/**
 * Four standard errors, or what the published figure leaves open: figures for a few servers are
 * simulations themselves.
 */
function expectNear(
  found: { meanTime: number; standardError: number },
  published: number,
  tolerance: number,
): void {
  const allowed = Math.max(4 * found.standardError, tolerance * published);
  expect(Math.abs(found.meanTime - published)).toBeLessThan(allowed);
}

describe('the time in the system', () => {
  // M/M/1: 1 / (1 - load), for chance splits what arrives at random at random.
  it.each([
    [0.5, 2],
    [0.7, 3.3333],
    [0.8, 5],
    [0.9, 10],
  ])('is that of M/M/1 by random, load %d', (load, published) => {
    expectNear(run('random', { load }), published, 0.02);
  });

  // Each server of n in turn is E_n/M/1.
  it.each([
    [2, 0.7, 2.6006],
    [10, 0.5, 1.3246],
    [10, 0.7, 2.0198],
    [10, 0.9, 5.6603],
    [100, 0.7, 1.8905],
  ])('is that of E_n/M/1 by round robin, n = %i, load %d', (servers, load, published) => {
    const options = { speeds: equals(servers), load, arrivals: 400_000 };
    expectNear(run('round_robin', options), published, 0.015);
  });

  // The supermarket model, of two different ones, n finite.
  it.each([
    [10, 0.5, 1.2856],
    [10, 0.7, 1.6783],
    [10, 0.9, 2.9933],
    [100, 0.7, 1.621],
    [100, 0.9, 2.6489],
  ])('is the supermarket model by least request, n = %i, load %d', (servers, load, published) => {
    expectNear(run('least_request', { speeds: equals(servers), load }), published, 0.03);
  });

  // Join the shortest queue, ties at random.
  it.each([
    [10, 0.5, 1.0249],
    [10, 0.7, 1.1622],
    [10, 0.9, 1.9186],
    [100, 0.9, 1.0659],
  ])(
    'is that of the shortest queue by least connections, n = %i, load %d',
    (n, load, published) => {
      expectNear(run('least_connections', { speeds: equals(n), load }), published, 0.03);
    },
  );

  // Pollaczek and Khinchine: 1 + load (1 + variation) / (2 (1 - load)).
  it.each([
    [0, 2.1667],
    [4, 6.8333],
    [10, 13.833],
  ])('is that of M/G/1 one after the other, variation %i', (variation, published) => {
    expectNear(run('random', { variation, arrivals: 300_000 }), published, 0.02);
  });

  // M/G/1-PS does not depend on how long things take.
  it.each([0, 1, 4, 10])('is 1 / (1 - load) all at once, variation %i', (variation) => {
    expectNear(run('random', { variation, discipline: 'sharing' }), 3.3333, 0.03);
  });

  it('times what arrives is what is there (Little)', () => {
    for (const policy of ['random', 'least_connections', 'peak_ewma'] as const) {
      const { meanTime, meanNumber } = run(policy);
      expect(meanNumber / (7 * meanTime)).toBeCloseTo(1, 1);
    }
  });
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
