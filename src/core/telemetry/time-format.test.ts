import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTimeFormat } from './time-format.ts';

const utc = () => createTimeFormat(() => 0);

describe('a time format', () => {
  it('agrees with Date on every time from year 0 to 9999', () => {
    const first = Date.parse('0000-01-01T00:00:00Z');
    fc.assert(
      fc.property(fc.integer({ min: first, max: Date.UTC(9999, 11, 31) }), (ms) => {
        expect(utc().iso(ms)).toBe(new Date(ms).toISOString());
      }),
      { numRuns: 2_000 },
    );
  });

  it('is not confused by what it remembers when time jumps forth and back', () => {
    const format = utc();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000 }), (ms) => {
        expect(format.iso(ms)).toBe(new Date(ms).toISOString());
        expect(format.clock(ms)).toBe(new Date(ms).toISOString().slice(11, 23));
      }),
    );
  });

  it('cuts fractions of a millisecond', () => {
    expect(utc().iso(1_999.999)).toBe('1970-01-01T00:00:01.999Z');
  });

  it('shows local time from the offset, over midnight both ways', () => {
    expect(createTimeFormat(() => 330).clock(Date.UTC(2026, 0, 1, 23, 0))).toBe('04:30:00.000');
    expect(createTimeFormat(() => -300).clock(Date.UTC(2026, 0, 1, 1, 0))).toBe('20:00:00.000');
  });

  it('asks for the offset anew as time goes on, so that summer time arrives', () => {
    let offset = 60;
    const format = createTimeFormat(() => offset);
    expect(format.clock(0)).toBe('01:00:00.000');
    offset = 120;
    expect(format.clock(1_000)).toBe('02:00:01.000');
  });
});
