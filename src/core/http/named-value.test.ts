import { describe, expect, it } from 'vitest';
import { latin1 } from '../base/bytes.ts';
import { valueNamed } from './named-value.ts';

describe('a named value', () => {
  it.each([
    ['lb=1', 3],
    ['lb=', 3],
    ['lb==', 3],
  ])('begins in %s at %i', (text, at) => {
    expect(valueNamed(latin1(text), 0, text.length, 'lb')).toBe(at);
  });

  it.each(['', 'l', 'lb', 'LB=1', 'lbx=1', 'xlb=1', ' lb=1', 'lb =1'])('is not in %j', (text) => {
    expect(valueNamed(latin1(text), 0, text.length, 'lb')).toBe(-1);
  });

  it('is not looked for behind the end', () => {
    expect(valueNamed(latin1('a; lb=1'), 3, 5, 'lb')).toBe(-1);
  });
});
