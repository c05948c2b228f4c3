import { describe, expect, it } from 'vitest';
import { boundedLoad, formatHashKey, parseHashKey, policy } from './balancing.ts';

const problemOf = (text: string): string => {
  const result = parseHashKey(text);
  return 'problem' in result ? result.problem : '';
};

describe('a hash key', () => {
  it.each([
    'client_address',
    'host',
    'path',
    'header:x-user-id',
    'cookie:Session',
    'query:user[id]',
  ])('may be %s, and is written so again', (text) => {
    const result = parseHashKey(text);
    expect('value' in result && formatHashKey(result.value)).toBe(text);
  });

  it('takes header names in any case, and cookies as they are', () => {
    expect(parseHashKey('header:X-User')).toEqual({ value: { kind: 'header', name: 'x-user' } });
    expect(parseHashKey('cookie:SID')).toEqual({ value: { kind: 'cookie', name: 'SID' } });
  });

  it.each([
    ['client_adress', 'did you mean "client_address"?'],
    ['cookei:session', 'did you mean "cookie"?'],
    ['source', 'write client_address, host, path, header:NAME, cookie:NAME or query:NAME'],
    ['cookie', 'does not say which; write cookie:NAME'],
    ['header:', 'does not say which; write header:NAME'],
    ['header:a b', '"a b" can be no name of a header; write header:NAME'],
    ['query:größe', '"größe" can be no name of a query; write query:NAME'],
    ['query:a=b', '"a=b" can be no name of a query; write query:NAME'],
  ])('%s: %s', (text, says) => {
    expect(problemOf(text)).toContain(says);
  });
});

describe('bounded_load', () => {
  it.each([1.01, 1.1, 1.25, 2, 9.99, 10])('may be %d', (factor) => {
    expect(boundedLoad.parse(factor)).toBe(factor);
  });

  it.each([
    [1, '1 is out of range; write a number above 1, up to 10, such as 1.25'],
    [0, 'out of range'],
    [-2, 'out of range'],
    [11, 'out of range'],
    [125, '125 is out of range; for 125 percent write 1.25'],
    [1.256, '1.256 has more than two decimals; write 1.26'],
    [1.001, '1.001 has more than two decimals; write 1.01'],
    ['1.25', 'expected a number, found "1.25"; write one above 1, such as 1.25'],
    [Number.NaN, 'expected a number'],
  ])('%s: %s', (given, says) => {
    const { error } = boundedLoad.safeParse(given);
    expect(error?.issues[0].message).toContain(says);
  });
});

describe('policy', () => {
  it('is a word, or a function', () => {
    const choose = () => null;
    expect(policy.parse(undefined)).toBe('round_robin');
    expect(policy.parse('random')).toBe('random');
    expect(policy.parse(choose)).toBe(choose);
  });

  it.each([
    [
      '(candidates) => candidates[0]',
      'a function cannot be written in YAML or JSON; move the conf',
    ],
    [
      'function pickNearest',
      'a function cannot be written in YAML or JSON; move the configuration',
    ],
    ['round_robbin', '"round_robbin" is not known here; did you mean "round_robin"?'],
    ['function', 'a function cannot be written in YAML or JSON'],
    [5, 'expected a word, found 5; write round_robin, random'],
    [{}, 'expected a word, found a mapping; write round_robin, random'],
  ])('%j: %s', (given, says) => {
    expect(policy.safeParse(given).error?.issues[0].message).toContain(says);
  });
});
