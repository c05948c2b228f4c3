/** What is known of policies that go by a key: who has how much, and what moves when one goes. */

import { type PolicyFactory, policies } from '../../src/core/balancing/balancing.ts';
import type { Placed } from '../../src/core/balancing/by-key.ts';
import { maglevTable } from '../../src/core/balancing/maglev.ts';
import { rendezvousTable } from '../../src/core/balancing/rendezvous.ts';
import { ringTable } from '../../src/core/balancing/ring-hash.ts';
import { createRoundRobin } from '../../src/core/balancing/round-robin.ts';
import type { Schedule } from '../../src/core/balancing/schedule.ts';
import { hashText, mix } from '../../src/core/base/hash.ts';
import { createRng, type Rng } from '../../src/core/base/rng.ts';
import { State, statesOf, Table } from '../../src/core/table/table.ts';
import { type Estimate, estimateOf } from '../queueing.ts';
import type { Oracle } from './oracle.ts';

const STATES = statesOf(State.up);

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Other names in each repetition. */
const backend = (n: number, weight: number, repetition: number): Placed => ({
  slot: n,
  weight,
  hash: hashText(`server-${repetition}-${n}`),
  otherHash: hashText(`server-${repetition}-${n}`, 1),
});

const pool = (n: number, weight = 1, repetition = 0): Placed[] =>
  range(n).map((i) => backend(i, weight, repetition));

const repeated = (times: number, measure: (repetition: number) => number): Estimate =>
  estimateOf(range(times).map(measure));

// ---- Maglev -------------------------------------------------------------------------------------

function entries(n: number, places: number): string {
  const counts = new Array<number>(n).fill(0);
  for (const slot of maglevTable(pool(n), places)) counts[slot] += 1;
  return `${Math.min(...counts)} to ${Math.max(...counts)}`;
}

/** Percent of all places that are another's when so many of n go. */
function moved(n: number, places: number, gone: number, repetition: number): number {
  const all = pool(n, 1, repetition);
  const before = maglevTable(all, places);
  // Names are hashed: whoever goes is as good as drawn at random.
  const after = maglevTable(all.slice(gone), places);
  let changed = 0;
  for (let i = 0; i < places; i++) if (before[i] !== after[i]) changed += 1;
  return (100 * changed) / places;
}

const maglevEntries = (n: number, places: number, published: string): Oracle => ({
  kind: 'exact',
  about: `Maglev: places of each of ${n}, of ${places}`,
  published,
  measure: () => entries(n, places),
});

const maglevMoves = (n: number, places: number, gone: number, published: number): Oracle => ({
  kind: 'measured',
  about: `Maglev: % of ${places} places that move when ${gone} of ${n} go`,
  published,
  open: 0.03,
  measure: () => repeated(10, (repetition) => moved(n, places, gone, repetition)),
});

// ---- picks by key -------------------------------------------------------------------------------

interface Picking {
  readonly table: Table;
  /** `key`: any whole number. */
  pick(key: number): number;
}

function picking(
  factory: PolicyFactory,
  place: (backends: readonly Placed[]) => Int32Array,
  members: readonly Placed[],
  boundedLoad: number | null = null,
): Picking {
  const rng: Rng = createRng(1);
  const table = new Table({
    capacity: 1 + Math.max(...members.map(({ slot }) => slot)),
    workers: 1,
  });
  for (let slot = 0; slot < table.capacity; slot++) table.claim(1, State.up);
  const order = createRoundRobin(
    (bytes) => new ArrayBuffer(bytes),
    () => place(members),
  );
  const slots = members.map(({ slot }) => slot);
  const schedule: Schedule = order.rebuild(
    slots,
    slots.map(() => 1),
  );
  schedule.setStates(STATES);
  const needs = { loads: table, rng, wallMs: () => 0, warn: () => {}, boundedLoad, own: null };
  const policy = factory(needs);
  return { table, pick: (key) => policy.pick(schedule, [], mix(key + 1) >>> 1) };
}

const KEYS = 20_000;

