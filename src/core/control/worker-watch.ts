/**
 * Who of the workers still lives: each beats in its slab, and one that has not for 5 s is to be
 * ended and replaced. Time in which we did not look ourselves is nobody's silence.
 */
import type { Alarm, Clock } from '../base/clock.ts';
import type { Slabs } from '../table/slabs.ts';

const LOOK_MS = 100;
const SILENCE_MS = 5000;
/** A look later than this is a stall of ours. */
const LATE_MS = 250;

export interface WorkerWatchEvents {
  /** It has said nothing for so long. Told once until it is `begun` again. */
  silent(worker: number, silentMs: number): void;
  /** This thread's own loop was this much too late. */
  late(lagMs: number): void;
}

interface Watched {
  beats: number;
  /** When they last changed. */
  sinceMs: number;
}

export class WorkerWatch {
  private readonly slabs: Slabs;
  private readonly clock: Clock;
  private readonly events: WorkerWatchEvents;
  private readonly watched = new Map<number, Watched>();
  private alarm: Alarm | null = null;
  private dueMs = 0;

  constructor(slabs: Slabs, clock: Clock, events: WorkerWatchEvents) {
    this.slabs = slabs;
    this.clock = clock;
    this.events = events;
  }

  /** It has been started, and is watched from now on. */
  begin(worker: number): void {
    this.watched.set(worker, { beats: this.slabs.beats(worker), sinceMs: this.clock.nowMs() });
    if (this.alarm === null) this.arm();
  }

  /** It is not watched any more. */
  forget(worker: number): void {
    this.watched.delete(worker);
  }

  stop(): void {
    this.alarm?.cancel();
    this.alarm = null;
    this.watched.clear();
  }

  private arm(): void {
    this.dueMs = this.clock.nowMs() + LOOK_MS;
    this.alarm = this.clock.wakeAt(this.dueMs, () => this.look());
  }

  private look(): void {
    const nowMs = this.clock.nowMs();
    const lagMs = nowMs - this.dueMs;
    this.arm();
    if (lagMs > LATE_MS) {
      for (const each of this.watched.values()) each.sinceMs += lagMs;
      this.events.late(lagMs);
    }
    for (const [worker, each] of [...this.watched]) {
      const beats = this.slabs.beats(worker);
      if (beats !== each.beats) {
        each.beats = beats;
        each.sinceMs = nowMs;
      } else if (nowMs - each.sinceMs >= SILENCE_MS) {
        this.forget(worker);
        this.events.silent(worker, nowMs - each.sinceMs);
      }
    }
  }
}
