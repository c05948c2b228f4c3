/**
 * What policies compare, told beside them: for people who ask why, never while traffic runs. The
 * test holds each of them against what its policy picks.
 */
import { mixWith } from '../base/hash.ts';
import { ln } from '../base/math.ts';
import type { PolicyName } from '../config.ts';
import type { Places } from './by-key.ts';
import type { Loads } from './loads.ts';
import { PLACES_OF_TABLE } from './maglev.ts';
import { WORDS } from './rendezvous.ts';
import { PLACES_OF_RING } from './ring-hash.ts';
import type { Schedule } from './schedule.ts';

/** Of a slot: less is better. `key`: of 31 bits, or -1. */
type Score = (slot: number, loads: Loads, schedule: Schedule, key: number) => number | null;

/** A number for each backend by which these policies choose; the others have none. */
export const scores: Partial<Record<PolicyName, Score>> = {
  least_connections: (slot, loads) => (loads.busy(slot) + 1) / loads.weight(slot),
  least_request: (slot, loads) => loads.busy(slot) / loads.weight(slot),
  rendezvous: (slot, loads, { placement }, key) => {
    if (key < 0) return null;
    for (let at = 0; at < placement.length; at += WORDS) {
      if (placement[at] !== slot) continue;
      const u = (mixWith(key, placement[at + 1], placement[at + 2]) + 0.5) / 0x100000000;
      return -ln(u) / loads.weight(slot);
    }
    return null;
  },
};

const places: Partial<Record<PolicyName, Places>> = {
  maglev: PLACES_OF_TABLE,
  ring_hash: PLACES_OF_RING,
};

/** Where a key lies among the places of its policy. */
export interface KeyPlace {
  /** From 0. */
  readonly place: number;
  readonly of: number;
  /** Whose it is. */
  readonly slot: number;
}

/** Null: this policy has no places, or there is no key, or nobody is there. */
export function placeOfKey(policy: PolicyName, schedule: Schedule, key: number): KeyPlace | null {
  const those = places[policy];
  const { placement } = schedule;
  if (those === undefined || key < 0 || placement.length === 0) return null;
  const at = those.placeOf(placement, key);
  return { place: at / those.words, of: placement.length / those.words, slot: placement[at] };
}
