/**
 * Functions that runtimes may compute differently in the last bit, made of + - * / alone, so that a
 * simulation is the same everywhere; and a choice that needs no branch.
 */

/** Here and below e^x is taken for 0. */
const NOTHING = -700;

/** Terms of the series: at 0.5 the next one is below 2^-53. */
const TERMS = 14;
const RECIPROCALS = Float64Array.from({ length: TERMS + 1 }, (_, term) => 1 / term);

/** e^x for x <= 0, to twelve digits; 0 below -700. */
export function expOfNegative(x: number): number {
  if (x <= NOTHING) return 0;
  let part = x;
  let squarings = 0;
  while (part < -0.5) {
    part /= 2;
    squarings += 1;
  }
  let sum = 1;
  for (let term = TERMS; term > 0; term--) sum = 1 + part * sum * RECIPROCALS[term];
  for (; squarings > 0; squarings--) sum *= sum;
  return sum;
}

/** Terms of the series: with z at most 0.172 the next one is below 2^-53. */
const LN_TERMS = 11;

/** The natural logarithm of x > 0, to twelve digits. */
export function ln(x: number): number {
  let part = x;
  let doublings = 0;
  while (part > Math.SQRT2) {
    part /= 2;
    doublings += 1;
  }
  while (part < Math.SQRT1_2) {
    part *= 2;
    doublings -= 1;
  }
  // ln(m) = 2 artanh((m - 1) / (m + 1))
  const z = (part - 1) / (part + 1);
  let sum = 0;
  for (let term = LN_TERMS; term >= 0; term--) sum = sum * z * z + 1 / (2 * term + 1);
  return doublings * Math.LN2 + 2 * z * sum;
}

/**
 * `first`, or `second` if `isSecond`, which is 0 or 1. Without a branch: where nobody can foresee
 * which it is, a processor that guesses wrong throws away all that it has begun. Of 32 bits.
 */
export const either = (first: number, second: number, isSecond: number): number =>
  first ^ ((first ^ second) & -isSecond);

/** The greatest number that divides both; whole, not negative. Of 0 and another: the other. */
export const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
