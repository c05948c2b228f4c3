/**
 * Real time: the Clock port on Node's (and Bun's) timers.
 *
 * Within the handling of one event the clock stands still: an event asks for the time some ten
 * times, and each answer would cost as much as copying a head.
 */
import { performance } from 'node:perf_hooks';
import type { Alarm, Clock } from '../../core/base/clock.ts';

/** The longest delay a timer takes; above it `setTimeout` would fire at once. */
const LONGEST_DELAY_MS = 0x7fffffff;

/** The clock of this thread. Timers keep the process alive until they are cancelled. */
export function createNodeClock(): Clock {
  const turns = new Turns();
  return {
    nowMs: () => {
      if (!inEvent) return performance.now();
      if (eventNowMs < 0) eventNowMs = performance.now();
      return eventNowMs;
    },
    wallMs: () => {
      if (!inEvent) return Date.now();
      if (eventWallMs < 0) eventWallMs = Date.now();
      return eventWallMs;
    },
    wakeAt: (deadlineMs, wake) => new NodeAlarm(deadlineMs, wake),
    nextTurn: (callback) => turns.add(callback),
  };
}

let inEvent = false;
/** Negative: the event has not asked yet. */
let eventNowMs = -1;
let eventWallMs = -1;

/** From here on the clocks of this thread stand still. `endEvent` must follow in the same turn. */
export function beginEvent(): void {
  inEvent = true;
  eventNowMs = -1;
  eventWallMs = -1;
}

/** The clocks go on. */
export function endEvent(): void {
  inEvent = false;
}

/** Calls each, as one event. */
export function callAll(callbacks: readonly (() => void)[]): void {
  beginEvent();
  try {
    for (const callback of callbacks) callback();
  } finally {
    endEvent();
  }
}

class NodeAlarm implements Alarm {
  readonly deadlineMs: number;
  readonly wake: () => void;
  timer: NodeJS.Timeout;

  constructor(deadlineMs: number, wake: () => void) {
    this.deadlineMs = deadlineMs;
    this.wake = wake;
    this.timer = setTimeout(ring, delayUntil(deadlineMs), this);
  }

  cancel(): void {
    clearTimeout(this.timer);
  }
}

function delayUntil(deadlineMs: number): number {
  const delay = Math.ceil(deadlineMs - performance.now());
  return Math.min(Math.max(delay, 1), LONGEST_DELAY_MS);
}

/** Timers run on whole milliseconds of another zero and may be early: then the rest is waited. */
function ring(alarm: NodeAlarm): void {
  if (performance.now() >= alarm.deadlineMs) alarm.wake();
  else alarm.timer = setTimeout(ring, delayUntil(alarm.deadlineMs), alarm);
}

/**
 * Callbacks that wait for a whole poll phase. An immediate set while events are being delivered
 * runs before the kernel is asked again, so a callback waits for two: the first makes it ripe,
 * the second, with a poll between them, calls it. One immediate is outstanding at most.
 */
class Turns {
  private fresh: (() => void)[] = [];
  private ripe: (() => void)[] = [];
  private spare: (() => void)[] = [];
  private waiting = false;
  private readonly onImmediate = (): void => this.turn();

  add(callback: () => void): void {
    this.fresh.push(callback);
    this.wait();
  }

  private wait(): void {
    if (this.waiting) return;
    this.waiting = true;
    setImmediate(this.onImmediate);
  }

  private turn(): void {
    this.waiting = false;
    const due = this.ripe;
    this.ripe = this.fresh;
    this.fresh = this.spare;
    this.spare = due;
    if (this.ripe.length > 0) this.wait();
    if (due.length === 0) return;
    try {
      callAll(due);
    } finally {
      due.length = 0;
    }
  }
}
