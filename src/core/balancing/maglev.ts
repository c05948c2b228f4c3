/**
 * Maglev (Eisenbud et al., NSDI 2016, section 3.4): a table that says for every hash whose it is.
 * Each backend goes through the places in an order of its own and takes the next that is free, one
 * after the other, as often as its weight says. So all have nearly the same number of places, and
 * when one goes nearly only its places move. The order comes from what the backend is called, not
 * from where it stands: balancers that know the same backends agree.
 */
import { mix } from '../base/hash.ts';
import type { Policy, PolicyDeps } from './balancing.ts';
import { ByKey, byName, type Placed, type Places } from './by-key.ts';

/** Places, a prime; with 100 for each backend, shares differ by 1 % at most. */
const PLACES = 65_537;
/** For more than 655 backends. */
const MANY_PLACES = 655_373;
/** The slots by place. Empty: nobody is there. `places`: how many, a prime. */
export function maglevTable(
  backends: readonly Placed[],
  places = backends.length * 100 > PLACES ? MANY_PLACES : PLACES,
): Int32Array {
  if (backends.length === 0) return new Int32Array(0);
  const sorted = byName(backends);
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

/** Each hash has the place of its remainder. */
export const PLACES_OF_TABLE: Places = {
  words: 1,
  placeOf: (placement, key) => key % placement.length,
  looks: 20,
};

/** Needs a `maglevTable` in the schedule. */
export function createMaglev(deps: PolicyDeps): Policy {
  return new ByKey(deps, PLACES_OF_TABLE);
}
