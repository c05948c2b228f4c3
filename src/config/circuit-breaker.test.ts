import { describe, expect, it } from 'vitest';
import { circuitBreaker, fromCircuitBreaker, toCircuitBreaker } from './circuit-breaker.ts';

const problems = (written: unknown): string[] =>
  circuitBreaker.safeParse(written).error?.issues.map(({ message }) => message) ?? [];

describe('a circuit breaker as it is written', () => {
  it('is on with good defaults when nothing is said, and is written as it was read', () => {
    const read = toCircuitBreaker(circuitBreaker.parse({}));
    expect(read).toEqual({
      failureRatio: 0.5,
      minimumRequests: 20,
      intervalMs: 10_000,
      openMs: 5000,
    });
    expect(toCircuitBreaker(circuitBreaker.parse(fromCircuitBreaker(read)))).toEqual(read);
  });

  it('says what to write instead', () => {
    expect(problems(true)).toEqual([
      'expected a mapping, found true; ' +
        'write circuit_breaker: {} for the defaults, or remove the key',
    ]);
    expect(problems({ failure_ratio: 50 })).toEqual([
      '50 is out of range; write a number from 0.01 to 1',
    ]);
    expect(problems({ interval: '1ms' })).toEqual([
      '1ms is too short; write 10ms or more, or remove the key for the default',
    ]);
    expect(problems({ open_time: '0s' })).toEqual([
      '"0s" is too short; write 10ms or more, or remove the key for the default',
    ]);
  });
});
