import { describe, expect, it } from 'vitest';
import { scenarioOf } from '../../test/fixtures/scenario.ts';
import type { ScenarioEvent } from './scenario.ts';
import {
  spellCount,
  spellEvent,
  spellLatency,
  spellService,
  spellShare,
  spellTime,
  spellTraffic,
  threeDigits,
} from './words.ts';

const NOON = 12 * 3_600_000;

describe('words of a simulation', () => {
  it('latencies have three digits', () => {
    expect([0, 0.5, 9.994, 9.996, 99.94, 99.96, 999.4, 999.6, 61_500].map(spellLatency)).toEqual([
      '-',
      '0.50 ms',
      '9.99 ms',
      '10.0 ms',
      '99.9 ms',
      '100 ms',
      '999 ms',
      '1.00 s',
      '61.5 s',
    ]);
  });

  it('large numbers are grouped', () => {
    expect([spellCount(999), spellCount(1_234_567), threeDigits(100_000)]).toEqual([
      '999',
      '1,234,567',
      '100,000',
    ]);
  });

  it('a few of many are not none', () => {
    expect([0, 0.000001, 0.00005, 0.0999, 1 / 3, 1].map(spellShare)).toEqual([
      '0.00 %',
      '< 0.01 %',
      '0.01 %',
      '9.99 %',
      '33.3 %',
      '100.0 %',
    ]);
  });

  it('times are of day, also past midnight and before it, or since the beginning', () => {
    expect([0, 90_500, 12 * 3_600_000].map((ms) => spellTime(ms, NOON))).toEqual([
      '12:00:00',
      '12:01:30',
      '00:00:00',
    ]);
    expect(spellTime(-1000, 0)).toBe('23:59:59');
    expect([0, 1500, 120_000, 150_000, -1000].map((ms) => spellTime(ms, null))).toEqual([
      '0s',
      '1.5s',
      '2m',
      '2m 30s',
      '-1s',
    ]);
  });

  it.each([
    [{ kind: 'slower', backend: 'a', factor: 5 }, 'a takes 5 times as long'],
    [{ kind: 'slower', backend: 'a', factor: 1 }, 'a is as fast as before'],
    [{ kind: 'down', backend: 'a', isDown: true }, 'a goes down'],
    [{ kind: 'down', backend: 'a', isDown: false }, 'a is back'],
    [{ kind: 'hangs', backend: 'a', hangs: true }, 'a hangs'],
    [{ kind: 'hangs', backend: 'a', hangs: false }, 'a goes on'],
    [{ kind: 'errors', backend: 'a', share: 0.5 }, 'a fails 50.0 %'],
    [{ kind: 'drain', backend: 'a' }, 'a is drained'],
    [{ kind: 'member', backend: 'a', isIn: true }, 'a is added'],
    [{ kind: 'member', backend: 'a', isIn: false }, 'a is removed'],
    [{ kind: 'reload', file: 'b.yaml' }, 'reload of b.yaml'],
    [{ kind: 'rate', perSecond: 1500 }, '1,500 requests/s'],
  ])('an event: %o', (event, words) => {
    expect(spellEvent({ atMs: 0, ...event } as ScenarioEvent)).toBe(words);
  });

  it('traffic and services are told in a line', () => {
    const timesMs = Float64Array.of(0, 1);
    const keys = Int32Array.of(0, 0);
    expect(spellTraffic(scenarioOf())).toBe('720 requests/s, poisson arrivals, for 10s');
    expect(spellTraffic(scenarioOf({ traffic: { kind: 'closed', clients: 64, thinkMs: 0 } }))).toBe(
      '64 clients that do not think, for 10s',
    );
    expect(spellTraffic(scenarioOf({ traffic: { kind: 'replay', timesMs, keys } }))).toBe(
      '2 recorded requests of 100 clients, for 10s',
    );
    const service = {
      meanMs: 5,
      distribution: 'pareto',
      concurrency: Infinity,
      errors: 0.1,
    } as const;
    expect(spellService(service)).toBe('5.00 ms, pareto, any number at once, 10.0 % errors');
  });
});
