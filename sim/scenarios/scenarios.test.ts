/** What policies and limits are for, shown by the whole balancer on pretended servers. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PolicyName } from '../../src/core/config.ts';
import { contestants, overloadRow, pageRow, stormRow } from './report.ts';
import type { Outcome, Scenario } from './scenario.ts';
import { overloads, scenarios, storms } from './scenarios.ts';
import { play } from './stage.ts';

const SEED = 7;

function find(name: string, changes: Partial<Scenario> = {}): Scenario {
  const found = [...scenarios, ...overloads, ...storms].find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario is called ${name}`);
  return { ...found, ...changes };
}

/** Shorter than in the page. */
const SHORT: Partial<Scenario> = { warmUpMs: 1000, lastsMs: 5000 };

const outcome = (name: string, policy: PolicyName, changes: Partial<Scenario> = {}): Outcome =>
  play(find(name, { ...SHORT, ...changes }), policy, SEED);

const p99 = (of: Outcome): number => of.quantile(0.99);

describe('where all are well', () => {
  it.each(contestants)('%s gives each its share, and nobody an error', (policy) => {
    const found = outcome('well', policy);
    expect(found.errors).toBe(0);
    expect(Math.abs(found.badShare - 0.1)).toBeLessThan(0.025);
    // 70 % of what they can do was asked for.
    expect(Math.abs(found.goodput - 0.7)).toBeLessThan(0.04);
    expect(found.amplification).toBeCloseTo(1, 2);
  });
});

describe('where one of ten takes ten times as long', () => {
  const slow = (policy: PolicyName): Outcome => outcome('one_slow', policy);

  it('round robin loses a tenth, and those who look lose next to nobody', () => {
    expect(slow('round_robin').errors).toBeGreaterThan(0.08);
    for (const policy of contestants.filter((name) => !BLIND.includes(name))) {
      const found = slow(policy);
      expect(found.errors).toBeLessThan(0.002);
      expect(found.badShare).toBeLessThan(0.03);
    }
  });

  it('peak_ewma and adaptive do as if it were not there', () => {
    for (const policy of ['peak_ewma', 'adaptive'] as const) {
      expect(p99(slow(policy))).toBeLessThan(1.15 * p99(outcome('well', policy)));
    }
  });
});

/** They do not look at what is in flight. */
const BLIND: readonly PolicyName[] = ['round_robin', 'random'];
/** One of each kind. */
const FEW: readonly PolicyName[] = ['round_robin', 'least_connections', 'adaptive'];

describe('where one of ten answers 500 at once', () => {
  it.each(['peak_ewma', 'adaptive', 'prequal'] as const)(
    '%s gives it less than its share within a second',
    (policy) => {
      expect(outcome('one_fails', policy, { lastsMs: 1000 }).badShare).toBeLessThan(0.02);
      expect(outcome('one_fails', policy).errors).toBeLessThan(0.001);
    },
  );

  it('draws what there is to those who only count, and to nobody with passive_health', () => {
    for (const policy of ['least_connections', 'least_request'] as const) {
      expect(outcome('one_fails', policy).errors).toBeGreaterThan(0.12);
    }
    for (const policy of FEW) {
      const found = outcome('one_fails_passive', policy);
      expect(found.errors).toBeLessThan(0.002);
    }
  });
});

describe('where one of ten', () => {
  it('answers nothing, passive_health makes errors few by turns, and adaptive needs it not', () => {
    const [alone, helped] = ['one_hangs', 'one_hangs_passive'].map(
      (name) => outcome(name, 'round_robin', { lastsMs: 10_000 }).errors,
    );
    expect(alone).toBeGreaterThan(0.08);
    expect(helped).toBeLessThan(0.02);
    expect(outcome('one_hangs', 'adaptive').errors).toBeLessThan(0.001);
  });

  it.each(FEW)('is out of reach or flaps, nobody is lost by %s', (policy) => {
    expect(outcome('black_hole', policy).errors).toBeLessThan(0.002);
    expect(outcome('flapping', policy, { lastsMs: 8000 }).errors).toBe(0);
  });
});

/** A twentieth of what comes teaches little in a second. */
const LONGER: Partial<Scenario> = { warmUpMs: 5000 };

describe('twenty balancers that know nothing of each other', () => {
  it('lose nobody by adaptive or prequal, and are far before those who count', () => {
    for (const name of ['twenty_balancers', 'twenty_moving']) {
      const counting = outcome(name, 'least_request', LONGER);
      for (const policy of ['adaptive', 'prequal'] as const) {
        const found = outcome(name, policy, LONGER);
        expect(found.errors).toBe(0);
        expect(p99(found)).toBeLessThan(0.8 * p99(counting));
      }
    }
  });
});

describe('twice what all servers can do', () => {
  it('without max_requests is answered too late, mostly', () => {
    expect(outcome('overload', 'round_robin').errors).toBeGreaterThan(0.55);
  });

  it.each([
    ['overload_none', 0.999, 5],
    ['overload_fifo', 0.999, 5],
    // What waits longer than 10 ms is found every 5 ms, where the queue stands.
    ['overload_adaptive', 0.99, 16],
    ['overload_adaptive_short', 0.99, 16],
  ])('is answered at 90 % of the peak or refused soon: %s', (name, q, withinMs) => {
    const found = outcome(name, 'round_robin');
    expect(found.goodput).toBeGreaterThan(0.9);
    expect(found.refused).toBeCloseTo(found.errors, 6);
    expect(found.refusedQuantile(q)).toBeLessThan(withinMs);
  });
});

describe('servers that reset', () => {
  it.each(['retry_storm', 'retry_storm_half'])('see 1.2 tries for each exchange: %s', (name) => {
    const found = outcome(name, 'round_robin', { lastsMs: 10_000 });
    // Each exchange earns a fifth of a retry; those of the warm-up have earned theirs as well.
    const earned = (1000 / 5 + 3) / found.exchanges;
    expect(found.amplification).toBeGreaterThan(1.15);
    expect(found.amplification).toBeLessThan(1.2 + earned);
  });
});

describe('the report', () => {
  it('is the same for the same seed, and another for another', () => {
    const [once, again, other] = [3, 3, 4].map((seed) => {
      const found = play(find('one_fails', SHORT), 'adaptive', seed);
      return [found.exchanges, found.errors, p99(found), found.badShare];
    });
    expect(again).toEqual(once);
    expect(other).not.toEqual(once);
  });

  it('is what docs/policies.md says: npm run sim -- scenarios --write', () => {
    const page = readFileSync(new URL('../../docs/policies.md', import.meta.url), 'utf8');
    for (const { title } of [...scenarios, ...overloads, ...storms]) {
      expect(page).toContain(`\n| ${title} | `);
    }
    expect(page).toContain(`${pageRow(find('one_slow'))}\n`);
    expect(page).toContain(`${overloadRow(find('overload_adaptive'))}\n`);
    expect(page).toContain(`${stormRow(find('retry_storm'))}\n`);
  });
});
