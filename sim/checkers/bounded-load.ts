/**
 * In a calm world nobody is sent more than `bounded_load` allows: by an own count of what is in
 * flight, when everybody is up, so that only the first level gets anything, and nothing is tried
 * twice.
 */

import { isLimited } from '../options.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createBoundedLoad(world: World, fail: Fail): Checker {
  return new BoundedLoad(world, fail);
}

class BoundedLoad implements Checker {
  readonly name = 'bounded load';
  private readonly world: World;
  private readonly fail: Fail;
  /** null: there is nothing to see. */
  private readonly bound: number | null;

  constructor(world: World, fail: Fail) {
    this.world = world;
    this.fail = fail;
    const { calm, boundedLoad, sticky } = world.options;
    // When only those above their share may have one more, they get it; a cookie goes before it.
    const isJudged = calm && !isLimited(world.options) && sticky === null;
    this.bound = isJudged ? boundedLoad : null;
  }

  /** Slots are claimed in configured order. The exchange is in flight there already. */
  picked(slot: number): void {
    const { bound, world } = this;
    if (bound === null) return;
    const { levels } = world.options;
    const first = Math.min(...levels);
    const weights = world.options.weights.map((each, i) => (levels[i] === first ? each : 0));
    const { table } = world.balancer;
    const busy = weights.map((_, each) => table.inFlight(each));
    const all = sum(busy);
    const most = Math.max(1, Math.ceil((bound * all * weights[slot]) / sum(weights) - 1e-9));
    if (busy[slot] <= most) return;
    const what = `slot ${slot} has ${busy[slot]} of ${all} in flight, and the most is ${most}`;
    this.fail(what);
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
