/**
 * In a calm world where nobody stays on a backend, round robin is exact: by an own computation of
 * nginx's smooth order, which for equal weights is the configured order. Everybody is up there, so
 * that only the first level gets anything, and nobody starts slowly.
 */

import { isLimited } from '../options.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createFairness(world: World, fail: Fail): Checker {
  return new Fairness(world, fail);
}

class Fairness implements Checker {
  readonly name = 'fairness';
  private readonly fail: Fail;
  private readonly applies: boolean;
  /** Slots are claimed in configured order. */
  private readonly members: { readonly slot: number; readonly weight: number; gain: number }[];
  private picks = 0;

  constructor(world: World, fail: Fail) {
    this.fail = fail;
    const { calm, policy, weights, levels, sticky } = world.options;
    // A backend without room is passed over.
    this.applies = calm && policy === 'round_robin' && !isLimited(world.options) && sticky === null;
    const all = weights.map((weight, slot) => ({ slot, weight, gain: 0 }));
    this.members = all.filter(({ slot }) => levels[slot] === Math.min(...levels));
  }

  picked(slot: number): void {
    if (!this.applies) return;
    this.picks += 1;
    const expected = this.next();
    if (slot === expected) return;
    this.fail(`pick ${this.picks} went to slot ${slot}, the order says ${expected}`);
  }

  private next(): number {
    let [best] = this.members;
    for (const member of this.members) {
      member.gain += member.weight;
      if (member.gain > best.gain) best = member;
    }
    best.gain -= this.members.reduce((sum, { weight }) => sum + weight, 0);
    return best.slot;
  }
}
