/**
 * `prequal` as it was published (NSDI 2024): many balancers before a hundred servers, of which
 * neighbours on the same machines slow down now these, now those. The figures of the paper depend
 * on neighbours that nobody else has; what is repeated here is who is better than whom.
 */
import { describe, expect, it } from 'vitest';
import type { PolicyName } from '../src/core/config.ts';
import { type QueueingOptions, simulateQueues } from './queueing.ts';

const equals = (servers: number): number[] => new Array(servers).fill(1);

const run = (policy: PolicyName, changes: Partial<QueueingOptions>) =>
  simulateQueues({
    policy,
    speeds: equals(100),
    hands: 4,
    load: 0.7,
    variation: 1,
    discipline: 'fifo',
    arrivals: 40_000,
    seed: 3,
    ...changes,
  });

/** 90 % of what the servers can do while a fifth of them are three times slower. */
const NEIGHBOURS: Partial<QueueingOptions> = {
  load: 0.9 * (1 - (0.2 * 2) / 3),
  neighbours: { share: 0.2, slowness: 3, every: 50 },
};

describe('with twenty balancers and neighbours that move, prequal', () => {
  const many = { ...NEIGHBOURS, balancers: 20 };
  const p99 = (policy: PolicyName): number => run(policy, many).quantile(0.99);

  it('is before adaptive, which is before counting, which is before turns', () => {
    const inOrder = (['prequal', 'adaptive', 'least_request', 'round_robin'] as const).map(p99);
    expect([...inOrder].sort((a, b) => a - b)).toEqual(inOrder);
    // Nobody else sees what the other nineteen send.
    expect(inOrder[0]).toBeLessThan(0.8 * inOrder[1]);
  });
});

describe('with twenty balancers and few requests a second, prequal', () => {
  // Each backend answers each balancer not once in two seconds.
  const seldom = { ...NEIGHBOURS, balancers: 20, hands: 1, serviceMs: 500 };
  const header = run('prequal', seldom);
  const probed = run('prequal', { ...seldom, probesEvery: 1 });

  it('is better with probes than with what answers bring alone', () => {
    expect(probed.quantile(0.99)).toBeLessThan(0.75 * header.quantile(0.99));
    expect(probed.quantile(0.5)).toBeLessThan(0.75 * header.quantile(0.5));
  });

  it('is no worse with them where answers come all the time', () => {
    const often = { ...seldom, serviceMs: 10 };
    const without = run('prequal', often).quantile(0.99);
    expect(run('prequal', { ...often, probesEvery: 50 }).quantile(0.99)).toBeLessThan(without);
  });
});

describe('prequal', () => {
  it('is no worse than counting where all are alike', () => {
    const options = { load: 0.9, balancers: 20 };
    const counting = run('least_request', options).quantile(0.99);
    expect(run('prequal', options).quantile(0.99)).toBeLessThan(1.05 * counting);
  });

  it('of one balancer alone is worth little, and does no harm', () => {
    const options = { load: 0.9, balancers: 1 };
    const counting = run('least_request', options).quantile(0.99);
    expect(run('prequal', options).quantile(0.99)).toBeLessThan(1.2 * counting);
  });

  it('gives one that fails at once next to nothing, however idle it says it is', () => {
    const { shares } = run('prequal', { broken: new Set([7]) });
    expect(shares[7]).toBeLessThan(0.001);
  });

  it('starves nobody of ten that are alike', () => {
    const { shares } = run('prequal', { speeds: equals(10), balancers: 4 });
    for (const share of shares) expect(Math.abs(share - 0.1)).toBeLessThan(0.03);
  });
});
