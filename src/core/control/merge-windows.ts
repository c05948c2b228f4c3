/**
 * How often the schedule of a large pool is worked out anew. That costs more the more backends
 * there are, and when thousands of them start or fall, each verdict would pay for all of them. So
 * the first change counts at once, and those that follow within a window are worked out together at
 * its end (Envoy's `update_merge_window`). Who has gone down in between is refused all the same:
 * workers look at the table, not only at the schedule. Small pools have no window.
 */
import { placers } from '../balancing/balancing.ts';
import type { Alarm, Clock } from '../base/clock.ts';
import type { Pool } from './members.ts';

/**
 * For each backend: some fifty times what its turn in a schedule costs, and ten times what its
 * places in a table of hashes do.
 */
const MS_PER_BACKEND = 0.02;
const PLACED_MS_PER_BACKEND = 1;

/** What would be shorter is not worth waiting for. */
const SHORTEST_MS = 10;
const LONGEST_MS = 5000;

/** How long changes of this pool are merged; milliseconds, 0: never. */
export function mergeWindowMs(policy: Pool['config']['policy'], backends: number): number {
  const each = placers[policy] === undefined ? MS_PER_BACKEND : PLACED_MS_PER_BACKEND;
  const lengthMs = Math.min(LONGEST_MS, backends * each);
  return lengthMs < SHORTEST_MS ? 0 : lengthMs;
}

interface Window {
  readonly endMs: number;
  /** That wait for its end. */
  changes: number;
  /** Null: none does. */
  alarm: Alarm | null;
}

export class MergeWindows {
  private readonly clock: Clock;
  private readonly lengthMs: (pool: Pool) => number;
  /** The schedule is to be worked out anew, which begins the next window. */
  private readonly ended: (pool: Pool) => void;
  private readonly windows = new Map<Pool, Window>();

  constructor(clock: Clock, lengthMs: (pool: Pool) => number, ended: (pool: Pool) => void) {
    this.clock = clock;
    this.lengthMs = lengthMs;
    this.ended = ended;
  }

  /** The schedule is worked out now: nothing waits any more. */
  begin(pool: Pool): void {
    this.windows.get(pool)?.alarm?.cancel();
    this.windows.delete(pool);
    const lengthMs = this.lengthMs(pool);
    if (lengthMs === 0) return;
    this.windows.set(pool, { endMs: this.clock.nowMs() + lengthMs, changes: 0, alarm: null });
  }

  /**
   * May this change wait for the end of the window? Not when it is over, nor when half as many wait
   * as the schedule has backends: they would have too much to carry, or be too hard to find.
   */
  merges(pool: Pool, scheduled: number): boolean {
    const window = this.windows.get(pool);
    if (window === undefined || this.clock.nowMs() >= window.endMs) return false;
    window.changes++;
    if (window.changes * 2 >= scheduled) return false;
    window.alarm ??= this.clock.wakeAt(window.endMs, () => this.ended(pool));
    return true;
  }

  /** These are the pools now. */
  configured(pools: readonly Pool[]): void {
    for (const [pool, { alarm }] of [...this.windows]) {
      if (pools.includes(pool)) continue;
      alarm?.cancel();
      this.windows.delete(pool);
    }
  }

  stop(): void {
    for (const { alarm } of this.windows.values()) alarm?.cancel();
    this.windows.clear();
  }
}
