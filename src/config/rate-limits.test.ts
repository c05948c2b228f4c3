import { describe, expect, it } from 'vitest';
import { formatRate, parseRate, toRateLimit } from './rate-limits.ts';
import { configSchema } from './schema.ts';

/** Every complaint about a route with this limit. */
function complaints(limit: unknown): string {
  const result = configSchema.safeParse({
    backends: ['http://localhost:9001'],
    routes: [{ pool: 'default', rate_limits: [limit] }],
  });
  return result.success ? '' : result.error.issues.map(({ message }) => message).join('; ');
}

describe('a rate', () => {
  it.each([
    ['100/s', 100, 1000],
    ['20/min', 20, 60_000],
    ['1/h', 1, 3_600_000],
    ['100000/s', 100_000, 1000],
  ])('%s is %i per %i ms, and is written so again', (text, requests, periodMs) => {
    expect(parseRate(text)).toEqual({ value: { requests, periodMs } });
    expect(formatRate({ requests, periodMs })).toBe(text);
  });

  it.each([
    ['100', 'does not say per what; write 100/s'],
    ['20/m', 'is not a rate; write 20/min'],
    ['20r/m', 'write 20/min'],
    ['5 per second', 'write 5/s'],
    ['010 / hours', 'write 10/h'],
    ['0/s', 'would let nothing through; write 100/s, 20/min or 1000/h'],
    ['10/d', 'is not a rate; write 100/s, 20/min or 1000/h'],
    ['1.5/s', 'is not a rate; write 100/s, 20/min or 1000/h'],
    ['fast', 'is not a rate'],
    ['100001/s', 'is too much; the most is 100000/s'],
    ['6000001/min', 'is too much; the most is 6000000/min'],
  ])('%s %s', (rate, says) => {
    expect(complaints({ rate })).toContain(says);
  });

  it('is no bare number', () => {
    expect(complaints({ rate: 100 })).toContain('100 does not say per what; write 100/s');
  });
});

describe('a rate limit', () => {
  it.each([
    ['user', 'is no part of a request; write all, client_address'],
    ['al', 'did you mean "all"?'],
    ['cookei:id', 'did you mean "cookie"?'],
    ['header:', 'does not say which; write header:NAME'],
  ])('by %s: %s', (key, says) => {
    expect(complaints({ rate: '1/s', key })).toContain(says);
  });

  it('needs a rate, and whole numbers', () => {
    expect(complaints({})).not.toBe('');
    expect(complaints('20/min')).toContain('write a mapping: - rate: 100/s');
    expect(complaints({ rate: '1/s', burst: 0 })).toContain('0 is out of range');
    expect(complaints({ rate: '1/s', burst: 2.5 })).toContain('2.5 is not a whole number');
    expect(complaints({ rate: '1/s', burst: 5, keys: 1000, key: 'path' })).toBe('');
  });

  it('has as much burst as the number in its rate, and 65,536 keys, or a single one', () => {
    const client = { key: { kind: 'client_address' } } as const;
    const twenty = { requests: 20, periodMs: 60_000 };
    expect(toRateLimit({ ...client, rate: twenty })).toEqual({
      ...twenty,
      ...client,
      burst: 20,
      keys: 65_536,
    });
    const many = { requests: 6_000_000, periodMs: 60_000 };
    const all = { kind: 'all' } as const;
    expect(toRateLimit({ rate: many, key: all })).toMatchObject({ burst: 1_000_000, keys: 1 });
  });
});
