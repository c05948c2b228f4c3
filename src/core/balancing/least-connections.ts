/**
 * Least connections: the backend with the fewest exchanges in flight for its weight, with the one
 * that is to come, over all workers. Before that the one whose turn it is in round robin, if it has
 * nothing to do, and of equal ones: so an idle pool is served in strict order and by weight, nobody
 * is first always, and a light backend does not get all that comes while heavy ones have something.
 */
import { Dice } from '../base/dice.ts';
import type { Policy, PolicyDeps } from './balancing.ts';
import { type Loads, mayPick } from './loads.ts';
import type { Schedule } from './schedule.ts';

/** Larger pools are sampled: to look at all of them would take longer than it gains. */
const SCANNED = 256;
/** With so many choices hardly any is much worse than the best (Mitzenmacher 2001). */
const SAMPLES = 3;

/** Exact for up to 256 backends; the best of three at random above. */
export function createLeastConnections({ loads, rng }: PolicyDeps): Policy {
  return new LeastConnections(loads, new Dice(rng));
}

class LeastConnections implements Policy {
  private readonly loads: Loads;
  private readonly dice: Dice;

  constructor(loads: Loads, dice: Dice) {
    this.loads = loads;
    this.dice = dice;
  }

  pick(schedule: Schedule, tried: readonly number[]): number {
    if (schedule.slots.length > SCANNED) return this.sample(schedule, tried);
    const next = schedule.draw();
    const { loads } = this;
    const isIdle = next !== -1 && loads.busy(next) === 0;
    if (isIdle && mayPick(loads, next, schedule.states, tried)) return next;
    return this.scan(schedule, tried, next);
  }

  /** `next`: whose turn it is. */
  private scan({ slots, states }: Schedule, tried: readonly number[], next: number): number {
    const { loads } = this;
    let best = -1;
    let bestLoad = 0;
    let bestWeight = 1;
    let equals = 0;
    let nextIsBest = false;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      if (!mayPick(loads, slot, states, tried)) continue;
      const load = loads.busy(slot) + 1;
      const weight = loads.weight(slot);
      const difference = best === -1 ? -1 : load * bestWeight - bestLoad * weight;
      if (difference > 0) continue;
      if (difference < 0) {
        best = slot;
        bestLoad = load;
        bestWeight = weight;
        equals = 0;
        nextIsBest = false;
      }
      equals += 1;
      if (slot === next) nextIsBest = true;
    }
    if (nextIsBest) return next;
    return equals > 1 ? this.oneOf(equals, slots, states, tried, best) : best;
  }

  /** Of those that are as good as `best`, each with the same chance. */
  private oneOf(
    equals: number,
    slots: Int32Array,
    states: number,
    tried: readonly number[],
    best: number,
  ): number {
    const { loads } = this;
    const bestLoad = loads.busy(best) + 1;
    const bestWeight = loads.weight(best);
    let left = this.dice.throw(equals);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      if (!mayPick(loads, slot, states, tried)) continue;
      if ((loads.busy(slot) + 1) * bestWeight !== bestLoad * loads.weight(slot)) continue;
      if (left === 0) return slot;
      left -= 1;
    }
    // Another worker was faster.
    return best;
  }

  private sample(schedule: Schedule, tried: readonly number[]): number {
    const { loads, dice } = this;
    const { states, isEven } = schedule;
    let best = -1;
    let bestLoad = 0;
    let bestWeight = 1;
    for (let i = 0; i < SAMPLES; i++) {
      const slot = schedule.any(dice);
      if (!mayPick(loads, slot, states, tried)) continue;
      const load = loads.busy(slot);
      const weight = isEven ? 1 : loads.weight(slot);
      if (best !== -1 && load * bestWeight >= bestLoad * weight) continue;
      best = slot;
      bestLoad = load;
      bestWeight = weight;
    }
    // Most of them cannot be had: whoever has the next turn is asked whether he can.
    return best === -1 ? schedule.draw() : best;
  }
}
