/** Time as the engine sees it: handed in, so that it can be pretended. */

export interface Alarm {
  /** Idempotent; after it the wake is never called. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds with a fraction, from an arbitrary zero. */
  nowMs(): number;
  /** Milliseconds since 1970, for dates in headers and logs only. May jump. */
  wallMs(): number;
  /** Calls `wake` once, not before `deadlineMs` (as of `nowMs`); a past one wakes soon, not now. */
  wakeAt(deadlineMs: number, wake: () => void): Alarm;
  /**
   * Calls back once after the loop has asked the kernel for events again and delivered them: what
   * was readable when this was called has been read by then.
   */
  nextTurn(callback: () => void): void;
}
