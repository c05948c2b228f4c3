/**
 * The newest reports of backends about themselves, one of each: what Prequal calls the pool of
 * probes. A report is used a few times at most and not for long, for what it says goes stale; and
 * the worst leave before their time, or those that are left would be the ones nobody wants.
 */

/** Reports that are kept (m in the paper). */
export const KEPT = 16;
/** A report is worth nothing after so long. */
export const MAX_AGE_MS = 1000;

export class Reports {
  /** How many there are: 0 .. count - 1 of what follows. */
  count = 0;
  readonly slots = new Int32Array(KEPT);
  /** Requests in flight there for its weight, with those we have sent since. */
  readonly loads = new Float64Array(KEPT);
  readonly latenciesUs = new Float64Array(KEPT);
  readonly atMs = new Float64Array(KEPT);
  /** How often it may still be used. */
  readonly uses = new Int32Array(KEPT);

  /** In place of the one before of this backend, or of the oldest if there is no room. */
  add(slot: number, load: number, latencyUs: number, nowMs: number, uses: number): void {
    this.forget(slot);
    if (this.count === KEPT) this.remove(this.oldest());
    const at = this.count++;
    this.slots[at] = slot;
    this.loads[at] = load;
    this.latenciesUs[at] = latencyUs;
    this.atMs[at] = nowMs;
    this.uses[at] = uses;
  }

  /** Is there one of this backend that is not older? */
  isNewer(slot: number, atMs: number): boolean {
    for (let at = 0; at < this.count; at++) {
      if (this.slots[at] === slot) return this.atMs[at] >= atMs;
    }
    return false;
  }

  /** What this backend has said is not true any more. */
  forget(slot: number): void {
    for (let at = 0; at < this.count; at++) {
      if (this.slots[at] !== slot) continue;
      this.remove(at);
      return;
    }
  }

  /** Of those who are no longer among `slots`: another backend may have theirs. */
  keepOnly(slots: Int32Array): void {
    for (let at = this.count - 1; at >= 0; at--) {
      if (!slots.includes(this.slots[at])) this.remove(at);
    }
  }

  expire(nowMs: number): void {
    for (let at = this.count - 1; at >= 0; at--) {
      const ageMs = nowMs - this.atMs[at];
      // A clock that was set back makes them no younger.
      if (ageMs > MAX_AGE_MS || ageMs < 0) this.remove(at);
    }
  }

  /** One more exchange goes there because of this report. */
  use(at: number, load: number): void {
    this.loads[at] += load;
    this.uses[at] -= 1;
    if (this.uses[at] <= 0) this.remove(at);
  }

  removeOldest(): void {
    if (this.count > 0) this.remove(this.oldest());
  }

  /** Of those above `limit` the most loaded one; if there is none, the slowest. */
  removeWorst(limit: number): void {
    let worst = -1;
    let isHot = false;
    for (let at = 0; at < this.count; at++) {
      const hot = this.loads[at] > limit;
      if (worst === -1 || (hot && !isHot)) worst = at;
      else if (hot !== isHot) continue;
      else if (hot ? this.loads[at] > this.loads[worst] : this.isSlower(at, worst)) worst = at;
      isHot = this.loads[worst] > limit;
    }
    if (worst !== -1) this.remove(worst);
  }

  private isSlower(at: number, other: number): boolean {
    return this.latenciesUs[at] > this.latenciesUs[other];
  }

  private oldest(): number {
    let oldest = 0;
    for (let at = 1; at < this.count; at++) {
      if (this.atMs[at] < this.atMs[oldest]) oldest = at;
    }
    return oldest;
  }

  /** The last one takes its place. */
  private remove(at: number): void {
    const last = --this.count;
    this.slots[at] = this.slots[last];
    this.loads[at] = this.loads[last];
    this.latenciesUs[at] = this.latenciesUs[last];
    this.atMs[at] = this.atMs[last];
    this.uses[at] = this.uses[last];
  }
}
