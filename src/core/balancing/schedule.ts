/**
 * The orders round robin goes by: cyclic, exact over one cycle, computed when the set of backends
 * changes and only read between. Equal weights are taken in configured order; unequal ones in
 * nginx's smooth order, written out while that is affordable, else by static stride, which computes
 * each turn from its ticket.
 */

/**
 * - `identity`: equal weights, configured order;
 * - `smooth`: nginx's smooth weighted order, exact over sum(weights / gcd) picks;
 * - `stride`: static stride, exact over one cycle; for weights too unequal to write out.
 */
export type ScheduleKind = 'identity' | 'smooth' | 'stride';

/** A cyclic order over tickets 0 .. length - 1. */
export interface Schedule {
  readonly kind: ScheduleKind;
  readonly length: number;
  /** Whose turn it is; -1: nobody's, draw again. */
  slotAt(ticket: number): number;
}

/** Every cycle is at most this long, so that a cursor of 32 bits has room for two. */
export const LONGEST_CYCLE = 0x80000000;

/** Building a smooth schedule takes n x sum(w/gcd) steps: at most some 10 ms. */
const SMOOTH_STEPS = 1 << 22;

/** Weight x generation stays exact below 2^53. */
const STRIDE_MODULUS_LIMIT = 1 << 26;

/** Which schedule a pool with these weights gets. Weights are whole, 1 or more. */
export function scheduleKind(weights: readonly number[]): ScheduleKind {
  if (weights.every((weight) => weight === weights[0])) return 'identity';
  const length = sum(weights) / weights.reduce(gcd);
  return weights.length * length <= SMOOTH_STEPS ? 'smooth' : 'stride';
}

/** A schedule written out, one slot for each turn. */
export class ListSchedule implements Schedule {
  readonly kind: 'identity' | 'smooth';
  readonly length: number;
  private readonly order: Int32Array;

  constructor(kind: 'identity' | 'smooth', order: Int32Array) {
    this.kind = kind;
    this.order = order;
    this.length = order.length;
  }

  slotAt(ticket: number): number {
    return this.order[ticket];
  }

  /** The first turn of this slot; -1: it has none. */
  turnOf(slot: number): number {
    return this.order.indexOf(slot);
  }
}

/**
 * nginx: each gains its weight, the richest is picked (the first of equals) and pays the total.
 * `start` is the turn before which what each has gained and paid is nearest to `owed`, in picks:
 * there somebody who was picked too little has his turn soon. With nothing owed it is 0.
 */
export function smoothSchedule(
  slots: readonly number[],
  weights: readonly number[],
  owed: readonly number[],
): { schedule: ListSchedule; start: number } {
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
  return { schedule: new ListSchedule('smooth', order), start };
}

/**
 * gRPC's static stride: ticket = generation x n + index. In `modulus` generations each backend has
 * exactly as many turns as its (scaled) weight. The heaviest has one in every generation, so that a
 * pick draws n tickets at most, and max/mean of the weights on average.
 */
export class StrideSchedule implements Schedule {
  readonly kind = 'stride';
  readonly length: number;
  private readonly slots: Int32Array;
  private readonly weights: Int32Array;
  private readonly offsets: Int32Array;
  private readonly modulus: number;

  /** Weights are scaled so that the heaviest is `modulus`, and rounded, to 1 at least. */
  constructor(
    slots: readonly number[],
    weights: readonly number[],
    modulus: number = strideModulus(weights),
  ) {
    const heaviest = max(weights);
    const half = Math.floor(modulus / 2);
    const scale = (weight: number): number =>
      Math.max(1, Math.floor((weight * modulus) / heaviest + 0.5));
    this.slots = Int32Array.from(slots);
    this.weights = Int32Array.from(weights, scale);
    // Neighbours are half a cycle apart, so that equal ones take turns instead of coming together.
    this.offsets = Int32Array.from(slots, (_, index) => (index * half) % modulus);
    this.modulus = modulus;
    this.length = slots.length * modulus;
  }

  slotAt(ticket: number): number {
    const index = ticket % this.slots.length;
    const generation = (ticket - index) / this.slots.length;
    const weight = this.weights[index];
    const phase = (weight * generation + this.offsets[index]) % this.modulus;
    return phase >= this.modulus - weight ? this.slots[index] : -1;
  }
}

/** The weights as they are, where a cycle of them fits a cursor; else as finely as it does. */
function strideModulus(weights: readonly number[]): number {
  const limit = Math.min(STRIDE_MODULUS_LIMIT, Math.floor(LONGEST_CYCLE / weights.length));
  return Math.min(limit, max(weights) / weights.reduce(gcd));
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const max = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
