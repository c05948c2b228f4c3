import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatDuration,
  formatSize,
  formatStatus,
  LONGEST_DURATION_MS,
  noUnit,
  parseDuration,
  parseSize,
  parseStatus,
} from './quantities.ts';

const problemOf = (result: object): string => ('problem' in result ? String(result.problem) : '');

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['5s', 5000],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['0.1h', 360_000],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toEqual({ value: ms });
  });

  it.each([
    ['5', 'write 5s'],
    ['5 s', 'write 5s'],
    ['5sec', 'write 5s'],
    ['10 Minutes', 'write 10m'],
    ['1h30m', 'write 90m'],
    ['1m30s', 'write 90s'],
    ['2d', 'write 48h'],
    ['-1s', 'is negative'],
    ['0.1ms', 'finer than a millisecond'],
    ['577h', 'the longest duration is 576h'],
    ['1s later', 'write a number and a unit'],
    ['five seconds', 'write a number and a unit'],
  ])('%s is refused with a remedy: %s', (text, remedy) => {
    expect(problemOf(parseDuration(text))).toContain(remedy);
  });

  it('reads back what it was formatted to', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LONGEST_DURATION_MS }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toEqual({ value: ms });
      }),
    );
  });

  it('takes a number without a unit in the thousands for milliseconds', () => {
    expect(noUnit(5)).toBe('5 has no unit; write 5s');
    expect(noUnit(1500)).toContain('1500ms if these are milliseconds');
  });

  it('takes one for milliseconds where these are usual, unless it is a part of one', () => {
    expect(noUnit(25, 'ms')).toBe('25 has no unit; write 25ms');
    expect(noUnit(0.5, 'ms')).toBe('0.5 has no unit; write 0.5s');
    expect(problemOf(parseDuration('25', 'ms'))).toBe('"25" has no unit; write 25ms');
  });
});

describe('a size', () => {
  it.each([
    [4096, 4096],
    ['4096', 4096],
    ['32KiB', 32_768],
    ['1MiB', 1_048_576],
    ['2GiB', 2_147_483_648],
  ])('%s is %d bytes', (written, bytes) => {
    expect(parseSize(written)).toEqual({ value: bytes });
  });

  it.each([
    ['32KB', 'write 32KiB'],
    ['32 k', 'write 32KiB'],
    ['1M', 'write 1MiB'],
    [1.5, 'a whole number of bytes'],
    ['99999999999GiB', 'too large'],
  ])('%s is refused with a remedy: %s', (written, remedy) => {
    expect(problemOf(parseSize(written))).toContain(remedy);
  });

  it('reads back what it was formatted to', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(1, 1024, 1024 ** 2), (count, unit) => {
        expect(parseSize(formatSize(count * unit))).toEqual({ value: count * unit });
      }),
    );
  });
});

describe('a status', () => {
  it.each([
    [200, [200, 200]],
    ['2xx', [200, 299]],
    ['3XX', [300, 399]],
    ['200-399', [200, 399]],
  ])('%s is the range %j', (written, range) => {
    expect(parseStatus(written)).toEqual({ value: range });
  });

  it.each([
    ['399-200', 'write 200-399'],
    ['1xx', 'from 200 to 599'],
    ['200, 204', 'write a list: [200, 204]'],
    ['ok', 'write 200, 2xx'],
  ])('%s is refused with a remedy: %s', (written, remedy) => {
    expect(problemOf(parseStatus(written))).toContain(remedy);
  });

  it('reads back what it was formatted to', () => {
    const status = fc.integer({ min: 200, max: 599 });
    fc.assert(
      fc.property(status, status, (a, b) => {
        const range = [Math.min(a, b), Math.max(a, b)] as const;
        expect(parseStatus(formatStatus(range))).toEqual({ value: range });
      }),
    );
  });
});
