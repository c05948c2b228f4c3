import { describe, expect, it } from 'vitest';
import { request } from '../../../test/fuzz/heads.ts';
import { toLatin1 } from '../base/bytes.ts';
import { createRng } from '../base/rng.ts';
import { takeCookies } from './cookies.ts';
import { Field } from './fields.ts';

/** What is taken from these Cookie fields, and what is left of each; null: nothing. */
function take(...cookies: readonly string[]): { taken: string[]; left: (string | null)[] } {
  const head = request('GET / HTTP/1.1', 'Host: a.test', ...cookies.map((c) => `Cookie:${c}`));
  const taken: string[] = [];
  takeCookies(head, 'lb', {
    taken: (bytes, start, end) => void taken.push(toLatin1(bytes, start, end)),
  });
  const left = cookies.map((_, i) => {
    if (head.id(i + 1) === Field.dropped) return null;
    return toLatin1(head.bytes, head.valueStart(i + 1), head.valueEnd(i + 1));
  });
  return { taken, left };
}

describe('our cookie', () => {
  it.each([
    ['lb=x', 'x', null],
    ['lb=x;', 'x', null],
    ['lb=x; a=1', 'x', 'a=1'],
    ['a=1; lb=x', 'x', 'a=1'],
    ['a=1; lb=x; b=2', 'x', 'a=1; b=2'],
    ['a=1;lb=x;b=2', 'x', 'a=1;b=2'],
    ['a=1;  lb=x;\tb=2;', 'x', 'a=1;\tb=2;'],
    ['lb=x; a=1;; b', 'x', 'a=1;; b'],
    ['lb=; a=1', '', 'a=1'],
    ['lb="x y"; a="1;2"', '"x y"', 'a="1;2"'],
    [`lb=x; long=${'y'.repeat(100)}`, 'x', `long=${'y'.repeat(100)}`],
  ])('is taken out of %j', (cookie, value, left) => {
    expect(take(` ${cookie}`)).toEqual({ taken: [value], left: [left] });
  });

  it('is taken as often as it is there, the first one first', () => {
    expect(take(' lb=1; a=1; lb=2', ' lb=3', ' b=2; lb=4')).toEqual({
      taken: ['1', '2', '3', '4'],
      left: ['a=1', null, 'b=2'],
    });
  });

  it.each(['', 'a=1', ';a=1', 'a=1;', '; ;', 'LB=x', 'lbx=1; xlb=2; x=lb=3', 'lb', 'a; lb ;b'])(
    'is not in %j, which stays as it is',
    (cookie) => {
      expect(take(cookie)).toEqual({ taken: [], left: [cookie] });
    },
  );

  it('is found and the rest kept wherever it stands among others', () => {
    const rng = createRng(3);
    const others = ['a=1', 'b="x"', 'c', '', 'lbl=0', 'd=lb=x'];
    for (let run = 0; run < 300; run++) {
      const parts = Array.from({ length: 1 + rng.below(5) }, () =>
        rng.chance(1, 3) ? 'lb=x' : others[rng.below(others.length)],
      );
      const rest = parts.filter((part) => part !== 'lb=x').join('; ');
      const isTaken = parts.includes('lb=x');
      const { taken, left } = take(` ${parts.join('; ')}`);
      expect(taken.length).toBe(parts.filter((part) => part === 'lb=x').length);
      // White space at the ends is no part of a field's value.
      const expected = isTaken && rest.trim() === '' ? null : rest.trim();
      expect(left[0]?.trim() ?? null).toBe(expected);
    }
  });
});