/** Of keys that were not the gone one's: how many have moved. */
function extraMoves(name: 'ring_hash' | 'rendezvous'): string {
  const place = name === 'ring_hash' ? ringTable : rendezvousTable;
  const all = pool(100);
  const before = picking(policies[name], place, all);
  const after = picking(policies[name], place, all.slice(1));
  const moves = range(KEYS).filter((key) => {
    const was = before.pick(key);
    return was !== all[0].slot && after.pick(key) !== was;
  });
  return String(moves.length);
}

const disruption = (name: 'ring_hash' | 'rendezvous'): Oracle => ({
  kind: 'exact',
  about: `${name}: keys of others that move when one of 100 goes, of ${KEYS}`,
  published: '0',
  measure: () => extraMoves(name),
});

// ---- the ring's shares --------------------------------------------------------------------------

/** Standard deviation over mean of what is whose on the ring. */
function imbalance(n: number, weight: number, repetition: number): number {
  const ring = ringTable(pool(n, weight, repetition));
  const shares = new Array<number>(n).fill(0);
  let from = -1;
  for (let at = 0; at < ring.length; at += 2) {
    const [slot, point] = [ring[at], ring[at + 1]];
    shares[slot] += (point - from) / 0x80000000;
    from = point;
  }
  const mean = 1 / n;
  const variance = shares.reduce((sum, share) => sum + (share - mean) * (share - mean), 0) / n;
  return Math.sqrt(variance) / mean;
}

const ringShares = (n: number, weight: number, published: number): Oracle => ({
  kind: 'measured',
  about: `ring_hash: deviation of shares, ${n} backends of ${160 * weight} points`,
  published,
  open: 0.03,
  measure: () => repeated(10, (repetition) => imbalance(n, weight, repetition)),
});

// ---- bounded load -------------------------------------------------------------------------------

const IN_FLIGHT = 10_000;

/** Exchanges come and stay; how often one has more than it may, and what the fullest has. */
function fill(factor: number, isHot: boolean): { violations: number; most: number } {
  const { table, pick } = picking(policies.ring_hash, ringTable, pool(100), factor);
  let violations = 0;
  for (let m = 0; m < IN_FLIGHT; m++) {
    const slot = pick(isHot ? 7 : m);
    table.enter(slot, table.generation(slot), STATES);
    // In hundredths: the factor has two decimals.
    const cap = Math.ceil((Math.round(factor * 100) * (m + 1)) / 100 / 100);
    if (table.busy(slot) > cap) violations += 1;
  }
  return { violations, most: Math.max(...range(100).map((slot) => table.busy(slot))) };
}

const bounded = (factor: number, isHot: boolean): Oracle[] => {
  const keys = isHot ? 'one key' : 'any keys';
  return [
    {
      kind: 'exact',
      about: `bounded_load ${factor}, ${keys}: times that one of 100 is above its cap`,
      published: '0',
      measure: () => String(fill(factor, isHot).violations),
    },
    {
      kind: 'measured',
      about: `bounded_load ${factor}, ${keys}: the fullest, to the mean`,
      published: factor,
      open: 0.01,
      measure: () => ({ value: fill(factor, isHot).most / (IN_FLIGHT / 100), standardError: 0 }),
    },
  ];
};

export const places: readonly Oracle[] = [
  maglevEntries(10, 65_537, '6553 to 6554'),
  maglevEntries(100, 65_537, '655 to 656'),
  maglevEntries(1000, 65_537, '65 to 66'),
  maglevEntries(1000, 655_373, '655 to 656'),
  maglevMoves(1000, 65_537, 1, 0.676),
  maglevMoves(1000, 65_537, 5, 2.3),
  maglevMoves(1000, 65_537, 10, 3.325),
  maglevMoves(1000, 65_537, 20, 4.642),
  maglevMoves(1000, 65_537, 50, 8.26),
  maglevMoves(100, 65_537, 1, 1.54),
  maglevMoves(10, 65_537, 1, 10.195),
  ringShares(100, 1, 0.0791),
  ringShares(100, 4, 0.0395),
  ringShares(1000, 1, 0.0791),
  disruption('ring_hash'),
  disruption('rendezvous'),
  ...bounded(1.1, false),
  ...bounded(1.25, false),
  ...bounded(1.25, true),
];
