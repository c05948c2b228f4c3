/**
 * How long to wait before trying again: full jitter (Brooker, "Exponential Backoff And Jitter", AWS
 * 2015). The bound doubles with each wait, and the wait is anything below it, so that those who
 * failed together do not come back together.
 */
import type { Rng } from '../base/rng.ts';

/**
 * Whole milliseconds from 0 to the bound, each equally likely. The bound: `baseMs`, doubled
 * `doublings` times, `maxMs` at most.
 */
export function fullJitterMs(rng: Rng, baseMs: number, maxMs: number, doublings: number): number {
  let boundMs = baseMs;
  for (let step = 0; step < doublings && boundMs < maxMs; step++) boundMs *= 2;
  return rng.below(Math.min(boundMs, maxMs) + 1);
}
