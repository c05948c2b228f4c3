import { describe, expect, it } from 'vitest';
import { formatAfter, hedge } from './hedge.ts';

const problems = (written: unknown): string[] =>
  hedge.safeParse(written).error?.issues.map(({ message }) => message) ?? [];

describe('hedging as it is written', () => {
  it('goes by the slowest answers when nothing is said', () => {
    expect(hedge.parse({})).toEqual({ after: { afterMs: 0, quantile: 0.95 } });
  });

  it.each(['50ms', '2s', 'p80', 'p99'])('is read and written alike: %s', (after) => {
    expect(formatAfter(hedge.parse({ after }).after)).toBe(after);
  });

  it.each([
    ['p50', '"p50" is out of range; write p80 to p99'],
    ['p100', '"p100" is out of range; write p80 to p99'],
    ['0ms', '"0ms" is too short; write 1ms or more'],
    ['50', '"50" has no unit; write 50ms'],
    [50, '50 has no unit; write 50ms'],
    [-50, '-50 is negative; write a duration such as 5ms'],
    ['p99.9', '"p99.9" is no percentile here; write p80 to p99'],
    ['95%', '"95%" is no percentile here; write p95'],
    ['P95', '"P95" is no percentile here; write p95'],
    ['50 %', '"50 %" is no percentile here; write p80 to p99'],
    ['slow', '"slow" is no time; write 50ms, or p95'],
  ])('says what is wrong with %s', (after, problem) => {
    expect(problems({ after })).toEqual([problem]);
  });

  it('is a mapping: a switch is told what to write', () => {
    expect(problems(true)).toEqual([
      'expected a mapping, found true; write hedge: {after: 50ms}, or remove the key',
    ]);
  });
});
