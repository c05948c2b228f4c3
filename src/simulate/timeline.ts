/**
 * Pretended time, and what is to happen in it: a heap over plain numbers, so that a request costs
 * no memory. It stands still until the next entry is taken. Entries of the same time come in the
 * order in which they were put there, so the same program gives the same history.
 */
import type { Alarm, Clock } from '../core/base/clock.ts';
import { assert } from '../core/base/failure.ts';

/** The `kind` of entries that the timeline itself carries out. */
const WAKE = 0;
const FIRST_CAPACITY = 1024;

/** Its entry stays in the heap until its time has come, cancelled or not. */
class Wake implements Alarm {
  wake: (() => void) | null;

  constructor(wake: () => void) {
    this.wake = wake;
  }

  cancel(): void {
    this.wake = null;
  }
}

/** It begins at 0; `wallStartMs` is what `wallMs` says then. */
export class Timeline implements Clock {
  /** What the entry that `take` took is about: as it was put. */
  kind = WAKE;
  index = 0;
  serial = 0;
  private now = 0;
  private readonly wallStartMs: number;
  private length = 0;
  private sequence = 0;
  private times = new Float64Array(FIRST_CAPACITY);
  private orders = new Float64Array(FIRST_CAPACITY);
  private kinds = new Int32Array(FIRST_CAPACITY);
  private indexes = new Int32Array(FIRST_CAPACITY);
  private serials = new Int32Array(FIRST_CAPACITY);
  private readonly wakes: (Wake | null)[] = [];
  private readonly freeWakes: number[] = [];

  constructor(wallStartMs: number) {
    this.wallStartMs = wallStartMs;
  }

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return this.wallStartMs + Math.floor(this.now);
  }

  /** `kind`: 1 or more; it means something to the caller, as do the others. */
  put(atMs: number, kind: number, index: number, serial: number): void {
    if (this.length === this.times.length) this.grow();
    const at = Math.max(atMs, this.now);
    const order = this.sequence++;
    let place = this.length++;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (this.isBefore(above, at, order)) break;
      this.move(above, place);
      place = above;
    }
    this.set(place, at, order, kind, index, serial);
  }

  wakeAt(deadlineMs: number, wake: () => void): Alarm {
    assert(!Number.isNaN(deadlineMs), 'a deadline is a number');
    const alarm = new Wake(wake);
    const index = this.freeWakes.pop() ?? this.wakes.length;
    this.wakes[index] = alarm;
    this.put(deadlineMs, WAKE, index, 0);
    return alarm;
  }

  /** All that is due now was put there earlier, so it happens before this. */
  nextTurn(callback: () => void): void {
    this.wakeAt(this.now, callback);
  }

  /**
   * Moves on to the next entry that is due until then and is not the timeline's own; those are
   * carried out. False: there is none, and it is `untilMs`.
   */
  take(untilMs: number): boolean {
    while (this.length > 0 && this.times[0] <= untilMs) {
      this.pop();
      if (this.kind !== WAKE) return true;
      const wake = this.wakes[this.index];
      this.wakes[this.index] = null;
      this.freeWakes.push(this.index);
      wake?.wake?.();
    }
    if (untilMs > this.now) this.now = untilMs;
    return false;
  }

  private pop(): void {
    this.now = this.times[0];
    this.kind = this.kinds[0];
    this.index = this.indexes[0];
    this.serial = this.serials[0];
    const last = --this.length;
    if (last > 0) this.sink(last);
  }

  /** The entry at `from`, which is behind the others, goes where it belongs from the top on. */
  private sink(from: number): void {
    const { times, orders, length } = this;
    const at = times[from];
    const order = orders[from];
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= length) break;
      if (below + 1 < length && this.isBefore(below + 1, times[below], orders[below])) below++;
      if (!this.isBefore(below, at, order)) break;
      this.move(below, place);
      place = below;
    }
    this.move(from, place);
  }

  private isBefore(place: number, at: number, order: number): boolean {
    const time = this.times[place];
    return time < at || (time === at && this.orders[place] < order);
  }

  private move(from: number, to: number): void {
    this.times[to] = this.times[from];
    this.orders[to] = this.orders[from];
    this.kinds[to] = this.kinds[from];
    this.indexes[to] = this.indexes[from];
    this.serials[to] = this.serials[from];
  }

  private set(
    place: number,
    at: number,
    order: number,
    kind: number,
    index: number,
    serial: number,
  ): void {
    this.times[place] = at;
    this.orders[place] = order;
    this.kinds[place] = kind;
    this.indexes[place] = index;
    this.serials[place] = serial;
  }

  private grow(): void {
    const capacity = 2 * this.times.length;
    const floats = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(capacity);
      grown.set(old);
      return grown;
    };
    const ints = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const grown = new Int32Array(capacity);
      grown.set(old);
      return grown;
    };
    this.times = floats(this.times);
    this.orders = floats(this.orders);
    this.kinds = ints(this.kinds);
    this.indexes = ints(this.indexes);
    this.serials = ints(this.serials);
  }
}
