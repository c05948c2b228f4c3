/**
 * After how long idle a backend closes its connections, learned from seeing it close them. A close
 * that was seen once may have been a restart: two of them count, some time apart, and what was
 * learned is forgotten after a while, because backends are configured anew.
 */

/** Closes nearer to each other are one event. */
const APART_MS = 1000;
const REMEMBERED_MS = 600_000;
/** How much of the learned time is used. */
const UNDERCUT = 0.8;

export class IdleClose {
  private learnedMs = Number.POSITIVE_INFINITY;
  private learnedAtMs = 0;
  private onceMs = Number.POSITIVE_INFINITY;
  private onceAtMs = 0;

  /** The backend closed a connection that had been idle for `idleMs`. */
  seen(idleMs: number, nowMs: number): void {
    const confirms = nowMs - this.onceAtMs <= REMEMBERED_MS && this.onceMs < Infinity;
    if (confirms && nowMs - this.onceAtMs < APART_MS) {
      this.onceMs = Math.max(this.onceMs, idleMs);
      return;
    }
    if (confirms) {
      // The longer of the two: the shorter one may have been a restart.
      const learnedMs = Math.max(idleMs, this.onceMs, 1);
      if (learnedMs < this.usable(nowMs)) {
        this.learnedMs = learnedMs;
        this.learnedAtMs = nowMs;
      }
    }
    this.onceMs = idleMs;
    this.onceAtMs = nowMs;
  }

  /** How long a connection may be idle and still be used; Infinity: nothing is known. */
  usableMs(nowMs: number): number {
    return this.usable(nowMs) * UNDERCUT;
  }

  private usable(nowMs: number): number {
    return nowMs - this.learnedAtMs <= REMEMBERED_MS ? this.learnedMs : Number.POSITIVE_INFINITY;
  }
}
