/**
 * Rendezvous (Thaler and Ravishankar 1998; with weights: Schindelhauer and Schomaker 2005): for
 * each key every backend draws a number, by its name, and the best one has the key. When one goes,
 * its keys go to all others by weight; when one comes, it takes of all alike; no other key moves.
 * There is no table to make anew, but every request looks at every backend.
 */
import { mixWith } from '../base/hash.ts';
import { ln } from '../base/math.ts';
import type { Policy, PolicyDeps } from './balancing.ts';
import { Room } from './bounded-load.ts';
import { byName, type Placed } from './by-key.ts';
import { type Loads, mayPick } from './loads.ts';
import type { Schedule } from './schedule.ts';

/** A backend's words in the placement: its slot, two hashes of its name. */
export const WORDS = 3;

/** What is asked of each backend at each pick. */
export function rendezvousTable(backends: readonly Placed[]): Int32Array {
  const words = byName(backends).map(({ slot, hash, otherHash }) => [slot, hash, otherHash]);
  return Int32Array.from(words.flat());
}

/** Needs a `rendezvousTable` in the schedule. A request without a key goes in turn. */
export function createRendezvous(deps: PolicyDeps): Policy {
  return new Rendezvous(deps);
}

const LEAST_DRAWN = -0x80000000;

/** A uniform number above 0 and below 1 of what was drawn, as an integer of 32 bits in order. */
const uniform = (drawn: number): number => (drawn + 0x80000000 + 0.5) / 0x100000000;

class Rendezvous implements Policy {
  private readonly loads: Loads;
  private schedule: Schedule | null = null;
  /** The greatest weight. */
  private heaviest = 1;
  /** null: as much as comes goes to the same backend. */
  private readonly room: Room | null;

  constructor({ loads, boundedLoad }: PolicyDeps) {
    this.loads = loads;
    this.room = boundedLoad === null ? null : new Room(loads, boundedLoad);
  }

  pick(schedule: Schedule, tried: readonly number[], key: number): number {
    const { room } = this;
    const isByKey = key >= 0 && schedule.placement.length > 0;
    if (room !== null) {
      room.look(schedule);
      const slot = isByKey ? this.best(schedule, tried, key, room) : room.inTurn(schedule, tried);
      if (slot !== -1) return slot;
    }
    return isByKey ? this.best(schedule, tried, key, null) : schedule.draw();
  }

  private follow(schedule: Schedule): void {
    const { placement } = schedule;
    this.schedule = schedule;
    this.heaviest = 1;
    for (let at = 0; at < placement.length; at += WORDS) {
      this.heaviest = Math.max(this.heaviest, this.loads.weight(placement[at]));
    }
  }

  /**
   * The one with the least -ln(u) / weight of those that can be had, and have room if asked. -ln(u)
   * is at least 1 - u: hardly any backend needs a look at more than an integer, or a logarithm.
   */
  private best(
    schedule: Schedule,
    tried: readonly number[],
    key: number,
    room: Room | null,
  ): number {
    if (schedule !== this.schedule) this.follow(schedule);
    const { placement, states } = schedule;
    const { loads, heaviest } = this;
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    let leastDrawn = LEAST_DRAWN;
    for (let at = 0; at < placement.length; at += WORDS) {
      const drawn = mixWith(key, placement[at + 1], placement[at + 2]) ^ 0x80000000;
      if (drawn < leastDrawn) continue;
      const slot = placement[at];
      const u = uniform(drawn);
      const weight = loads.weight(slot);
      if (1 - u >= least * weight || !mayPick(loads, slot, states, tried)) continue;
      const cost = -ln(u) / weight;
      if (cost >= least || (room !== null && !room.has(slot))) continue;
      best = slot;
      least = cost;
      // Whoever has drawn less does not win, whatever his weight.
      const needed = (1 - least * heaviest) * 0x100000000 - 0.5 - 0x80000000;
      leastDrawn = Math.max(LEAST_DRAWN, Math.floor(needed)) | 0;
    }
    return best;
  }
}
