/**
 * Is a client too slow? While a body comes, or an answer is being taken, its bytes are counted in
 * windows: silence for too long, or some bytes but fewer than the minimum rate, end the exchange.
 * A window in which it could not go on, because of us or of the backend, does not count.
 */
import { type Failure, failure } from '../base/failure.ts';
import type { LimitsConfig, TimeoutsConfig } from '../config.ts';
import { timedOut } from './timed-out.ts';

/** The rate is looked at this often, and so begins to count after so long. */
export const PACE_WINDOW_MS = 5000;

export class Pace {
  /** Bytes in this window. */
  moved = 0;
  /** In this window there was a time when the client could do no more. */
  heldBack = false;
  private silentSinceMs = 0;

  start(nowMs: number): void {
    this.moved = 0;
    this.heldBack = false;
    this.silentSinceMs = nowMs;
  }

  /** A window is over. Null: go on with the next. */
  judge(nowMs: number, limits: LimitsConfig, timeouts: TimeoutsConfig): Failure | null {
    const { moved, heldBack } = this;
    if (moved > 0 || heldBack) this.silentSinceMs = nowMs;
    this.moved = 0;
    this.heldBack = false;
    if (nowMs - this.silentSinceMs >= timeouts.idleMs) return timedOut.client(timeouts);
    const rate = limits.minRateBytesPerSecond;
    // A peer that pauses is judged by silence only.
    if (heldBack || moved === 0 || moved >= (rate * PACE_WINDOW_MS) / 1000) return null;
    const cause = `slower than ${rate} bytes per second (limits.min_rate)`;
    return failure('too_slow', 'client', 'relay', 'never', cause);
  }
}
