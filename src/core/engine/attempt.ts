/**
 * One try of an exchange on one backend: its place there, its connection, and how the backend is
 * judged by it. One object carries many attempts, one at a time.
 */
import { type Failure, failure, type Retry } from '../base/failure.ts';
import type { Head } from '../http/head.ts';
import type { ResponseFacts } from '../http/response-facts.ts';
import { NO_TRIAL } from '../resilience/circuit.ts';
import type { Backend } from '../table/backend.ts';
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { tellOutcome } from './outcome.ts';
import type { AttemptEvents, BackendSide } from './sides.ts';
import { timedOut } from './timed-out.ts';

export class Attempt implements AttemptEvents {
  readonly exchange: Exchange;
  /** Of the current or last one; null: none yet. */
  backend: Backend | null = null;
  /** The connection, once it is open. */
  side: BackendSide | null = null;
  /** The connection that is being opened for it, or its wait for one. */
  dialing: Pick<BackendSide, 'abandon'> | null = null;
  /** Counts the attempts that this object has carried. */
  serial = 0;
  /** Since when the backend has all it needs to answer, as far as we can tell. */
  askedMs = 0;
  /** Exchanges that the backend had besides when this one came there. */
  others = 0;
  /** The trial of the backend that it is on; 0: none. */
  trial = 0;
  /** The trial of the pool's circuit that it is on; NO_TRIAL: none. */
  circuitTrial = NO_TRIAL;
  private readonly engine: Engine;
  /** It counts as in flight at its backend. */
  private inTable = false;
  /** What `patienceMs` has said last. */
  private limitMs = 0;

  constructor(exchange: Exchange, engine: Engine) {
    this.exchange = exchange;
    this.engine = engine;
  }

  /** Another exchange begins, which has tried nobody yet. */
  forget(): void {
    this.backend = null;
  }

  /** Goes to the backend in this slot, which it has entered in the table. */
  begin(slot: number): void {
    const { engine, exchange } = this;
    const link = engine.link(slot);
    this.serial++;
    this.backend = link.backend;
    this.inTable = true;
    exchange.pool!.begin(this, slot, engine.wheel.nowMs());
    link.acquire(this);
  }

  /** It has neither been answered nor failed. */
  get isUnderWay(): boolean {
    return this.inTable;
  }

  onBackendOpen(side: BackendSide): void {
    this.dialing = null;
    this.side = side;
    this.exchange.onBackendOpen(side);
  }

  onInterim(head: Head): void {
    this.exchange.onInterim(this, head);
  }

  onResponse(head: Head, facts: ResponseFacts): void {
    tellOutcome(this.engine, this.exchange.pool!, this.backend!, this, head, null);
    this.exchange.onResponse(this, head, facts);
  }

  onBackendFailure(why: Failure): void {
    const { engine, exchange, side } = this;
    this.dialing = null;
    this.side = null;
    if (exchange.responded) {
      exchange.breakOff(why);
      return;
    }
    // On a kept connection it may just have been the end of its idle time.
    const mayBeIdleTime =
      side?.reused === true && why.retry !== 'never' && why.kind !== 'timeout_head';
    if (why.side === 'backend' && !mayBeIdleTime) {
      tellOutcome(engine, exchange.pool!, this.backend!, this, null, why);
    }
    this.leave();
    exchange.attempts.failed(this, why);
  }

  /** It is the backend's turn: all there is of the request for now has been handed over. */
  get isAsked(): boolean {
    const { exchange } = this;
    return exchange.requestEnded || exchange.awaitsContinue;
  }

  /** How long the backend, whose turn it is, may take until the response's head. */
  patienceMs(): number {
    const { exchange } = this;
    const { responseHeadMs } = this.engine.timeouts;
    const { retries } = exchange.pool!.config;
    if (retries === null) return responseHeadMs;
    const { isRepeatable } = exchange;
    this.limitMs = isRepeatable
      ? Math.min(responseHeadMs, retries.attemptTimeoutMs)
      : responseHeadMs;
    return this.limitMs;
  }

  /** It has taken longer. */
  tookTooLong(): Failure {
    const { timeouts } = this.engine;
    const { retries } = this.exchange.pool!.config;
    const retry = retries?.onTimeout === true && !this.side!.heard ? 'if-idempotent' : 'never';
    const isShort = retries !== null && this.limitMs === retries.attemptTimeoutMs;
    return isShort ? timedOut.attempt(retries, retry) : timedOut.responseHead(timeouts, retry);
  }

  /**
   * A probe took the backend down: what waits there without an answer is tried elsewhere, if it can
   * be; else its answer may still come.
   */
  backendWentDown(): void {
    const { exchange, side } = this;
    if (exchange.responded || exchange.tunnel || side?.heard) return;
    const cause = 'a probe took the backend down';
    // Still connecting: no application has seen a byte of it.
    if (side === null) this.cut('unreachable', cause, 'safe');
    else if (exchange.attempts.goesOnWithout(this)) this.cut('closed', cause, 'if-idempotent');
  }

  /** Ends it from our side: a drain's deadline, or a backend gone down. */
  cut(kind: 'closed' | 'unreachable' | 'stopping', cause: string, retry: Retry): void {
    const side = kind === 'stopping' ? 'us' : 'backend';
    this.abandon();
    this.onBackendFailure(failure(kind, side, this.exchange.phase, retry, cause));
  }

  /** Its answer cannot be used. */
  fail(cause: string): void {
    this.abandon();
    this.onBackendFailure(failure('malformed', 'backend', 'relay', 'never', cause));
  }

  /** Nobody waits for its answer any more; that is not the backend's failure. */
  cancel(): void {
    const { backend, engine, exchange } = this;
    this.abandon();
    if (this.inTable) exchange.pool!.tell(backend!.slot, this, engine.wheel.nowMs(), 'abandoned');
    this.leave();
  }

  /** Closes its connection, in whatever state that is. */
  abandon(): void {
    const { side, dialing } = this;
    this.side = this.dialing = null;
    if (side !== null) side.abandon();
    else dialing?.abandon();
  }

  /** The client does not see the response that has just begun. */
  discard(): void {
    const side = this.side!;
    this.side = null;
    side.discard();
    this.leave();
  }

  /** Gives back its place at the backend, if it still has it. */
  leave(): void {
    if (!this.inTable) return;
    this.inTable = false;
    this.engine.leave(this.backend!, this.trial);
  }
}
