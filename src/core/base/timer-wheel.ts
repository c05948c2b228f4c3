/**
 * One timer wheel per worker carries every deadline of its connections. A deadline is a number in
 * an intrusive node: moving it later costs one store, and the wheel looks again when the old one
 * comes up.
 *
 * A late loop proves nothing: when the wheel is woken more than 250 ms late, the time lost is taken
 * out of `nowMs`, so that every deadline moves by the lag, and the socket events that waited are
 * delivered first.
 */
import type { Clock } from './clock.ts';

/** How exact a deadline is unless a wheel is told otherwise. */
export const TICK_MS = 50;
/** A wake-up later than this is a stall of ours, not anybody's silence. */
export const LATE_MS = 250;
const SLOTS = 1024;

/** A deadline of something. Extend it, or hold one; it is in at most one wheel. */
export abstract class Timer {
  /** Wheel time; Infinity: off. Set through the wheel. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** Wheel internals. */
  tick = -1;
  next: Timer | null = null;
  previous: Timer | null = null;

  /** The deadline has passed. It is off now, and may be set again from here. */
  abstract onTimer(nowMs: number): void;
}

export class TimerWheel {
  private readonly clock: Clock;
  private readonly onLate: (lagMs: number) => void;
  private readonly tickMs: number;
  private readonly slots: (Timer | null)[] = new Array(SLOTS).fill(null);
  /** Clock time lost to late loops: wheel time = clock time - lost. */
  private lostMs = 0;
  private doneTick: number;
  private linked = 0;
  private wakeDueMs = 0;
  private armed = false;
  /** Time was lost, and the wake-up has not come since. */
  private wasLate = false;
  private readonly wake = (): void => this.onWake();
  private readonly afterDrain = (): void => this.advance();

  /** A deadline fires 0 to `tickMs` late (a late loop apart), never early. */
  constructor(clock: Clock, onLate: (lagMs: number) => void = () => {}, tickMs = TICK_MS) {
    this.clock = clock;
    this.onLate = onLate;
    this.tickMs = tickMs;
    this.doneTick = Math.floor(clock.nowMs() / tickMs);
  }

  /** Wheel time in milliseconds: the clock's, less what late loops lost. */
  nowMs(): number {
    const nowMs = this.clock.nowMs();
    // After a stall socket events may come before the wake-up: the time is lost for them as well.
    if (this.armed && nowMs - this.wakeDueMs > LATE_MS) this.lose(nowMs - this.wakeDueMs);
    return nowMs - this.lostMs;
  }

  private lose(lagMs: number): void {
    this.lostMs += lagMs;
    this.wakeDueMs += lagMs;
    this.wasLate = true;
    this.onLate(lagMs);
  }

  /** Timers in the wheel; for leak checks. */
  get size(): number {
    return this.linked;
  }

  /** Sets (or moves) the deadline of `timer`, in wheel time. */
  set(timer: Timer, deadlineMs: number): void {
    timer.deadlineMs = deadlineMs;
    let tick = Math.ceil(deadlineMs / this.tickMs);
    if (timer.tick !== -1) {
      if (timer.tick <= tick) return;
      this.unlink(timer);
    }
    if (this.linked === 0) this.doneTick = Math.floor(this.nowMs() / this.tickMs);
    if (tick <= this.doneTick) tick = this.doneTick + 1;
    // Far deadlines are looked at again when the wheel has gone round.
    if (tick >= this.doneTick + SLOTS) tick = this.doneTick + SLOTS - 1;
    this.link(timer, tick);
    if (!this.armed) this.arm();
  }

  /** Turns the deadline off; cheap, the node leaves the wheel when its slot comes up. */
  clear(timer: Timer): void {
    timer.deadlineMs = Number.POSITIVE_INFINITY;
  }

  /** Takes the node out of the wheel now: its owner is gone. */
  remove(timer: Timer): void {
    timer.deadlineMs = Number.POSITIVE_INFINITY;
    if (timer.tick !== -1) this.unlink(timer);
  }

  private arm(): void {
    // The next border of ticks: a wake-up between two borders would add a part of a tick.
    const tick = Math.floor(this.nowMs() / this.tickMs) + 1;
    this.wakeDueMs = tick * this.tickMs + this.lostMs;
    this.armed = true;
    this.clock.wakeAt(this.wakeDueMs, this.wake);
  }

  private onWake(): void {
    const lagMs = this.clock.nowMs() - this.wakeDueMs;
    if (lagMs > LATE_MS) this.lose(lagMs);
    if (!this.wasLate) {
      this.advance();
      return;
    }
    this.wasLate = false;
    this.clock.nextTurn(this.afterDrain);
  }

  private advance(): void {
    const now = this.nowMs();
    const upTo = Math.floor(now / this.tickMs);
    while (this.doneTick < upTo && this.linked > 0) {
      this.doneTick++;
      this.fire(this.doneTick, now);
    }
    this.doneTick = upTo;
    this.armed = false;
    if (this.linked > 0) this.arm();
  }

  private fire(tick: number, now: number): void {
    let timer = this.slots[tick % SLOTS]!;
    // Taken off whole first: what fires may set timers anew, also into this slot.
    const due: Timer[] = [];
    for (; timer !== null; timer = timer.next!) due.push(timer);
    for (const each of due) {
      if (each.tick === -1) continue;
      this.unlink(each);
      if (each.deadlineMs === Number.POSITIVE_INFINITY) continue;
      if (each.deadlineMs > now) {
        this.set(each, each.deadlineMs);
        continue;
      }
      each.deadlineMs = Number.POSITIVE_INFINITY;
      each.onTimer(now);
    }
  }

  private link(timer: Timer, tick: number): void {
    const slot = tick % SLOTS;
    const head = this.slots[slot]!;
    timer.tick = tick;
    timer.previous = null;
    timer.next = head;
    if (head !== null) head.previous = timer;
    this.slots[slot] = timer;
    this.linked++;
  }

  private unlink(timer: Timer): void {
    if (timer.previous !== null) timer.previous.next = timer.next;
    else this.slots[timer.tick % SLOTS] = timer.next;
    if (timer.next !== null) timer.next.previous = timer.previous;
    timer.tick = -1;
    timer.next = null;
    timer.previous = null;
    this.linked--;
  }
}
