import { describe, expect, it } from 'vitest';
import { configOf, ran, scenarioOf } from '../../../test/fixtures/scenario.ts';
import { frameOf } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { reportHtml } from './page.ts';

const pageOf = (scenario: Scenario, file = 'config.yaml'): string => {
  const results = scenario.policies.map((policy) => ran({ ...scenario, policies: [policy] }));
  return reportHtml({ scenario, frame: frameOf(scenario), results }, file);
};

const quick = { durationMs: 1000, policies: ['random', 'round_robin'] } as const;
const down: Scenario['events'] = [{ atMs: 500, kind: 'down', backend: 'server-2', isDown: true }];

describe('the report', () => {
  it('is the same for the same scenario', () => {
    expect(pageOf(scenarioOf(quick))).toBe(pageOf(scenarioOf(quick)));
  });

  it('needs nothing from anywhere', () => {
    const page = pageOf(scenarioOf(quick));
    expect(page).not.toMatch(/(src|href)=|url\(|@import|https?:/);
  });

  it('has a table for each part, and charts for policies and backends', () => {
    const page = pageOf(scenarioOf({ ...quick, events: down }));
    expect(page.match(/<table>/g)).toHaveLength(3);
    expect(page).toContain('<h2>0.5s to 1s: server-2 goes down</h2>');
    // p99, p50, in flight, and for each policy shares and what is in flight.
    expect(page.match(/<figure/g)).toHaveLength(3 + 2 * 2);
    expect(page).toContain('server-2 is suspect');
  });

  it('shows errors where there are any', () => {
    const service = { ...scenarioOf().service, errors: 0.5 };
    const page = pageOf(scenarioOf({ ...quick, service }));
    expect(page).toContain('Errors, of all requests');
    expect(page).toContain('<td class="bad">');
  });

  it('of many backends shows those of events, and the mean of the others', () => {
    const page = pageOf(scenarioOf({ ...quick, events: down }, configOf(12)));
    expect(page).toContain('mean of 11 others');
    expect(page).not.toContain('</i>server-1<');
  });

  it('keeps what others have named from meaning anything', () => {
    expect(pageOf(scenarioOf(quick), '<b>.yaml')).toContain('&lt;b>.yaml, pool default');
  });
});
