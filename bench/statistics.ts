/** Several measurements of one thing, told in three numbers. */

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Median and extremes of at least one value. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, least: sorted[0]!, most: sorted.at(-1)! };
}
