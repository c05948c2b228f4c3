/**
 * What a share of recent times is below, without keeping them: each time moves the estimate up or
 * down a little, so that it rests where the two balance (Ma, Muthukrishnan and Sandler, "Frugal
 * Streaming for Estimating Quantiles", 2013; here in proportion to the estimate).
 */

/** Fewer times say nothing. */
const ENOUGH = 100;
/** How far a time moves the estimate, in proportion to it: at first, and when it is settled. */
const FIRST_GAIN = 0.5;
const GAIN = 0.05;
/** Nothing is estimated below this. */
const LEAST_MS = 1;

export class Quantile {
  /** The share, above 0 and below 1. */
  readonly q: number;
  private estimateMs = 0;
  private count = 0;

  constructor(q: number) {
    this.q = q;
  }

  /** In milliseconds, 1 or more; Infinity: not enough is known. */
  get valueMs(): number {
    return this.count < ENOUGH ? Number.POSITIVE_INFINITY : this.estimateMs;
  }

  /** Something took so long. */
  add(ms: number): void {
    if (this.count === 0) this.estimateMs = ms;
    const gain = this.count < ENOUGH ? FIRST_GAIN : GAIN;
    if (this.count < ENOUGH) this.count++;
    const step = ms > this.estimateMs ? this.q * gain : (this.q - 1) * gain;
    this.estimateMs = Math.max(LEAST_MS, this.estimateMs * (1 + step));
  }
}
