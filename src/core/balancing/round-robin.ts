/**
 * Round robin: strict order, exact shares. Equal weights are taken in configured order; unequal
 * ones in nginx's smooth order, computed beforehand while that is affordable, else by static
 * stride, which needs no memory per pick and is exact over its own cycle.
 *
 * The place in the schedule is a cursor in the table, so that all workers share one order. It
 * starts at the first backend; when the set changes it goes on after the last one picked.
 */
import { assert } from '../base/failure.ts';
import type { Table } from '../table/table.ts';
import type { Policy } from './balancing.ts';

/**
 * - `identity`: equal weights, configured order;
 * - `smooth`: nginx's smooth weighted order, exact over sum(weights / gcd) picks;
 * - `stride`: static stride, exact over one cycle; for weights too unequal to write out.
 */
export type ScheduleKind = 'identity' | 'smooth' | 'stride';

/** Building a smooth schedule takes n x sum(w/gcd) steps: at most some 10 ms. */
const SMOOTH_STEPS = 1 << 22;

/** Cursors are brought back below this, which leaves as many tries before they would wrap. */
const CURSOR_LIMIT = 0x80000000;

/** Weight x generation stays exact below 2^53. */
const STRIDE_MODULUS_LIMIT = 1 << 26;

/** Which schedule a pool with these weights gets. Weights are whole, 1 or more. */
export function scheduleKind(weights: readonly number[]): ScheduleKind {
  if (weights.every((weight) => weight === weights[0])) return 'identity';
  const length = sum(weights) / weights.reduce(gcd);
  return weights.length * length <= SMOOTH_STEPS ? 'smooth' : 'stride';
}

/** `pool` is the pool's row in the table's cursor column. */
export function createRoundRobin(table: Table, pool: number): Policy {
  return new RoundRobin(table, pool);
}

/** A cyclic order over tickets 0 .. length - 1. */
export interface Schedule {
  readonly kind: ScheduleKind;
  readonly length: number;
  /** Whose turn it is; -1: nobody's, draw again. */
  slotAt(ticket: number): number;
  /** The first turn of this slot at or (cyclically) after `ticket`. The slot is in the schedule. */
  turnOf(slot: number, ticket: number): number;
}

/** Allocates. `slots` and `weights` are parallel and not empty. */
export function buildSchedule(slots: readonly number[], weights: readonly number[]): Schedule {
  const kind = scheduleKind(weights);
  if (kind === 'identity') return new ListSchedule(kind, Int32Array.from(slots));
  if (kind === 'smooth') return new ListSchedule(kind, smoothOrder(slots, weights));
  return new StrideSchedule(slots, weights, strideModulus(weights));
}

/** Where the cursor stood when somebody was picked last. */
interface LastPick {
  readonly slot: number;
  /** The backends of that time, in order: who follows when this one has left. */
  readonly slots: readonly number[];
  readonly ticket: number;
  readonly length: number;
}

class RoundRobin implements Policy {
  private readonly table: Table;
  private readonly pool: number;
  private schedule: Schedule | null = null;
  private slots: readonly number[] = [];
  private startedAt = 0;
  private last: LastPick | null = null;

  constructor(table: Table, pool: number) {
    this.table = table;
    this.pool = pool;
  }

  rebuild(slots: readonly number[], weights: readonly number[]): void {
    assert(slots.length === weights.length, 'every slot has a weight');
    this.rememberLastPick();
    this.slots = [...slots];
    this.schedule = slots.length === 0 ? null : buildSchedule(slots, weights);
    this.startedAt = this.schedule === null ? 0 : this.firstTicket(this.schedule);
    this.table.setCursor(this.pool, this.startedAt);
  }

  pick(): number {
    const schedule = this.schedule;
    if (schedule === null) return -1;
    for (;;) {
      const ticket = this.table.draw(this.pool);
      if (ticket >= CURSOR_LIMIT) {
        this.table.moveCursor(this.pool, ticket + 1, (ticket + 1) % schedule.length);
      }
      const slot = schedule.slotAt(ticket % schedule.length);
      if (slot >= 0) return slot;
    }
  }

  private rememberLastPick(): void {
    const next = this.table.cursor(this.pool);
    if (this.schedule === null || next === this.startedAt) return;
    const { length } = this.schedule;
    let ticket = ((next % length) + length - 1) % length;
    while (this.schedule.slotAt(ticket) < 0) ticket = (ticket + length - 1) % length;
    this.last = { slot: this.schedule.slotAt(ticket), slots: this.slots, ticket, length };
  }

  /**
   * After the last pick. A weighted cycle also goes on at about the same part of the cycle: starting
   * it anew at every change would send everything to the heaviest of a flapping pool.
   */
  private firstTicket(schedule: Schedule): number {
    const last = this.last;
    if (last === null) return 0;
    const { length } = schedule;
    const near =
      last.length === length
        ? last.ticket
        : Math.min(length - 1, Math.floor((last.ticket * length) / last.length));
    const members = new Set(this.slots);
    if (members.has(last.slot)) return (schedule.turnOf(last.slot, near) + 1) % length;
    const before = last.slots.indexOf(last.slot);
    for (let step = 1; step < last.slots.length; step++) {
      const slot = last.slots[(before + step) % last.slots.length];
      if (members.has(slot)) return schedule.turnOf(slot, near);
    }
    return 0;
  }
}

class ListSchedule implements Schedule {
  readonly kind: ScheduleKind;
  readonly length: number;
  private readonly order: Int32Array;

  constructor(kind: ScheduleKind, order: Int32Array) {
    this.kind = kind;
    this.order = order;
    this.length = order.length;
  }

  slotAt(ticket: number): number {
    return this.order[ticket];
  }

  turnOf(slot: number, ticket: number): number {
    const after = this.order.indexOf(slot, ticket);
    return after >= 0 ? after : this.order.indexOf(slot);
  }
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
  constructor(slots: readonly number[], weights: readonly number[], modulus: number) {
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

  turnOf(slot: number, ticket: number): number {
    return ticket - (ticket % this.slots.length) + this.slots.indexOf(slot);
  }
}

/** The weights as they are, where a cycle of them fits a cursor; else as finely as it does. */
function strideModulus(weights: readonly number[]): number {
  const limit = Math.min(STRIDE_MODULUS_LIMIT, Math.floor(CURSOR_LIMIT / weights.length));
  return Math.min(limit, max(weights) / weights.reduce(gcd));
}

/** nginx: each gains its weight, the richest is picked (the first of equals) and pays the total. */
function smoothOrder(slots: readonly number[], weights: readonly number[]): Int32Array {
  const divisor = weights.reduce(gcd);
  const gains = Int32Array.from(weights, (weight) => weight / divisor);
  const total = sum(weights) / divisor;
  const current = new Int32Array(gains.length);
  const order = new Int32Array(total);
  for (let turn = 0; turn < total; turn++) {
    let best = 0;
    for (let index = 0; index < gains.length; index++) {
      current[index] += gains[index];
      if (current[index] > current[best]) best = index;
    }
    current[best] -= total;
    order[turn] = slots[best];
  }
  return order;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const max = (values: readonly number[]): number => values.reduce((a, b) => (a > b ? a : b), 0);

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
