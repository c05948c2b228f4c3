/**
 * The table: every backend's shared state as a struct of arrays of Int32, so that workers and the
 * control thread see one truth through atomics (which also work on a plain ArrayBuffer).
 *
 * Who writes what: the control thread owns slots, states and weights; workers count in-flight
 * exchanges, and may move `up` or `checking` to `suspect`, nothing else.
 */
import { assert } from '../base/failure.ts';

/** The states of a backend. `free`: the slot has no backend. */
export const State = {
  free: 0,
  checking: 1,
  up: 2,
  suspect: 3,
  down: 4,
  draining: 5,
} as const;
export type State = (typeof State)[keyof typeof State];

export const stateName = (state: State): keyof typeof State =>
  (Object.keys(State) as (keyof typeof State)[]).find((name) => State[name] === state) ?? 'free';

/** Columns, in the order they lie in the buffer. */
const COLUMNS = ['state', 'generation', 'weight', 'inFlight', 'tunnels', 'cursor'] as const;

export class Table {
  readonly capacity: number;
  readonly buffer: ArrayBufferLike;
  private readonly states: Int32Array;
  private readonly generations: Int32Array;
  private readonly weights: Int32Array;
  private readonly inFlights: Int32Array;
  private readonly tunnelCounts: Int32Array;
  private readonly cursors: Int32Array;

  /** `buffer`: memory that threads share, of `Table.bytesFor(capacity)`; else plain memory. */
  constructor(
    capacity: number,
    buffer: ArrayBufferLike = new ArrayBuffer(Table.bytesFor(capacity)),
  ) {
    assert(buffer.byteLength >= Table.bytesFor(capacity), 'the buffer holds the whole table');
    this.capacity = capacity;
    this.buffer = buffer;
    const column = (name: (typeof COLUMNS)[number]): Int32Array =>
      new Int32Array(buffer, COLUMNS.indexOf(name) * capacity * 4, capacity);
    this.states = column('state');
    this.generations = column('generation');
    this.weights = column('weight');
    this.inFlights = column('inFlight');
    this.tunnelCounts = column('tunnels');
    this.cursors = column('cursor');
  }

  static bytesFor(capacity: number): number {
    return COLUMNS.length * capacity * 4;
  }

  /** Takes a free slot for a new backend; null when the table is full. Control thread only. */
  claim(weight: number, state: State): number | null {
    for (let slot = 0; slot < this.capacity; slot++) {
      if (Atomics.load(this.states, slot) !== State.free) continue;
      Atomics.store(this.weights, slot, weight);
      Atomics.store(this.inFlights, slot, 0);
      Atomics.store(this.tunnelCounts, slot, 0);
      Atomics.store(this.states, slot, state);
      return slot;
    }
    return null;
  }

  /** Gives the slot back; its generation moves on, so that a stale index is never believed. */
  free(slot: number): void {
    assert(
      this.inFlight(slot) === 0 && this.tunnels(slot) === 0,
      'nothing is in flight on a freed slot',
    );
    Atomics.add(this.generations, slot, 1);
    Atomics.store(this.states, slot, State.free);
  }

  state(slot: number): State {
    return Atomics.load(this.states, slot) as State;
  }

  /** Control thread only. */
  setState(slot: number, state: State): void {
    Atomics.store(this.states, slot, state);
  }

  /** A worker saw every address refuse. True if this call was the one that moved the state. */
  suspect(slot: number): boolean {
    return (
      Atomics.compareExchange(this.states, slot, State.up, State.suspect) === State.up ||
      Atomics.compareExchange(this.states, slot, State.checking, State.suspect) === State.checking
    );
  }

  generation(slot: number): number {
    return Atomics.load(this.generations, slot);
  }

  weight(slot: number): number {
    return Atomics.load(this.weights, slot);
  }

  /** Control thread only. */
  setWeight(slot: number, weight: number): void {
    Atomics.store(this.weights, slot, weight);
  }

  /** Exchanges on this backend, over all workers. Tunnels are not among them. */
  inFlight(slot: number): number {
    return Atomics.load(this.inFlights, slot);
  }

  enter(slot: number): void {
    Atomics.add(this.inFlights, slot, 1);
  }

  leave(slot: number): void {
    const before = Atomics.sub(this.inFlights, slot, 1);
    assert(before > 0, 'an exchange leaves a backend once');
  }

  tunnels(slot: number): number {
    return Atomics.load(this.tunnelCounts, slot);
  }

  /** An exchange became a tunnel. */
  enterTunnel(slot: number): void {
    Atomics.add(this.tunnelCounts, slot, 1);
  }

  leaveTunnel(slot: number): void {
    const before = Atomics.sub(this.tunnelCounts, slot, 1);
    assert(before > 0, 'a tunnel leaves a backend once');
  }

  /** Draws the next ticket of a pool's cursor: counts 0 .. 2^32 - 1 and wraps. */
  draw(pool: number): number {
    return Atomics.add(this.cursors, pool, 1) >>> 0;
  }

  /** Control thread only, while building a schedule. */
  setCursor(pool: number, ticket: number): void {
    Atomics.store(this.cursors, pool, ticket | 0);
  }

  /**
   * Moves a cursor that stands at `from` to `to`, an equal place of its schedule. False when
   * another draw came between; whoever drew then moves it. Any worker.
   */
  moveCursor(pool: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.cursors, pool, from | 0, to | 0) === (from | 0);
  }

  /** The ticket that `draw` gives next. */
  cursor(pool: number): number {
    return Atomics.load(this.cursors, pool) >>> 0;
  }
}
