/**
 * Maglev (Eisenbud et al., NSDI 2016, section 3.4): a table that says for every hash whose it is.
 * Each backend goes through the places in an order of its own and takes the next that is free, one
 * after the other, as often as its weight says. So all have nearly the same number of places, and
 * when one goes nearly only its places move. The order comes from what the backend is called, not
 * from where it stands: balancers that know the same backends agree.
 */
import type { Loads, Policy, PolicyDeps } from './balancing.ts';
import type { Schedule } from './schedule.ts';

/** Places, a prime; with 100 for each backend, shares differ by 1 % at most. */
const PLACES = 65_537;
/** For more than 655 backends. */
const MANY_PLACES = 655_373;

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
  const heaviest = sorted.reduce((most, { weight }) => Math.max(most, weight), 0);
  const table = new Int32Array(places).fill(-1);
  const next = Int32Array.from(sorted, ({ hash }) => hash % places);
  const skip = Int32Array.from(sorted, ({ otherHash }) => 1 + (otherHash % (places - 1)));
  /** What each is owed of a turn, times the heaviest weight. */
  const owed = new Float64Array(sorted.length);
  let left = places;
  for (;;) {
    for (let i = 0; i < sorted.length; i++) {
      owed[i] += sorted[i].weight;
      if (owed[i] < heaviest) continue;
      owed[i] -= heaviest;
      let place = next[i];
      while (table[place] !== -1) place = (place + skip[i]) % places;
      table[place] = sorted[i].slot;
      next[i] = (place + skip[i]) % places;
      left -= 1;
      if (left === 0) return table;
    }
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
    for (let i = 0; i < length; i++) {
      const slot = placement[place];
      const wasTried = tried.length > 0 && tried.includes(slot);
      if (!wasTried && this.loads.isIn(slot, states)) return slot;
      place = place + 1 === length ? 0 : place + 1;
    }
    return -1;
  }
}
