import { describe, expect, it } from 'vitest';
import { passiveHealth } from './passive-health.ts';

const problems = (written: unknown): string[] =>
  passiveHealth.safeParse(written).error?.issues.map(({ message }) => message) ?? [];

describe('passive health as it is written', () => {
  it('is on with good defaults when nothing is said', () => {
    expect(passiveHealth.parse({})).toEqual({
      consecutive_failures: 5,
      failure_ratio: 0.5,
      minimum_requests: 20,
      interval: 10_000,
      slower_than: 0,
      ejection_time: 10_000,
      max_ejection_time: 300_000,
      max_ejected: 0.5,
    });
  });

  it('is a mapping: a switch is told what to write', () => {
    expect(problems(true)).toEqual([
      'expected a mapping, found true; ' +
        'write passive_health: {} for the defaults, or remove the key',
    ]);
  });

  it('takes shares from 0 to 1', () => {
    expect(problems({ failure_ratio: 50 })).toEqual([
      '50 is out of range; write a number from 0 to 1',
    ]);
    expect(problems({ max_ejected: 0 })).toEqual([
      '0 is out of range; write a number from 0.01 to 1',
    ]);
    expect(problems({ failure_ratio: 0.05, max_ejected: 1 })).toEqual([]);
  });
});
