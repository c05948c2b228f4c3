import { describe, expect, it } from 'vitest';
import { retries } from './retries.ts';

const problems = (written: unknown): string[] =>
  retries.safeParse(written).error?.issues.map(({ message }) => message) ?? [];

describe('retries as they are written', () => {
  it('are on with good defaults when nothing is said', () => {
    expect(retries.parse({})).toEqual({
      attempts: 1,
      on: [502, 503, 504, 'timeout'],
      backoff: 25,
      max_backoff: 250,
    });
  });

  it('are a mapping: a number is told what to write', () => {
    expect(problems(3)).toEqual([
      'expected a mapping, found 3; write retries: {} for the defaults, or remove the key',
    ]);
  });

  it('are few', () => {
    expect(problems({ attempts: 6 })).toEqual([
      '6 is out of range; write a whole number from 1 to 5',
    ]);
    expect(problems({ attempts: 0 })).toEqual([
      '0 is out of range; write 1 or more, or remove "retries": a lost connection alone is tried ' +
        'again',
    ]);
  });

  it('follow failures alone', () => {
    const forms = 'write a status from 400 to 599, such as 503, or timeout';
    expect(problems({ on: [200] })).toEqual([`200 is no failure; ${forms}`]);
    expect(problems({ on: ['5xx'] })).toEqual([
      `"5xx" is neither a status of a failure nor timeout; ${forms}`,
    ]);
    expect(problems({ on: 503 })).toEqual(['expected a list, found 503; write on: [503]']);
    expect(problems({ on: 'timeout' })).toEqual([
      'expected a list, found "timeout"; write on: [timeout]',
    ]);
    expect(problems({ on: true })).toEqual([
      'expected a list, found true; write on: [502, 503, 504, timeout]',
    ]);
    expect(retries.parse({ on: [429, '503', 'timeout'] }).on).toEqual([429, 503, 'timeout']);
    expect(retries.parse({ on: [] }).on).toEqual([]);
  });

  it('are timed in milliseconds, which a number without a unit is told', () => {
    expect(problems({ backoff: 25, max_backoff: '250', attempt_timeout: 1500 })).toEqual([
      '1500 has no unit; write 1500ms',
      '25 has no unit; write 25ms',
      '"250" has no unit; write 250ms',
    ]);
    expect(problems({ backoff: 0.5 })).toEqual(['0.5 has no unit; write 0.5s']);
  });

  it('have an attempt time out after more than nothing', () => {
    expect(problems({ attempt_timeout: '0s' })).toEqual([
      '"0s" is too short; write 1ms or more, or remove the key: then timeouts.response holds',
    ]);
  });
});
