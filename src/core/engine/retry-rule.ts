/**
 * Who was tried by an exchange, and whether there may be another attempt
 * (docs/decisions/retries.md).
 */
import type { Failure } from '../base/failure.ts';
import type { Head } from '../http/head.ts';
import { retryAfterMs } from '../http/retry-after.ts';
import type { Pool } from './pool.ts';

/** How long attempts that never reached an application may go on to further backends. */
const SAFE_RETRY_MS = 5000;
/** Attempts at most that have, unless the pool says how many. */
const RETRIES = 1;
/** A request that has lost so many connections may be what breaks them: it is not sent again. */
const LOST_AT_MOST = 2;
/** A backend that asks for more (`Retry-After`) is not tried again by the same exchange. */
const PATIENCE_MS = 1000;

/** One for each exchange under way. Second attempts beside a first are retries as well. */
export class RetryRule {
  /** The slots of the backends that are not to be tried again. */
  readonly tried: number[] = [];
  /** How the last of them failed; null: it did not, or it answered. */
  lastFailure: Failure | null = null;
  /** How long the next attempt waits: all have been tried, and get a rest. */
  pauseMs = 0;
  private startedMs = 0;
  /** Those that the budget paid. */
  private retries = 0;
  private lost = 0;
  private pauses = 0;
  /** How long the longest rest is that a backend has asked for, and gets. */
  private restMs = 0;
  /** Those that asked for a longer one. */
  private readonly resting: number[] = [];

  /** A request begins. */
  begin(nowMs: number): void {
    this.startedMs = nowMs;
    this.retries = this.lost = this.pauses = this.pauseMs = this.restMs = 0;
    this.lastFailure = null;
    // Setting a length is a call into the runtime, and nearly always it is 0 already.
    if (this.tried.length > 0) this.tried.length = 0;
    if (this.resting.length > 0) this.resting.length = 0;
  }

  /** The attempt at this slot failed. `repeatable`: the request may be sent twice. */
  mayRetry(why: Failure, slot: number, repeatable: boolean, pool: Pool, nowMs: number): Again {
    this.exclude(slot);
    this.lastFailure = why;
    this.pauseMs = 0;
    if (why.retry === 'safe') return nowMs - this.startedMs <= SAFE_RETRY_MS ? 'any' : 'no';
    if (why.retry === 'never' || !repeatable || !this.hasLeft(pool)) return 'no';
    const isLate = why.kind === 'timeout_head';
    if (!isLate && ++this.lost >= LOST_AT_MOST) return 'no';
    if (!pool.budget.affords(nowMs) || !this.hasSomebody(pool, slot)) return 'no';
    this.spend(pool, nowMs);
    return isLate ? 'any' : 'fresh';
  }

  /** Would `mayRetry` let it go on to somebody else, were its connection to this slot lost? */
  mayMove(slot: number, pool: Pool, nowMs: number): boolean {
    if (this.lost + 1 >= LOST_AT_MOST || !this.affordsOne(pool, nowMs)) return false;
    return pool.hasUntried([...this.tried, slot]);
  }

  /**
   * The backend in this slot answered a request that may be sent twice with this head: may there be
   * another attempt? If so, and there is, `spend` follows.
   */
  mayRetryAnswer(head: Head, slot: number, pool: Pool, nowMs: number): boolean {
    const { retries } = pool.config;
    if (retries === null || !retries.statuses.includes(head.status)) return false;
    if (!this.affordsOne(pool, nowMs)) return false;
    this.pauseMs = 0;
    this.refused(head, slot);
    return this.hasSomebody(pool, slot);
  }

  /** The backend in this slot gave an answer that the client gets only if it is the last. */
  refused(head: Head, slot: number): void {
    this.exclude(slot);
    this.lastFailure = null;
    const askedMs = retryAfterMs(head);
    if (askedMs > PATIENCE_MS) this.resting.push(slot);
    else this.restMs = Math.max(this.restMs, askedMs);
  }

  /** The attempt at this slot failed, and another one is under way. */
  failedBesideAnother(why: Failure, slot: number): void {
    this.exclude(slot);
    this.lastFailure = why;
    if (why.retry === 'if-idempotent' && why.kind !== 'timeout_head') this.lost++;
  }

  /** May there be one more that is paid from the budget? */
  affordsOne(pool: Pool, nowMs: number): boolean {
    return this.hasLeft(pool) && pool.budget.affords(nowMs);
  }

  private exclude(slot: number): void {
    if (!this.tried.includes(slot)) this.tried.push(slot);
  }

  /** One more attempt, from the budget, which affords it. */
  spend(pool: Pool, nowMs: number): void {
    pool.budget.tryWithdraw(nowMs);
    this.retries++;
  }

  private hasLeft(pool: Pool): boolean {
    return this.retries < (pool.config.retries?.attempts ?? RETRIES);
  }

  /** Another backend first; with none left those that were tried. False: they want to rest. */
  private hasSomebody(pool: Pool, slot: number): boolean {
    const { tried, resting } = this;
    if (pool.hasUntried(tried)) return true;
    if (pool.config.retries === null) {
      tried.splice(tried.indexOf(slot), 1);
      return true;
    }
    tried.length = 0;
    tried.push(...resting);
    if (resting.length > 0 && !pool.hasUntried(tried)) return false;
    this.pauseMs = this.restMs + pool.backoffMs(this.pauses++);
    this.restMs = 0;
    return true;
  }
}

/**
 * Whether there is another attempt. `fresh`: on a connection that has carried no exchange; a kept
 * one may be as dead as the one before.
 */
export type Again = 'no' | 'any' | 'fresh';
