/**
 * Gradient2: how many requests a server should have at once, judged by how much longer it takes to
 * answer now than it usually takes (Netflix concurrency-limits, Gradient2Limit). Pure arithmetic:
 * `adaptive-limit.ts` says when it is asked, and about what.
 */

export interface LimitBounds {
  readonly min: number;
  readonly max: number;
}

/** How much longer than usual is still no queue. */
const TOLERANCE = 1.5;
/** Requests that may wait at the server beside those it works on. */
const QUEUE = 4;
/** The share of a new estimate in the limit. */
const SMOOTHING = 0.2;
/** Samples over which the usual time is an exponential average. */
const LONG_WINDOW = 600;
/** Of the first ones it is the mean. */
const WARM_UP = 10;

export class Gradient2 {
  /** Not rounded; between the bounds. */
  limit: number;
  /** What an answer usually takes, ms; 0 before the first sample. */
  longMs = 0;
  private bounds: LimitBounds;
  private samples = 0;
  private sum = 0;

  constructor(limit: number, bounds: LimitBounds) {
    this.bounds = bounds;
    this.limit = this.within(limit);
  }

  /** Other bounds; what it knows stays. */
  bound(bounds: LimitBounds): void {
    this.bounds = bounds;
    this.limit = this.within(this.limit);
  }

  /** Within the bounds, the number next to this one. */
  within(limit: number): number {
    return Math.max(this.bounds.min, Math.min(this.bounds.max, limit));
  }

  /**
   * Answers took `shortMs` (above 0) of late, with so many requests in flight. Returns the
   * gradient, 0.5 to 1: below 1 it takes so much longer than usual that the limit comes down.
   */
  update(shortMs: number, inFlight: number): number {
    this.learn(shortMs);
    const longMs = this.longMs;
    // It was slow for long, and is not any more.
    if (longMs / shortMs > 2) this.longMs = longMs * 0.95;
    const gradient = Math.max(0.5, Math.min(1, (TOLERANCE * longMs) / shortMs));
    // With so few nobody knows whether it could do with more.
    if (inFlight < this.limit / 2) return gradient;
    const next = this.limit * gradient + QUEUE;
    this.limit = this.within(this.limit * (1 - SMOOTHING) + next * SMOOTHING);
    return gradient;
  }

  /** Answers take so much longer than usual, beyond what is tolerated, that there is a queue. */
  showsQueue(shortMs: number): boolean {
    return shortMs > TOLERANCE * this.longMs;
  }

  /** What an answer took becomes part of what it usually takes. */
  learn(shortMs: number): void {
    if (this.samples < WARM_UP) {
      this.samples++;
      this.sum += shortMs;
      this.longMs = this.sum / this.samples;
      return;
    }
    const weight = 2 / (LONG_WINDOW + 1);
    this.longMs = this.longMs * (1 - weight) + shortMs * weight;
  }

  /** It is known what it takes: what was learnt before does not count any more. */
  relearn(longMs: number): void {
    this.longMs = longMs;
    this.samples = WARM_UP;
  }
}
