/**
 * Chance for the hot path: a few operations on one small number, nothing allocated. Good enough to
 * choose by, not to be told from true chance by tests that are made for it.
 */
import { mix } from './hash.ts';
import type { Rng } from './rng.ts';

/** The golden ratio in 32 bits: steps of it come by every number. */
const STEP = 0x9e3779b9 | 0;

/** SplitMix with 32 bits of state (Steele et al., 2014); comes round after 2^32 throws. */
export class Dice {
  private state: number;

  constructor(rng: Rng) {
    this.state = rng.next() | 0;
  }

  /** A whole number in 0 .. sides - 1, each as likely but for sides / 2^32. */
  throw(sides: number): number {
    this.state = (this.state + STEP) | 0;
    return Math.floor((mix(this.state) * sides) / 0x100000000);
  }
}
