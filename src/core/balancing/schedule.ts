/**
 * The orders round robin goes by: cyclic, exact over one cycle, computed when the set of backends
 * changes and only read between. Equal weights are taken in configured order; unequal ones in
 * nginx's smooth order, written out while that is affordable, else by static stride, which computes
 * each turn from its ticket.
 *
 * A schedule lies in one piece of memory with a cursor of its own. The control thread makes it, all
 * workers draw from it. It is never changed into another and its memory is never used again: a
 * worker that has not yet heard of a new one goes on with the old one, whole.
 */
import type { Dice } from '../base/dice.ts';
import { gcd } from '../base/math.ts';
import { aliasTable, drawAlias } from './alias-table.ts';

/**
 * - `identity`: equal weights, configured order;
 * - `smooth`: nginx's smooth weighted order, exact over sum(weights / gcd) picks;
 * - `stride`: static stride, exact over one cycle; for weights too unequal to write out.
 */
export type ScheduleKind = 'identity' | 'smooth' | 'stride';

const KINDS: readonly ScheduleKind[] = ['identity', 'smooth', 'stride'];

/** Gives memory of so many bytes, all zero. */
export type Allocate = (bytes: number) => ArrayBufferLike;

/** Every cycle is at most this long, so that a cursor of 32 bits has room for two. */
export const LONGEST_CYCLE = 0x80000000;

/** Building a smooth schedule takes n x sum(w/gcd) steps: at most some 10 ms. */
const SMOOTH_STEPS = 1 << 22;

/** Weight x generation stays exact below 2^53. */
const STRIDE_MODULUS_LIMIT = 1 << 26;

/**
 * Where things lie, in words: the cursor, the mask of states, the kind, the length of a cycle, the
 * number of backends, the modulus, the number of places, of those in reserve, the sum of the
 * weights (stride); then the slots; then the reserve; then the places; then the order (smooth), or
 * the weights and who is drawn at random by them (stride).
 */
const CURSOR = 0;
const STATES = 1;
const KIND = 2;
const LENGTH = 3;
const SIZE = 4;
const MODULUS = 5;
const PLACES = 6;
const RESERVE = 7;
const WEIGHT = 8;
const HEAD = 9;

/** A cyclic order over tickets 0 .. length - 1. */
export class Schedule {
  readonly words: Int32Array;
  readonly kind: ScheduleKind;
  /** All weights are equal: policies need not look at them, which is one look less at the table. */
  readonly isEven: boolean;
  readonly length: number;
  /** Whom it gives turns to, in configured order. */
  readonly slots: Int32Array;
  /** Slots without turns, for exchanges that none of `slots` can take; the first one first. */
  readonly reserve: Int32Array;
  /** The slots by hash, for policies that choose so; else empty. */
  readonly placement: Int32Array;
  /** The order written out, or the weights of a stride. */
  private readonly rest: Int32Array;
  /** For draws at random of a stride; else empty. */
  private readonly aliases: Int32Array;
  private readonly weight: number;
  private readonly modulus: number;
  private readonly half: number;

  /** Over memory that another thread has filled. */
  constructor(memory: ArrayBufferLike) {
    this.words = new Int32Array(memory);
    const size = this.words[SIZE];
    this.kind = KINDS[this.words[KIND]];
    this.isEven = this.kind === 'identity';
    this.length = this.words[LENGTH] >>> 0;
    this.slots = this.words.subarray(HEAD, HEAD + size);
    const places = HEAD + size + this.words[RESERVE];
    this.reserve = this.words.subarray(HEAD + size, places);
    const after = places + this.words[PLACES];
    this.placement = this.words.subarray(places, after);
    this.rest = this.kind === 'identity' ? this.slots : this.words.subarray(after);
    this.aliases = this.rest.subarray(this.kind === 'stride' ? size : this.rest.length);
    this.weight = this.words[WEIGHT] >>> 0;
    this.modulus = this.words[MODULUS];
    this.half = Math.floor(this.modulus / 2);
  }

  /** In which states (`statesOf`) a backend takes its turns; in any other it is passed over. */
  get states(): number {
    // Policies only guess by it, as by what they read of the table.
    return this.words[STATES];
  }

  /** Control thread only. */
  setStates(states: number): void {
    Atomics.store(this.words, STATES, states);
  }

  /** The ticket that is drawn next. */
  get cursor(): number {
    return Atomics.load(this.words, CURSOR) >>> 0;
  }

  /** Control thread only, before a worker knows it. */
  setCursor(ticket: number): void {
    Atomics.store(this.words, CURSOR, ticket | 0);
  }

  /** Draws the next slot, shared with all workers; -1: it has none. Allocates nothing. */
  draw(): number {
    if (this.length === 0) return -1;
    for (;;) {
      const ticket = Atomics.add(this.words, CURSOR, 1) >>> 0;
      if (ticket >= LONGEST_CYCLE) {
        // To an equal place of the cycle; if another draw came between, its worker moves it.
        const next = (ticket + 1) % this.length;
        Atomics.compareExchange(this.words, CURSOR, (ticket + 1) | 0, next | 0);
      }
      const slot = this.slotAt(ticket % this.length);
      if (slot >= 0) return slot;
    }
  }

  /** One at random, in proportion to the weights; -1: it has none. Allocates nothing. */
  any(dice: Dice): number {
    if (this.length === 0) return -1;
    if (this.kind === 'stride') return drawAlias(this.aliases, this.weight, dice);
    return this.rest[dice.throw(this.length)];
  }

