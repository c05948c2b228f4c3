/**
 * Two or three backends at random, never the same one: the better of two is nearly as good as the
 * best of all, and many that choose at once do not all choose the same (Mitzenmacher 2001). With
 * the same one allowed, a pool of two would send a quarter of its exchanges to the busier one.
 */
import { Dice } from '../base/dice.ts';
import type { Rng } from '../base/rng.ts';
import { type Loads, mayPick } from './loads.ts';
import type { Schedule } from './schedule.ts';

/** Draws more until somebody is looked for in order: most of those drawn cannot be had. */
const DRAWS = 8;

export class Choices {
  /** -1: nobody can be had. */
  first = -1;
  /** -1: nobody but the first. */
  second = -1;
  /** -1: nobody but the first two, or it was not asked for. */
  third = -1;
  private readonly loads: Loads;
  private readonly dice: Dice;

  constructor(loads: Loads, rng: Rng) {
    this.loads = loads;
    this.dice = new Dice(rng);
  }

  /** Draws two, in proportion to the weights. Allocates nothing. */
  drawTwo(schedule: Schedule, tried: readonly number[]): void {
    const { loads, dice } = this;
    const { states } = schedule;
    const first = schedule.any(dice);
    const second = schedule.any(dice);
    const differ = first !== second && first !== -1;
    if (differ && mayPick(loads, first, states, tried) && mayPick(loads, second, states, tried)) {
      this.first = first;
      this.second = second;
      this.third = -1;
      return;
    }
    this.first = this.second = this.third = -1;
    this.first = this.orAnother(first, schedule, tried);
    if (this.first !== -1) this.second = this.orAnother(second, schedule, tried);
  }

  /** Draws three, in proportion to the weights. Allocates nothing. */
  drawThree(schedule: Schedule, tried: readonly number[]): void {
    this.drawTwo(schedule, tried);
    // Of two there is no third: nobody need look for him.
    if (this.second === -1 || schedule.slots.length < 3) return;
    this.third = this.orAnother(schedule.any(this.dice), schedule, tried);
  }

  private orAnother(drawn: number, schedule: Schedule, tried: readonly number[]): number {
    const { slots, states } = schedule;
    if (this.mayBe(drawn, states, tried)) return drawn;
    for (let i = 0; i < DRAWS; i++) {
      const slot = schedule.any(this.dice);
      if (this.mayBe(slot, states, tried)) return slot;
    }
    const from = slots.length === 0 ? 0 : this.dice.throw(slots.length);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[(from + i) % slots.length];
      if (this.mayBe(slot, states, tried)) return slot;
    }
    return -1;
  }

  private mayBe(slot: number, states: number, tried: readonly number[]): boolean {
    if (slot === -1 || slot === this.first || slot === this.second) return false;
    return mayPick(this.loads, slot, states, tried);
  }
}
