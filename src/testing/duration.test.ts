import { expect, it } from 'vitest';
import { type Duration, milliseconds } from './duration.ts';

it('is what a configuration takes for a duration', () => {
  expect(['5ms', '1.5s', '2m', '1h'].map((text) => milliseconds(text as Duration))).toEqual([
    5, 1500, 120_000, 3_600_000,
  ]);
  expect(() => milliseconds('5 seconds' as Duration)).toThrow('write 5s');
});

it('says what to write instead of what is no text', () => {
  const wrong = (given: unknown) => () => milliseconds(given as Duration);
  expect(wrong(5)).toThrow('5 has no unit; write 5s');
  expect(wrong(undefined)).toThrow('a duration is a text such as 500ms or 5s, not nothing');
  expect(wrong({})).toThrow('not a mapping');
});
