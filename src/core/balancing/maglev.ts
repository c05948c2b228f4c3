/**
 * Maglev (Eisenbud et al., NSDI 2016, section 3.4): a table that says for every hash whose it is.
 * Each backend goes through the places in an order of its own and takes the next that is free, one
 * after the other, as often as its weight says. So all have nearly the same number of places, and
 * when one goes nearly only its places move. The order comes from what the backend is called, not
 * from where it stands: balancers that know the same backends agree.
 */
import { mix } from '../base/hash.ts';
import type { Policy, PolicyDeps } from './balancing.ts';
import { type Loads, mayPick } from './loads.ts';
import type { Schedule } from './schedule.ts';

/** Places, a prime; with 100 for each backend, shares differ by 1 % at most. */
const PLACES = 65_537;
/** For more than 655 backends. */
const MANY_PLACES = 655_373;
/**
 * Looks at places, for each backend: whoever can be had is among them but for one in e^20. With
 * nobody left a walk through all places would cost each request a part of a millisecond.
 */
const LOOKS = 20;

/** Of one backend: a slot, its weight, and two hashes of its name that are independent. */
export interface Placed {
  readonly slot: number;
  readonly weight: number;
  readonly hash: number;
  readonly otherHash: number;
}

/** The slots by place. Empty: nobody is there. `places`: how many, a prime. */
export function maglevTable(
  backends: readonly Placed[],
  places = backends.length * 100 > PLACES ? MANY_PLACES : PLACES,
): Int32Array {
  if (backends.length === 0) return new Int32Array(0);
  // The same whatever order they are in.
  const sorted = [...backends].sort((a, b) => a.hash - b.hash || a.otherHash - b.otherHash);
  const turns = new Turns(sorted);
  const table = new Int32Array(places).fill(-1);
  const next = Int32Array.from(sorted, ({ hash }) => hash % places);
  const skip = Int32Array.from(sorted, ({ otherHash }) => 1 + (otherHash % (places - 1)));
  for (let left = places; left > 0; left--) {
    const i = turns.next();
    let place = next[i];
    while (table[place] !== -1) place = (place + skip[i]) % places;
    table[place] = sorted[i].slot;
    next[i] = (place + skip[i]) % places;
  }
  return table;
}

/**
 * Whose turn it is: in each round the heaviest, and of the others those that have come by a whole
 * turn since their last. When their first one comes is their own: of many that are owed less than
 * one place, as many get one as they are owed together. Each turn costs the same, however unequal
 * the weights are.
 */
class Turns {
  private readonly backends: readonly Placed[];
  private readonly heaviest: number;
  /** How many turns each has had. */
  private readonly had: Int32Array;
  /** Who has a turn in a round that is to come, first of a list; by round. */
  private readonly waiting = new Map<number, number>();
  private readonly after: Int32Array;
  /** Those of this round, last first. */
  private readonly due: number[] = [];
  private round = 0;

  constructor(backends: readonly Placed[]) {
    this.backends = backends;
    this.heaviest = backends.reduce((most, { weight }) => Math.max(most, weight), 0);
    this.had = new Int32Array(backends.length);
    this.after = new Int32Array(backends.length).fill(-1);
    for (let i = 0; i < backends.length; i++) this.wait(i);
  }

  next(): number {
    while (this.due.length === 0) {
      this.round += 1;
      let i = this.waiting.get(this.round) ?? -1;
      this.waiting.delete(this.round);
      for (; i !== -1; i = this.after[i]) this.due.push(i);
    }
    const i = this.due.pop()!;
    this.had[i] += 1;
    this.wait(i);
    return i;
  }

  private wait(i: number): void {
    const { weight, hash, otherHash } = this.backends[i];
    const phase = (mix(hash ^ otherHash) + 1) / 0x100000000;
    const round = Math.ceil(((this.had[i] + phase) * this.heaviest) / weight);
    this.after[i] = this.waiting.get(round) ?? -1;
    this.waiting.set(round, i);
  }
}

/** A request without a key goes to whose turn it is. */
export function createMaglev({ loads }: PolicyDeps): Policy {
  return new Maglev(loads);
}

class Maglev implements Policy {
  private readonly loads: Loads;

  constructor(loads: Loads) {
    this.loads = loads;
  }

  /** Whose place it is; who has gone since the table was made leaves it to the next place's. */
  pick(schedule: Schedule, tried: readonly number[], key: number): number {
    const { placement, states } = schedule;
    const { length } = placement;
    if (key < 0 || length === 0) return schedule.draw();
    let place = key % length;
    const looks = Math.min(length, LOOKS * schedule.slots.length);
    for (let i = 0; i < looks; i++) {
      const slot = placement[place];
      if (mayPick(this.loads, slot, states, tried)) return slot;
      place = place + 1 === length ? 0 : place + 1;
    }
    return -1;
  }
}
