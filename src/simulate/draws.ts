/**
 * Chance: service times, arrivals, keys. Everything is drawn by inversion from one uniform number,
 * so that the same request is as heavy with every policy and on every backend.
 */
import { hashText } from '../core/base/hash.ts';
import { expOfNegative, ln } from '../core/base/math.ts';
import type { Rng } from '../core/base/rng.ts';
import type { Distribution, Keys } from './scenario.ts';

/** Above 0, up to 1, in steps of 2^-32. */
export const uniform = (rng: Rng): number => (rng.next() + 1) / 0x100000000;

/** At 2 and below it would have no variance. */
const PARETO_SHAPE = 2.5;
/** The deviation of the logarithm: one of a hundred takes 6 times the mean. */
const SIGMA = 1;

/**
 * How long a request takes, in mean times; `u`: above 0, up to 1, small ones are heavy.
 * - `constant`: 1;
 * - `exponential`: one of a hundred takes 4.6;
 * - `lognormal`: with deviation 1 of the logarithm, one of a hundred takes 6.2, of a thousand 13;
 * - `pareto`: of shape 2.5, one of a hundred takes 3.8, of a thousand 9.5, of a million 151.
 */
export function quantile(distribution: Distribution, u: number): number {
  switch (distribution) {
    case 'constant':
      return 1;
    case 'exponential':
      return -ln(u);
    case 'lognormal':
      return exp(SIGMA * deviation(u) - (SIGMA * SIGMA) / 2);
    case 'pareto':
      return ((PARETO_SHAPE - 1) / PARETO_SHAPE) * exp(-ln(u) / PARETO_SHAPE);
  }
}

const exp = (x: number): number => (x <= 0 ? expOfNegative(x) : 1 / expOfNegative(-x));

/** Coefficients of Acklam's rational approximation: relative error below 1.2e-9. */
const A = [
  -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
  2.506628277459239,
];
const B = [
  -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572,
  1,
];
const C = [
  -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734,
  4.374664141464968, 2.938163982698783,
];
const D = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
const TAIL = 0.02425;

const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduce((sum, each) => sum * x + each, 0);

/** How many standard deviations above the mean a normal variate is in `u` of all cases. */
function deviation(u: number): number {
  // The very last step has none above it.
  if (u > 1 - TAIL) return -tail(Math.max(1 - u, 1e-10));
  if (u < TAIL) return tail(u);
  const q = 0.5 - u;
  return (polynomial(A, q * q) * q) / polynomial(B, q * q);
}

function tail(p: number): number {
  const q = Math.sqrt(-2 * ln(p));
  return -polynomial(C, q) / polynomial(D, q);
}

/** Who asks next, and where a policy that goes by keys would put it. */
export class Population {
  /** Of each client: 31 bits, what a policy sees of its key. */
  readonly hashes: Int32Array;
  private readonly rng: Rng;
  /** How many of all requests come from this one and those before; null: all as often. */
  private readonly upTo: Float64Array | null;

  constructor({ count, popularity }: Keys, rng: Rng) {
    this.rng = rng;
    this.hashes = Int32Array.from({ length: count }, (_, n) => hashText(`client-${n}`) >>> 1);
    this.upTo = popularity === 'uniform' ? null : zipf(count);
  }

  next(): number {
    const { upTo, rng, hashes } = this;
    if (hashes.length === 1) return 0;
    if (upTo === null) return rng.below(hashes.length);
    const at = rng.next() / 0x100000000;
    let low = 0;
    let high = upTo.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (upTo[middle] > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function zipf(count: number): Float64Array {
  const upTo = new Float64Array(count);
  let sum = 0;
  for (let n = 0; n < count; n++) {
    sum += 1 / (n + 1);
    upTo[n] = sum;
  }
  return upTo.map((each) => each / sum);
}
