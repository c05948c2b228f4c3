/**
 * How many retries a pool can afford: each exchange earns a fifth of one, and what is neither spent
 * nor fresh expires. In any window of 10 s there are at most
 * 3 + exchanges / 5 + credit retries, so that retries never become a storm of their own.
 */

/** Counted in fifths, whole numbers: an exchange earns one, a retry costs five. */
const RETRY_COST = 5;

/** What a pool may always spend, however little goes through it. */
const FLOOR = 3 * RETRY_COST;

const SLICES = 10;
const SLICE_MS = 1000;

/** `nowMs` is the monotonic clock, 0 or more. Every call is O(1) and allocates nothing. */
export class RetryBudget {
  /** What each of the last ten seconds earned less what it spent. */
  private readonly slices = new Int32Array(SLICES);
  private slice = 0;
  private balance = FLOOR;

  /** An exchange began. */
  deposit(nowMs: number): void {
    this.add(1, nowMs);
  }

  /** Is there one retry in it? */
  affords(nowMs: number): boolean {
    this.forget(nowMs);
    return this.balance >= RETRY_COST;
  }

  /** Takes one retry from the budget; false: there is none, do not retry. */
  tryWithdraw(nowMs: number): boolean {
    if (!this.affords(nowMs)) return false;
    this.add(-RETRY_COST, nowMs);
    return true;
  }

  /** A backend went down with `exchanges` in flight on it: each may be tried once more. */
  credit(exchanges: number, nowMs: number): void {
    this.add(exchanges * RETRY_COST, nowMs);
  }

  private add(amount: number, nowMs: number): void {
    this.forget(nowMs);
    this.slices[this.slice % SLICES] += amount;
    this.balance += amount;
  }

  /** Empties the slices that time has passed since the last call. */
  private forget(nowMs: number): void {
    const slice = Math.floor(nowMs / SLICE_MS);
    const passed = Math.min(SLICES, slice - this.slice);
    for (let step = 0; step < passed; step++) {
      const old = (slice - step) % SLICES;
      this.balance -= this.slices[old];
      this.slices[old] = 0;
    }
    if (passed > 0) this.slice = slice;
  }
}
