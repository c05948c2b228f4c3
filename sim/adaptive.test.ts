/**
 * `adaptive` where policies that learn from latency are known to go wrong. Ten servers or so, of
 * four hands each; a service time is 10 ms, so that a second is 100.
 */
import { describe, expect, it } from 'vitest';
import type { PolicyName } from '../src/core/config.ts';
import { type QueueingOptions, type Seen, simulateQueues } from './queueing.ts';

const SECOND = 100;

const equals = (servers: number): number[] => new Array(servers).fill(1);

const run = (changes: Partial<QueueingOptions>, policy: PolicyName = 'adaptive') =>
  simulateQueues({
    policy,
    speeds: equals(10),
    hands: 4,
    load: 0.6,
    variation: 1,
    discipline: 'fifo',
    arrivals: 30_000,
    seed: 3,
    ...changes,
  });

/** All exchanges, in the order in which they ended. */
function seenIn(changes: Partial<QueueingOptions>, policy?: PolicyName): Seen[] {
  const all: Seen[] = [];
  run({ ...changes, watch: (seen) => all.push(seen) }, policy);
  return all;
}

const between = (all: readonly Seen[], from: number, to: number): Seen[] =>
  all.filter(({ arrived }) => arrived >= from && arrived < to);

const shareOf = (all: readonly Seen[], server: number): number =>
  all.filter((seen) => seen.server === server).length / all.length;

function quantile(all: readonly Seen[], q: number): number {
  const times = Float64Array.from(all, ({ time }) => time).sort();
  return times[Math.floor(q * times.length)];
}

describe('with adaptive', () => {
  it('one of twenty that fails at once has less than its share from the first second on', () => {
    const all = seenIn({ speeds: equals(20), broken: new Set([7]) });
    expect(shareOf(between(all, 0, SECOND), 7)).toBeLessThan(1 / 20);
    expect(shareOf(between(all, SECOND, 6 * SECOND), 7)).toBeLessThan(0.001);
  });

  it.each([
    [10, 0.6],
    [2, 0.45],
    [2, 0.7],
  ])('a pause of a second on one of %i, load %d, is over two seconds later', (servers, load) => {
    const pause = { server: 1, at: 5 * SECOND, lasts: SECOND };
    const arrivals = Math.round(40 * servers * load * SECOND);
    const all = seenIn({ speeds: equals(servers), load, pause, arrivals });
    const before = between(all, SECOND, 5 * SECOND);
    const after = between(all, 8 * SECOND, 10 * SECOND);
    expect(quantile(after, 0.99)).toBeLessThan(1.5 * quantile(before, 0.99));
    expect(quantile(after, 0.5)).toBeLessThan(1.5 * quantile(before, 0.5));
  });

  it('one that paused has its share again after half a minute, though others had room', () => {
    const pause = { server: 1, at: 5 * SECOND, lasts: SECOND };
    const all = seenIn({ pause, arrivals: 96_000 });
    const share = shareOf(between(all, 30 * SECOND, 40 * SECOND), 1);
    expect(share).toBeGreaterThan(0.05);
    expect(share).toBeLessThan(0.15);
  });

  // So are servers that mostly wait for others: what comes takes as long with many as with few.
  it.each([
    [10, 5],
    [3, 50],
  ])('one of %i with room for any number, %i on each, has its share after a pause', (n, each) => {
    const pause = { server: 0, at: 3 * SECOND, lasts: 0.2 * SECOND };
    const arrivals = n * each * 8 * SECOND;
    const all = seenIn({ speeds: equals(n), hands: 1000, load: each / 1000, pause, arrivals });
    const share = n * shareOf(between(all, 5 * SECOND, 8 * SECOND), 0);
    expect(Math.abs(share - 1)).toBeLessThan(0.2);
  });

  it('of two, each has half', () => {
    const { shares } = run({ speeds: equals(2) });
    expect(Math.abs(shares[0] - 0.5)).toBeLessThan(0.05);
  });

  it('a burst after a quiet minute is shared as if it had never been quiet', () => {
    const load = (now: number): number => (now > 5 * SECOND && now < 65 * SECOND ? 0.01 : 0.9);
    const all = seenIn({ load, arrivals: 42_000 });
    const first = between(all, 65 * SECOND, 66 * SECOND);
    const usual = between(all, 2 * SECOND, 5 * SECOND);
    expect(first.length).toBeGreaterThan(3000);
    for (let server = 0; server < 10; server++) {
      expect(Math.abs(shareOf(first, server) - 0.1)).toBeLessThan(0.03);
    }
    expect(quantile(first, 0.99)).toBeLessThan(1.5 * quantile(usual, 0.99));
  });

  it('a server of ten times the weight, ten times as fast, is not given to the other', () => {
    const all = seenIn({ speeds: [10, 1], weights: [10, 1], load: 0.9 * 5.5 });
    expect(shareOf(all, 1)).toBeLessThan(1 / 11);
    // The light one takes 10 times as long for each: the mean of both is 1.8.
    expect(quantile(all, 0.5)).toBeLessThan(1);
  });

  it('an error in a thousand, whoever gives it, starves nobody for long', () => {
    const { shares } = run({ mishaps: 0.001, arrivals: 120_000 });
    for (const share of shares) expect(share).toBeGreaterThan(0.03);
  });

  // Which is the comparison that the definition comes from, a hundred servers.
  it.each([
    ['one balancer', { balancers: 1, load: 0.65 }, 0.9],
    ['twenty balancers', { balancers: 20, load: 0.65 }, 0.5],
  ])('a fifth of all three times slower: p99 is better than by counting, %s', (_, of, part) => {
    const speeds = equals(100).map((speed, i) => (i < 20 ? speed / 3 : speed));
    const options = { ...of, speeds, arrivals: 40_000 };
    const counting = run(options, 'least_request').quantile(0.99);
    const peak = run(options, 'peak_ewma').quantile(0.99);
    const adaptive = run(options).quantile(0.99);
    expect(adaptive).toBeLessThan(part * counting);
    expect(adaptive).toBeLessThan(peak);
  });
});
