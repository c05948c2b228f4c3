/**
 * Pretended time. It stands still until it is run, and then jumps from one event to the next:
 * a day passes in as long as its events take to compute. Events due at the same time happen in
 * the order in which they were asked for, so the same program gives the same history.
 */

import type { Alarm, Clock } from '../src/core/base/clock.ts';
import { assert } from '../src/core/base/failure.ts';

/** 2026-01-01T00:00:00Z: what `wallMs` says at the beginning. */
const WALL_START_MS = 1_767_225_600_000;
/** So many events without time passing are a loop that will never end. */
const EVENTS_AT_ONCE = 10_000_000;

export interface SimClock extends Clock {
  /** Lets everything happen that is due up to and including `untilMs`, and leaves time there. */
  run(untilMs: number): void;
  /** Moves on to the next event and lets it happen. False: nothing is planned. */
  step(): boolean;
  /** The wall clock is set: so much later, or earlier. Nothing else hears of it. */
  jump(byMs: number): void;
  /** When it was set last, as of `nowMs`; -Infinity: never. */
  jumpedMs(): number;
  /** Events planned and not cancelled. */
  pending(): number;
}

/** A clock that begins at 0. A wake never runs inside `wakeAt`, only inside `run` or `step`. */
export function createSimClock(): SimClock {
  return new EventQueue();
}

/** One planned event; `place` is its index in the heap, -1 when it has happened or is cancelled. */
class SimEvent implements Alarm {
  readonly queue: EventQueue;
  readonly atMs: number;
  readonly sequence: number;
  readonly wake: () => void;
  place = -1;

  constructor(queue: EventQueue, atMs: number, sequence: number, wake: () => void) {
    this.queue = queue;
    this.atMs = atMs;
    this.sequence = sequence;
    this.wake = wake;
  }

  cancel(): void {
    if (this.place >= 0) this.queue.remove(this.place);
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

/** A binary heap by (time, sequence). */
class EventQueue implements SimClock {
  private readonly heap: SimEvent[] = [];
  private now = 0;
  private sequence = 0;
  private atOnce = 0;
  private wallAheadMs = 0;
  private lastJumpMs = Number.NEGATIVE_INFINITY;

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return WALL_START_MS + this.wallAheadMs + Math.floor(this.now);
  }

  jump(byMs: number): void {
    this.wallAheadMs += byMs;
    this.lastJumpMs = this.now;
  }

  jumpedMs(): number {
    return this.lastJumpMs;
  }

  wakeAt(deadlineMs: number, wake: () => void): Alarm {
    assert(!Number.isNaN(deadlineMs), 'a deadline is a number');
    const atMs = Math.max(deadlineMs, this.now);
    const event = new SimEvent(this, atMs, this.sequence++, wake);
    this.heap.push(event);
    this.rise(event, this.heap.length - 1);
    return event;
  }

  /** All that is due now was planned earlier, so it happens before this. */
  nextTurn(callback: () => void): void {
    this.wakeAt(this.now, callback);
  }

  run(untilMs: number): void {
    while (this.heap.length > 0 && this.heap[0].atMs <= untilMs) this.step();
    if (untilMs > this.now) this.now = untilMs;
  }

  step(): boolean {
    if (this.heap.length === 0) return false;
    const event = this.heap[0];
    this.remove(0);
    this.atOnce = event.atMs > this.now ? 0 : this.atOnce + 1;
    assert(this.atOnce < EVENTS_AT_ONCE, 'simulated time passes');
    this.now = event.atMs;
    event.wake();
    return true;
  }

  pending(): number {
    return this.heap.length;
  }

  remove(place: number): void {
    const heap = this.heap;
    heap[place].place = -1;
    const last = heap.pop();
    if (last === undefined || place === heap.length) return;
    this.rise(last, place);
    this.sink(last, last.place);
  }

  private rise(event: SimEvent, from: number): void {
    const heap = this.heap;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isBefore(event, heap[above])) break;
      heap[place] = heap[above];
      heap[place].place = place;
      place = above;
    }
    heap[place] = event;
    event.place = place;
  }

  private sink(event: SimEvent, from: number): void {
    const heap = this.heap;
    const length = heap.length;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= length) break;
      if (below + 1 < length && isBefore(heap[below + 1], heap[below])) below += 1;
      if (!isBefore(heap[below], event)) break;
      heap[place] = heap[below];
      heap[place].place = place;
      place = below;
    }
    heap[place] = event;
    event.place = place;
  }
}