  /** Whose turn it is; -1: nobody's, draw again. */
  slotAt(ticket: number): number {
    return this.kind === 'stride' ? this.strideAt(ticket) : this.rest[ticket];
  }

  /** The first turn of this slot in an order that is written out; -1: it has none. */
  turnOf(slot: number): number {
    return this.rest.indexOf(slot);
  }

  /** Neighbours are half a cycle apart, so that equal ones take turns and do not come together. */
  private strideAt(ticket: number): number {
    const { modulus, slots } = this;
    const index = ticket % slots.length;
    const generation = (ticket - index) / slots.length;
    const weight = this.rest[index];
    const phase = (weight * generation + ((index * this.half) % modulus)) % modulus;
    return phase >= modulus - weight ? slots[index] : -1;
  }
}

interface Plan {
  readonly kind: ScheduleKind;
  readonly length: number;
  readonly slots: readonly number[];
  /** What follows the slots. */
  readonly rest: ArrayLike<number>;
  readonly modulus: number;
  /** Of all together. */
  readonly weight: number;
}

/** What goes with the order. */
export interface Beside {
  /** The slots by hash. */
  readonly placement: Int32Array;
  readonly reserve: readonly number[];
}

const NO_STRIDE = { modulus: 0, weight: 0 };

const NOTHING: Beside = { placement: new Int32Array(0), reserve: [] };

function write(plan: Plan, { placement, reserve }: Beside, allocate: Allocate): Schedule {
  const { kind, length, slots, rest, modulus, weight } = plan;
  const size = HEAD + slots.length + reserve.length + placement.length + rest.length;
  const words = new Int32Array(allocate(size * 4));
  words[KIND] = KINDS.indexOf(kind);
  words[LENGTH] = length;
  words[SIZE] = slots.length;
  words[MODULUS] = modulus;
  words[WEIGHT] = weight;
  words[PLACES] = placement.length;
  words[RESERVE] = reserve.length;
  let at = HEAD;
  for (const part of [slots, reserve, placement, rest]) {
    words.set(part, at);
    at += part.length;
  }
  return new Schedule(words.buffer);
}

/** Which schedule a pool with these weights gets. Weights are whole, 1 or more. */
export function scheduleKind(weights: readonly number[]): ScheduleKind {
  if (weights.every((weight) => weight === weights[0])) return 'identity';
  const length = sum(weights) / weights.reduce(gcd);
  return weights.length * length <= SMOOTH_STEPS ? 'smooth' : 'stride';
}

/** Each in turn; of nobody: one that draws -1. */
export function identitySchedule(
  slots: readonly number[],
  allocate: Allocate,
  beside = NOTHING,
): Schedule {
  const { length } = slots;
  return write({ kind: 'identity', length, slots, rest: [], ...NO_STRIDE }, beside, allocate);
}

/**
 * nginx: each gains its weight, the richest is picked (the first of equals) and pays the total.
 * Its cursor begins at the turn before which what each has gained and paid is nearest to `owed`, in
 * picks: there somebody who was picked too little has his turn soon. With nothing owed it is 0.
 */
export function smoothSchedule(
  slots: readonly number[],
  weights: readonly number[],
  owed: readonly number[],
  allocate: Allocate,
  beside = NOTHING,
): Schedule {
  const divisor = weights.reduce(gcd);
  const gains = Int32Array.from(weights, (weight) => weight / divisor);
  const total = sum(weights) / divisor;
  const wanted = Float64Array.from(owed, (picks) => picks * total);
  const balance = new Int32Array(gains.length);
  const order = new Int32Array(total);
  let start = 0;
  let nearest = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < total; turn++) {
    let best = 0;
    let distance = 0;
    for (let index = 0; index < gains.length; index++) {
      distance += Math.abs(balance[index] - wanted[index]);
      balance[index] += gains[index];
      if (balance[index] > balance[best]) best = index;
    }
    balance[best] -= total;
    order[turn] = slots[best];
    if (distance < nearest) {
      nearest = distance;
      start = turn;
    }
  }
  const plan: Plan = { kind: 'smooth', length: total, slots, rest: order, ...NO_STRIDE };
  const schedule = write(plan, beside, allocate);
  schedule.setCursor(start);
  return schedule;
}

/**
 * gRPC's static stride: ticket = generation x n + index. In `modulus` generations each backend has
 * exactly as many turns as its (scaled) weight. The heaviest has one in every generation, so that a
 * pick draws n tickets at most, and max/mean of the weights on average. Weights are scaled so that
 * the heaviest is `modulus`, and rounded, to 1 at least.
 */
export function strideSchedule(
  slots: readonly number[],
  weights: readonly number[],
  allocate: Allocate,
  beside = NOTHING,
  modulus: number = strideModulus(weights),
): Schedule {
  const heaviest = max(weights);
  const scale = (weight: number): number =>
    Math.max(1, Math.floor((weight * modulus) / heaviest + 0.5));
  const length = slots.length * modulus;
  const scaled = weights.map(scale);
  const rest = [...scaled, ...aliasTable(slots, scaled)];
  const plan: Plan = { kind: 'stride', length, slots, rest, modulus, weight: sum(scaled) };
  return write(plan, beside, allocate);
}

/** The weights as they are, where a cycle of them fits a cursor; else as finely as it does. */
function strideModulus(weights: readonly number[]): number {
  const limit = Math.min(STRIDE_MODULUS_LIMIT, Math.floor(LONGEST_CYCLE / weights.length));
  return Math.min(limit, max(weights) / weights.reduce(gcd));
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const max = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
