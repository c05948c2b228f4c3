import { describe, expect, it } from 'vitest';
import { civilTime, httpDate, two } from './civil.ts';
import { createRng } from './rng.ts';

const DAY_MS = 86_400_000;

function fromDate(wallMs: number) {
  const date = new Date(wallMs);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    weekday: date.getUTCDay(),
  };
}

describe('calendar time', () => {
  it('agrees with Date at random instants of ten thousand years', () => {
    const rng = createRng(1);
    for (let i = 0; i < 20_000; i++) {
      const days = rng.below(3_652_425) - 1_826_212;
      const wallMs = days * DAY_MS + rng.below(DAY_MS);
      expect(civilTime(wallMs)).toEqual(fromDate(wallMs));
    }
  });

  it('agrees with Date on every day of four centuries', () => {
    const wrong: number[] = [];
    const first = Date.UTC(1890, 0, 1) / DAY_MS;
    for (let day = first; day < first + 146_097; day++) {
      const { year, month, day: ofMonth, weekday } = civilTime(day * DAY_MS);
      const date = new Date(day * DAY_MS);
      const same =
        year === date.getUTCFullYear() &&
        month === date.getUTCMonth() + 1 &&
        ofMonth === date.getUTCDate() &&
        weekday === date.getUTCDay();
      if (!same) wrong.push(day);
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    ['2024-02-29T23:59:59Z', { month: 2, day: 29 }],
    ['2023-03-01T00:00:00Z', { month: 3, day: 1 }],
    ['2000-02-29T12:00:00Z', { month: 2, day: 29 }],
    ['2100-03-01T00:00:00Z', { month: 3, day: 1 }],
    ['1900-02-28T23:59:59Z', { month: 2, day: 28 }],
    ['1969-12-31T23:59:59Z', { year: 1969, second: 59, weekday: 3 }],
  ])('knows leap years and what was before 1970: %s', (text, expected) => {
    expect(civilTime(Date.parse(text))).toMatchObject(expected);
  });

  it('leaves fractions of a second out, also before 1970', () => {
    expect(civilTime(-0.5)).toEqual(fromDate(-1000));
    expect(civilTime(999.9)).toEqual(fromDate(0));
  });
});

describe('an HTTP date', () => {
  it('is written as RFC 9110 wants it', () => {
    expect(httpDate(784_111_777_000)).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
  });

  it('is what toUTCString gives', () => {
    const rng = createRng(2);
    for (let i = 0; i < 2000; i++) {
      const wallMs = rng.below(2 ** 31) * 1000 + rng.below(1000);
      expect(httpDate(wallMs)).toBe(new Date(wallMs).toUTCString());
    }
  });
});

describe('two digits', () => {
  it('are the least', () => {
    expect([0, 9, 10, 99, 100].map(two)).toEqual(['00', '09', '10', '99', '100']);
  });
});
