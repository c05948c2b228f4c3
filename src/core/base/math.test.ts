import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expOfNegative, gcd, ln } from './math.ts';

/** Relative to the runtime's own, which is right to the last bit or two. */
const error = (ours: number, theirs: number): number =>
  theirs === 0 ? Math.abs(ours) : Math.abs(ours / theirs - 1);

describe('functions made of + - * /', () => {
  it('e^x is right to twelve digits for x <= 0', () => {
    expect(expOfNegative(0)).toBe(1);
    fc.assert(
      fc.property(fc.double({ min: -690, max: 0, noNaN: true }), (x) => {
        expect(error(expOfNegative(x), Math.exp(x))).toBeLessThan(1e-12);
      }),
    );
  });

  it('e^x is 0 where nothing is left of it', () => {
    expect([-700, -1e9, Number.NEGATIVE_INFINITY].map(expOfNegative)).toEqual([0, 0, 0]);
  });

  it('ln is right to twelve digits', () => {
    expect(ln(1)).toBe(0);
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
        expect(Math.abs(ln(x) - Math.log(x))).toBeLessThan(1e-12 * (1 + Math.abs(Math.log(x))));
      }),
    );
  });
});

it('finds the greatest common divisor', () => {
  expect([gcd(12, 18), gcd(5, 3), gcd(0, 4), gcd(4, 0), gcd(7, 7)]).toEqual([6, 1, 4, 4, 7]);
});
