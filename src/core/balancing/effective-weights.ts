/**
 * Weights of a pool whose levels get parts of its exchanges: whole numbers, so that schedules stay
 * exact, in proportion to the level's part and, within it, to what each backend weighs.
 */
import { gcd } from '../base/math.ts';

/** The heaviest of them. Where that is too little for exact parts, they are rounded. */
const MOST = 1_000_000;

export interface Weighted {
  readonly level: number;
  /** Within its level; whole, 1 or more. */
  readonly weight: number;
}

/**
 * The weight of each of `backends`: whole, 1 to 1,000,000. With a single level they stay as they
 * are. `shares`: level -> its part of the exchanges; whole, 1 to 100, one for every level there is.
 */
export function effectiveWeights(
  backends: readonly Weighted[],
  shares: ReadonlyMap<number, number>,
): number[] {
  if (shares.size < 2) return bounded(backends.map(({ weight }) => weight));
  const divisors = byLevel(backends, gcd);
  const sums = byLevel(backends, (a, b) => a + b);
  const parts = [...sums].map(([level, sum]) => sum / divisors.get(level)!);
  const multiple = parts.reduce((common, part) => (common / gcd(common, part)) * part, 1);
  // What is below is exact up to 2^53.
  const isExact = multiple <= MOST * MOST;
  const scaled = backends.map(({ level, weight }) => {
    const divisor = divisors.get(level)!;
    const one = isExact ? multiple / (sums.get(level)! / divisor) : divisor / sums.get(level)!;
    return (weight / divisor) * shares.get(level)! * one;
  });
  const divisor = isExact ? scaled.reduce(gcd) : 1;
  return bounded(scaled.map((weight) => weight / divisor));
}

function byLevel(
  backends: readonly Weighted[],
  join: (a: number, b: number) => number,
): ReadonlyMap<number, number> {
  const result = new Map<number, number>();
  for (const { level, weight } of backends) {
    const before = result.get(level);
    result.set(level, before === undefined ? weight : join(before, weight));
  }
  return result;
}

/** As they are, or scaled so that the heaviest has the largest weight there is. */
function bounded(weights: number[]): number[] {
  const heaviest = weights.reduce((a, b) => Math.max(a, b), 0);
  if (heaviest <= MOST && weights.every(Number.isInteger)) return weights;
  return weights.map((weight) => Math.max(1, Math.round((weight / heaviest) * MOST)));
}
