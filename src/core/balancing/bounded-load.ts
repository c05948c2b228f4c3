/**
 * Bounded load (Mirrokni, Thorup, Zadimoghaddam, SODA 2018): of what is in flight no backend has
 * more than `factor` times its share, rounded up, so that a key that everybody asks for, or a bad
 * draw of places, does not drown one. Where the surplus goes is the policy's affair.
 */
import { type Loads, mayPick } from './loads.ts';
import type { Schedule } from './schedule.ts';

/**
 * Backends that are counted at each pick, one group after the other. Up to so many the sum is
 * exact; of n it is as old as n / 32 picks, in which a backend's share rises by 1/32 of an exchange
 * for each worker. A word for each pool would have to be corrected when a worker dies, and would
 * cost each exchange two atomic operations more; this reads what is in the table anyway.
 */
const COUNTED = 32;

/** Turns that are drawn until one with room is looked for in order. */
const DRAWS = 8;

/** Who of a pool has room for one more. */
export class Room {
  private readonly loads: Loads;
  /** Whole: so it is compared exactly. */
  private readonly percent: number;
  private schedule: Schedule | null = null;
  /** Of all the schedule's backends. */
  private weight = 0;
  /** By place in `slots`: what was in flight there when it was counted last. */
  private counted: Int32Array = new Int32Array(0);
  private inFlight = 0;
  private next = 0;

  /** `factor`: above 1, with two decimals at most. */
  constructor(loads: Loads, factor: number) {
    this.loads = loads;
    this.percent = Math.round(factor * 100);
  }

  /** Once for each pick, before anything is asked. Allocates only for a new schedule. */
  look(schedule: Schedule): void {
    if (schedule !== this.schedule) this.follow(schedule);
    const { loads, counted } = this;
    const { slots } = schedule;
    let { inFlight, next } = this;
    for (let left = Math.min(COUNTED, slots.length); left > 0; left--) {
      const busy = loads.busy(slots[next]);
      inFlight += busy - counted[next];
      counted[next] = busy;
      next = next + 1 === slots.length ? 0 : next + 1;
    }
    this.inFlight = inFlight;
    this.next = next;
  }

  /**
   * Whether it has fewer than max(1, ceil(factor x (in flight + 1) x weight / all weights)): a
   * whole number is below the ceiling of another if it is below that itself.
   */
  has(slot: number): boolean {
    const busy = this.loads.busy(slot);
    if (busy === 0) return true;
    const share = this.percent * (this.inFlight + 1) * this.loads.weight(slot);
    return busy * 100 * this.weight < share;
  }

  /** One whose turn it is among those with room; -1: nobody has any. */
  inTurn(schedule: Schedule, tried: readonly number[]): number {
    for (let draw = 0; draw < DRAWS; draw++) {
      const slot = schedule.draw();
      if (slot === -1) return -1;
      if (mayPick(this.loads, slot, schedule.states, tried) && this.has(slot)) return slot;
    }
    return this.anybody(schedule, tried);
  }

  /** Any that has room; -1: nobody has. Looks at all. */
  anybody({ slots, states }: Schedule, tried: readonly number[]): number {
    for (let i = 0; i < slots.length; i++) {
      if (mayPick(this.loads, slots[i], states, tried) && this.has(slots[i])) return slots[i];
    }
    return -1;
  }

  private follow(schedule: Schedule): void {
    const { loads } = this;
    const { slots } = schedule;
    this.schedule = schedule;
    this.counted = Int32Array.from(slots, (slot) => loads.busy(slot));
    this.inFlight = this.counted.reduce((sum, busy) => sum + busy, 0);
    this.weight = slots.reduce((sum, slot) => sum + loads.weight(slot), 0);
    this.next = 0;
  }
}
