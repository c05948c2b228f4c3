import { expect, it } from 'vitest';
import { callName, count, list, quote, spellAddress, spellDuration } from './wording.ts';

it('spells durations as people read them', () => {
  expect([0, 250.7, 999, 1000, 1500, 2000, 25_000].map(spellDuration)).toEqual([
    '0 ms',
    '250 ms',
    '999 ms',
    '1 s',
    '1.5 s',
    '2 s',
    '25 s',
  ]);
});

it('counts with the right ending', () => {
  expect([0, 1, 2].map((number) => count(number, 'backend'))).toEqual([
    '0 backends',
    '1 backend',
    '2 backends',
  ]);
});

it('puts IPv6 addresses in brackets', () => {
  expect(spellAddress('127.0.0.1', 80)).toBe('127.0.0.1:80');
  expect(spellAddress('::1', 80)).toBe('[::1]:80');
});

it('lists words', () => {
  expect(list([])).toBe('');
  expect(list(['a'])).toBe('a');
  expect(list(['a', 'b'])).toBe('a and b');
  expect(list(['a', 'b', 'c'])).toBe('a, b and c');
});

it('quotes foreign text, shortened, with nothing in it that a terminal would obey', () => {
  expect(quote('up', 2)).toBe('"up"');
  expect(quote('\x1b[2J\nready', 7)).toBe('".[2J.re..."');
  expect(quote('"\\', 9)).toBe('"\\"\\\\"');
});

it('names the pool of a backend unless it is the only usual one', () => {
  expect(callName('default', 'server-1')).toBe('server-1');
  expect(callName('api', 'server-1')).toBe('api/server-1');
});
