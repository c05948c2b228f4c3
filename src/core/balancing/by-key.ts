/**
 * Policies that go by a hash of the request: each hash has a place, each place a backend, and who
 * cannot be had leaves what is his to the next place's. Where the places are is what distinguishes
 * them (`maglev.ts`, `ring-hash.ts`).
 */
import { mix } from '../base/hash.ts';
import type { Policy, PolicyDeps } from './balancing.ts';
import { Room } from './bounded-load.ts';
import { type Loads, mayPick } from './loads.ts';
import type { Schedule } from './schedule.ts';

/** Of one backend: a slot, its weight, above 0, and two hashes of its name that are independent. */
export interface Placed {
  readonly slot: number;
  readonly weight: number;
  readonly hash: number;
  readonly otherHash: number;
}

/** The same order in whatever order they come: balancers that know the same ones agree. */
export const byName = (backends: readonly Placed[]): readonly Placed[] =>
  [...backends].sort((a, b) => a.hash - b.hash || a.otherHash - b.otherHash);

/** Where the places are in a schedule's placement, which is empty when nobody is there. */
export interface Places {
  /** Words of a place; the first one is the slot. */
  readonly words: number;
  /** Where in the placement the place of this key begins, a hash of 31 bits. */
  placeOf(placement: Int32Array, key: number): number;
  /**
   * Places that are looked at for each backend: whoever can be had is among them but for one in
   * e^20. With nobody left a walk through all of them would cost each request a part of a
   * millisecond.
   */
  readonly looks: number;
}

/**
 * Other places that a key has when its backend has no room: the next place's backend would get all
 * that is too much, and pass it on when it is too much for him (Chen et al., arXiv 1908.08762).
 */
const OTHER_PLACES = 8;

/** A request without a key goes to whose turn it is. */
export class ByKey implements Policy {
  private readonly loads: Loads;
  private readonly places: Places;
  /** null: as much as comes goes to the same backend. */
  private readonly room: Room | null;

  constructor({ loads, boundedLoad }: PolicyDeps, places: Places) {
    this.loads = loads;
    this.places = places;
    this.room = boundedLoad === null ? null : new Room(loads, boundedLoad);
  }

  pick(schedule: Schedule, tried: readonly number[], key: number): number {
    const { room } = this;
    if (room !== null) {
      const slot = this.withRoom(schedule, tried, key, room);
      if (slot !== -1) return slot;
    }
    const { placement } = schedule;
    if (key < 0 || placement.length === 0) return schedule.draw();
    return this.walk(schedule, tried, this.places.placeOf(placement, key), null);
  }

  /** Its own place's, the other places', the next ones', anybody; -1: nobody has room. */
  private withRoom(schedule: Schedule, tried: readonly number[], key: number, room: Room): number {
    const { loads, places } = this;
    const { placement, states } = schedule;
    room.look(schedule);
    if (key < 0 || placement.length === 0) return room.inTurn(schedule, tried);
    let hash = key;
    for (let other = 0; other <= OTHER_PLACES; other++) {
      const slot = placement[places.placeOf(placement, hash)];
      if (mayPick(loads, slot, states, tried) && room.has(slot)) return slot;
      hash = mix(hash + 1) >>> 1;
    }
    const slot = this.walk(schedule, tried, places.placeOf(placement, key), room);
    return slot === -1 ? room.anybody(schedule, tried) : slot;
  }

  /** From a place on, the first that can be had, and has room if that is asked for. */
  private walk(
    { placement, slots, states }: Schedule,
    tried: readonly number[],
    from: number,
    room: Room | null,
  ): number {
    const { words, looks } = this.places;
    const { length } = placement;
    let place = from;
    for (let left = Math.min(length, looks * slots.length); left > 0; left--) {
      const slot = placement[place];
      if (mayPick(this.loads, slot, states, tried) && (room === null || room.has(slot)))
        return slot;
      place = place + words === length ? 0 : place + words;
    }
    return -1;
  }
}
