import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import {
  choice,
  decimal,
  duration,
  expected,
  flag,
  size,
  sizeOrUnlimited,
  text,
  whole,
} from './fields.ts';

const outcome = (schema: z.ZodType, value: unknown): unknown => {
  const result = schema.safeParse(value);
  return result.success ? result.data : result.error.issues[0].message;
};

describe('a field', () => {
  it('for a duration gives milliseconds, and says what to write instead of a number', () => {
    const field = duration('write more', 'How long.');
    expect(outcome(field, '1.5s')).toBe(1500);
    expect(outcome(field, 5)).toBe('5 has no unit; write 5s');
    expect(outcome(field, -5)).toBe('-5 is negative; write a duration such as 5s');
    expect(outcome(field, '0s')).toBe('"0s" is too short; write more');
    expect(outcome(duration(null, 'How long.'), '0s')).toBe(0);
  });

  it('for a size gives bytes within its bounds', () => {
    const field = size('1KiB', '1MiB', 'How much.');
    expect(outcome(field, '32KiB')).toBe(32_768);
    expect(outcome(field, 1024)).toBe(1024);
    expect(outcome(field, 1023)).toBe('1023 is too small; the least is 1KiB');
    expect(outcome(field, '2MiB')).toBe('2MiB is too large; the most is 1MiB');
    expect(outcome(field, true)).toContain('expected a size, found true');
  });

  it('for a size that may be unlimited gives null for that', () => {
    const field = sizeOrUnlimited('How much.');
    expect(outcome(field, 'unlimited')).toBeNull();
    expect(outcome(field, '1MiB')).toBe(1_048_576);
    expect(outcome(field, 0)).toBe('0 is no limit; write 10MiB, or unlimited');
    expect(outcome(field, 'off')).toBe('"off" is no limit; write 10MiB, or unlimited');
    expect(outcome(field, '1MB')).toBe('"1MB" is not a size; write 1MiB');
  });

  it('for a whole number has words for each way of being wrong', () => {
    const field = whole(1, 9, 'How many.', {
      below: 'too low',
      above: 'too high',
      fraction: 'half',
    });
    expect(outcome(field, 9)).toBe(9);
    expect(outcome(field, 0)).toBe('0 is out of range; too low');
    expect(outcome(field, 10)).toBe('10 is out of range; too high');
    expect(outcome(field, 1.5)).toBe('1.5 is not a whole number; half');
    expect(outcome(whole(1, 9, 'How many.'), 0)).toContain('write a whole number from 1 to 9');
  });

  it('for a number has bounds, and takes fractions', () => {
    const field = decimal(0, 1, 'Which share.', [0.5]);
    expect([outcome(field, 0), outcome(field, 0.25), outcome(field, 1)]).toEqual([0, 0.25, 1]);
    expect(outcome(field, 1.5)).toBe('1.5 is out of range; write a number from 0 to 1');
    expect(outcome(field, -1)).toBe('-1 is out of range; write a number from 0 to 1');
  });

  it('for one of a few words names them, or the nearest', () => {
    const field = choice(['text', 'json', 'auto'], 'Which.');
    expect(outcome(field, 'json')).toBe('json');
    expect(outcome(field, 'jsno')).toBe('"jsno" is not known here; did you mean "json"?');
    expect(outcome(field, 'xml')).toBe('"xml" is not known here; write text, json or auto');
    expect(outcome(field, [])).toBe('expected a word, found a list; write text, json or auto');
    expect(outcome(choice(['one'], 'Which.'), 'x')).toContain('write one, the only one');
  });

  it('for text refuses what its check finds wrong', () => {
    const field = text((given) => (given === 'bad' ? 'is bad' : null), {
      title: 't',
      description: '',
    });
    expect(outcome(field, 'good')).toBe('good');
    expect(outcome(field, 'bad')).toBe('is bad');
  });

  it('for a switch takes true and false alone', () => {
    expect(outcome(flag('On?'), true)).toBe(true);
    expect(flag('On?').safeParse('yes').success).toBe(false);
  });
});

it('has words for lists and mappings that are missing, empty or something else', () => {
  const words = expected('a list', 'one', 'missing; write one');
  expect(words({ input: undefined })).toBe('missing; write one');
  expect(words({ input: null })).toBe('has no value; write one');
  expect(words({ input: 5 })).toBe('expected a list, found 5; write one');
  expect(expected('a list')({ input: null })).toBeUndefined();
});
