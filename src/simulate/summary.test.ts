import { describe, expect, it } from 'vitest';
import { configOf, ran, scenarioOf } from '../../test/fixtures/scenario.ts';
import { frameOf } from './run.ts';
import type { Scenario } from './scenario.ts';
import { summaryText } from './summary.ts';

const told = (scenario: Scenario): string => {
  const results = scenario.policies.map((policy) => ran({ ...scenario, policies: [policy] }));
  return summaryText({ scenario, frame: frameOf(scenario), results }, 'config.yaml');
};

const quick = { durationMs: 1000 } as const;

describe('the summary', () => {
  it('has a row for each policy, and aligned columns', () => {
    const lines = told(scenarioOf({ ...quick, policies: ['random', 'round_robin'] })).split('\n');
    expect(lines.slice(0, 5)).toEqual([
      'config.yaml, pool default: 3 backends',
      'traffic: 720 requests/s, poisson arrivals, for 1s, seed 1',
      'service: 10.0 ms, exponential, 4 at once; all together can do 1,200/s',
      '',
      'all of it, 0s to 1s',
    ]);
    expect(lines[5]).toMatch(/policy +answers\/s +p50 +p90 +p99 +p99.9 +errors +retries +server-1/);
    expect(lines[6]).toMatch(/^ {2}random /);
    expect(lines[7]).toMatch(/^ {2}round_robin .* 33\.[34] % +33\.[34] % +33\.[34] %$/);
    expect(new Set(lines.slice(5, 8).map(({ length }) => length)).size).toBe(1);
  });

  it('says that a policy function of the pool is not among them', () => {
    const scenario = scenarioOf({ ...quick, policies: ['random'] });
    const text = told({ ...scenario, pool: { ...scenario.pool, policy: 'function' } });
    expect(text).toContain("policy: the pool's own is a function, which is not asked here");
  });

  it('tells the parts between events apart, and says what happened', () => {
    const text = told(
      scenarioOf({
        ...quick,
        startsAtMs: 3_600_000,
        services: new Map([['server-2', { ...scenarioOf().service, meanMs: 7 }]]),
        events: [{ atMs: 500, kind: 'down', backend: 'server-2', isDown: true }],
      }),
    );
    expect(text).toContain('\nserver-2: 7.00 ms, exponential, 4 at once\n');
    expect(text).toContain('\n01:00:00 to 01:00:00\n');
    expect(text).toContain('\n01:00:00 to 01:00:01: server-2 goes down\n');
    expect(text).toContain('\nall of it, 01:00:00 to 01:00:01\n');
    expect(text).toContain('what the log says with round_robin\n  01:00:00 server-2 is suspect: ');
  });

  it('names the errors below the table', () => {
    const service = { ...scenarioOf().service, errors: 1 };
    const text = told(scenarioOf({ ...quick, service }));
    expect(text).toMatch(/100\.0 %/);
    expect(text).toMatch(/\n {2}round_robin errors: \d+ status_500\n/);
  });

  it('of many backends shows those of events, and the least and the most share', () => {
    const events: Scenario['events'] = [
      { atMs: 500, kind: 'slower', backend: 'server-7', factor: 2 },
    ];
    const text = told(scenarioOf({ ...quick, events }, configOf(10)));
    expect(text).toMatch(/retries +server-7 +least share +most\n/);
    expect(text).not.toContain('server-1 ');
  });

  it('shows the whole alone where there are too many parts, and says so', () => {
    const events = Array.from({ length: 12 }, (_, n) => {
      return { atMs: (n + 1) * 50, kind: 'rate', perSecond: 500 } as const;
    });
    const text = told(scenarioOf({ ...quick, events }));
    expect(text.match(/policy/g)).toHaveLength(1);
    expect(text).toContain('(13 parts between events are too many to show one by one)');
  });
});
