/**
 * The attempts of one exchange: who was tried, and whether there may be another
 * (docs/decisions/retries.md).
 */
import type { Failure } from '../base/failure.ts';
import type { Pool } from './pool.ts';

/** How long attempts that never reached an application may go on to further backends. */
const SAFE_RETRY_MS = 5000;

/** One for each exchange under way. */
export class Attempts {
  /** The slots of the backends that are not to be tried again. */
  readonly tried: number[] = [];
  /** How the last of them failed. */
  lastFailure: Failure | null = null;
  /** Since when the backend of the last one has all it needs to answer, as far as we can tell. */
  askedMs = 0;
  /** Exchanges that the backend of the last one had besides when it came there. */
  others = 0;
  private startedMs = 0;
  private retried = false;

  /** A request begins. */
  begin(nowMs: number): void {
    this.startedMs = nowMs;
    this.retried = false;
    this.lastFailure = null;
    // Setting a length is a call into the runtime, and nearly always it is 0 already.
    if (this.tried.length > 0) this.tried.length = 0;
  }

  /** An attempt begins at a backend that has so many others. */
  goTo(nowMs: number, others: number): void {
    this.askedMs = nowMs;
    this.others = others;
  }

  /** The attempt at this slot failed. `repeatable`: the request is idempotent. */
  mayRetry(why: Failure, slot: number, repeatable: boolean, pool: Pool, nowMs: number): Again {
    this.tried.push(slot);
    this.lastFailure = why;
    if (why.retry === 'safe') return nowMs - this.startedMs <= SAFE_RETRY_MS ? 'any' : 'no';
    if (why.retry !== 'if-idempotent' || this.retried || !repeatable) return 'no';
    if (!pool.budget.tryWithdraw(nowMs)) return 'no';
    this.retried = true;
    // Another backend first, with none left the same one.
    if (!pool.hasUntried(this.tried)) this.tried.splice(this.tried.indexOf(slot), 1);
    return 'fresh';
  }
}

/**
 * Whether there is another attempt. `fresh`: on a connection that has carried no exchange; a kept
 * one may be as dead as the one before, and there is only this one retry.
 */
export type Again = 'no' | 'any' | 'fresh';
