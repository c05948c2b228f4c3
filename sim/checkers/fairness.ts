/**
 * In a calm world where nobody stays on a backend, round robin is exact: by an own computation of
 * nginx's smooth order, which for equal weights is the configured order.
 */
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createFairness(world: World, fail: Fail): Checker {
  return new Fairness(world, fail);
}

class Fairness implements Checker {
  readonly name = 'fairness';
  private readonly fail: Fail;
  private readonly applies: boolean;
  private readonly weights: readonly number[];
  private readonly gains: number[];
  private picks = 0;

  constructor(world: World, fail: Fail) {
    this.fail = fail;
    const { calm, policy, maxRequests, sticky } = world.options;
    // A backend without room is passed over.
    this.applies = calm && policy === 'round_robin' && maxRequests === 0 && sticky === null;
    this.weights = world.options.weights;
    this.gains = this.weights.map(() => 0);
  }

  /** Slots are claimed in configured order. */
  picked(slot: number): void {
    if (!this.applies) return;
    this.picks += 1;
    const expected = this.next();
    if (slot === expected) return;
    this.fail(`pick ${this.picks} went to slot ${slot}, the order says ${expected}`);
  }

  private next(): number {
    let best = 0;
    this.weights.forEach((weight, i) => {
      this.gains[i] += weight;
      if (this.gains[i] > this.gains[best]) best = i;
    });
    this.gains[best] -= this.weights.reduce((sum, weight) => sum + weight, 0);
    return best;
  }
}
