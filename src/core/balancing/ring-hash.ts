/**
 * Ring hash (Karger et al. 1997; ketama): each backend has points on a ring, as many as its weight
 * says, and a key belongs to the first point at or after its own. The points come from what the
 * backend is called, so one that comes or goes moves its own keys and no others.
 *
 * The ring lies in a table with twice as many places as points, each point at the place where it
 * would be if all were evenly spread, or behind it. So a key's point is found in a few looks from
 * there, next to one another, however many there are.
 */
import { mixWith } from '../base/hash.ts';
import type { Policy, PolicyDeps } from './balancing.ts';
import { ByKey, byName, type Placed, type Places } from './by-key.ts';

/** For each unit of weight, as nginx has them: shares differ by 1 / sqrt(160), 8 %. */
const POINTS = 160;

/** Of all backends: 16 MB, and some tenths of a second of the control thread. */
const MOST_POINTS = 1 << 20;

/** Spreads the numbers of a backend's points over all bits. */
const STEP = 0x9e3779b9;

/** A place: a slot and a point. */
const WORDS = 2;

/** Places for each point: half of them are free, so that a point is near where it belongs. */
const SPACE = 2;

/** Places behind the last one that is anybody's: for those that do not lie where they belong. */
const MARGIN = 64;

/** Keys and points are below it. */
const ROUND = 0x80000000;

/** A point and the number of its backend are one number of 53 bits, to be sorted. */
const RANKS = 1 << 22;

/**
 * The places of the ring, in order. A free one is the next point's as well; those behind the last
 * point, up to the end of the ring, are the first point's. Empty: nobody is there. `most`: points,
 * about.
 */
export function ringTable(backends: readonly Placed[], most = MOST_POINTS): Int32Array {
  if (backends.length === 0) return new Int32Array(0);
  const sorted = byName(backends);
  const points = sortedPoints(sorted, most);
  const own = SPACE * points.length;
  const table = new Int32Array(WORDS * (own + MARGIN));
  const fill = (from: number, to: number, slot: number, point: number): void => {
    for (let place = from; place < to; place++) {
      table[WORDS * place] = slot;
      table[WORDS * place + 1] = point;
    }
  };
  let free = 0;
  for (const each of points) {
    const point = Math.floor(each / RANKS);
    const { slot } = sorted[each % RANKS];
    const place = Math.max(free, placeFor(point, own));
    // There is always room but for odds that do not come up.
    if (place >= own + MARGIN - 1) break;
    fill(free, place + 1, slot, point);
    free = place + 1;
  }
  fill(free, own + MARGIN, table[0], ROUND - 1);
  return table;
}

/** Where a point or key is if all are evenly spread over so many places. */
const placeFor = (point: number, own: number): number => Math.floor((point * own) / ROUND);

/** Each with the rank of its backend behind it; of equal ones the first backend's is first. */
function sortedPoints(backends: readonly Placed[], most: number): Float64Array {
  const counts = pointsOf(backends, most);
  const points = new Float64Array(counts.reduce((sum, count) => sum + count, 0));
  let at = 0;
  backends.forEach(({ hash, otherHash }, rank) => {
    for (let n = 0; n < counts[rank]; n++) {
      const point = mixWith(Math.imul(n, STEP), hash, otherHash) >>> 1;
      points[at++] = point * RANKS + rank;
    }
  });
  return points.sort();
}

/**
 * How many points each has: 160 for each unit of its weight, or in proportion as many as there is
 * room for, one at least. Of those that are owed a part of a point, as many get one as they are
 * owed together: so one backend more or less changes few of the others' points.
 */
function pointsOf(backends: readonly Placed[], most: number): readonly number[] {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  const scale = Math.min(POINTS, most / total);
  return backends.map(({ weight, hash, otherHash }) => {
    const chance = mixWith(0, otherHash, hash) / 0x100000000;
    return Math.max(1, Math.floor(weight * scale + chance));
  });
}

/** Each hash has the place of the first point at or after it. */
export const PLACES_OF_RING: Places = {
  words: WORDS,
  placeOf(placement, key) {
    let place = WORDS * placeFor(key, placement.length / WORDS - MARGIN);
    // The last place is at the end of the ring.
    while (placement[place + 1] < key) place += WORDS;
    return place;
  },
  looks: 20 * SPACE,
};

/** Needs a `ringTable` in the schedule. */
export function createRingHash(deps: PolicyDeps): Policy {
  return new ByKey(deps, PLACES_OF_RING);
}
