/**
 * A request and what becomes of it, as `core/engine/exchange.ts` does it, with the same queue, rule
 * of retries and budget; only bytes and sockets are left out. Every request is one that may be
 * repeated (GET), whole when it comes, and answered with a head and nothing else. Reused.
 */
import { type Failure, failure } from '../core/base/failure.ts';
import { Timer } from '../core/base/timer-wheel.ts';
import { tellOutcome } from '../core/engine/outcome.ts';
import { type Began, NO_ROOM } from '../core/engine/pool.ts';
import { Place, type Waiter } from '../core/engine/queue.ts';
import { RetryRule } from '../core/engine/retry-rule.ts';
import { timedOut } from '../core/engine/timed-out.ts';
import { NO_KEY } from '../core/http/hash-key.ts';
import type { Head } from '../core/http/head.ts';
import { NO_TRIAL } from '../core/resilience/circuit.ts';
import type { Backend } from '../core/table/backend.ts';
import { endCode } from '../core/telemetry/end-code.ts';
import type { SimBalancer } from './balancer.ts';
import { Job, type Server } from './server.ts';

/** How it ended when a backend answered with a 500; else by the log's end code. */
const STATUS_500 = 'status_500';

/** A backend has the whole request and takes too long; or it is time for another attempt. */
class AttemptTimer extends Timer {
  private readonly exchange: SimExchange;

  constructor(exchange: SimExchange) {
    super();
    this.exchange = exchange;
  }

  onTimer(): void {
    this.exchange.onTimer();
  }
}

export class SimExchange extends Job implements Waiter, Began {
  /** Who asks: its place in the population. */
  client = 0;
  key = NO_KEY;
  arrivedMs = 0;
  /** Which part of the scenario, and of the pictures, it belongs to. */
  phase = 0;
  bucket = 0;
  /** 0 to 1: a backend with more errors than that fails it. */
  luck = 0;
  attemptCount = 0;
  askedMs = 0;
  others = 0;
  trial = 0;
  circuitTrial = NO_TRIAL;
  private home: Backend | null = null;
  private backend: Backend | null = null;
  /** It waits until it may try again. */
  private isPaused = false;
  private readonly balancer: SimBalancer;
  private readonly rule = new RetryRule();
  private readonly place = new Place(this);
  private readonly timer = new AttemptTimer(this);

  constructor(index: number, balancer: SimBalancer) {
    super(index);
    this.balancer = balancer;
  }

  begin(nowMs: number, home: Backend | null): void {
    this.arrivedMs = nowMs;
    this.attemptCount = 0;
    this.home = home;
    this.rule.begin(nowMs);
    this.balancer.pool.budget.deposit(nowMs);
    this.attempt();
  }

  // ---- pick -------------------------------------------------------------------------------------

  private attempt(): void {
    const { pool } = this.balancer;
    const slot = pool.hasTurns ? NO_ROOM : this.enter();
    if (slot === NO_ROOM) this.wait();
    else this.goTo(slot);
  }

  private enter(): number {
    return this.balancer.pool.enter(this.rule.tried, this.key, this.home);
  }

  private goTo(slot: number): void {
    if (slot === -1) this.giveUp(this.balancer.pool.nobody(this.rule.lastFailure));
    else this.connect(slot);
  }

  private wait(): void {
    const { pool } = this.balancer;
    const why = pool.queue === null ? pool.nobody(null) : pool.queue.join(this.place);
    if (why !== null) this.giveUp(why);
  }

  get isChoosy(): boolean {
    return this.rule.tried.length > 0 || this.home !== null;
  }

  get awaited(): Backend | null {
    return this.rule.tried.length > 0 ? null : this.home;
  }

  tryAgain(): boolean {
    const slot = this.enter();
    if (slot === NO_ROOM) return false;
    this.place.queue?.leave(this.place);
    this.goTo(slot);
    return true;
  }

  // ---- connect ----------------------------------------------------------------------------------

  private connect(slot: number): void {
    const { balancer } = this;
    const nowMs = balancer.wheel.nowMs();
    this.backend = balancer.backendAt(slot);
    this.attemptCount++;
    balancer.pool.begin(this, slot, nowMs);
    const server = balancer.serverAt(slot);
    balancer.sent(this, server);
    // Later, as with sockets: a row of those that refuse is no deep stack.
    if (server.isDown) balancer.refuseSoon(this);
    else {
      server.take(this);
      balancer.wheel.set(this.timer, nowMs + this.patienceMs);
    }
  }

  /** How long a backend may take. */
  private get patienceMs(): number {
    const { config, pool } = this.balancer;
    const { responseHeadMs } = config.timeouts;
    return Math.min(responseHeadMs, pool.config.retries?.attemptTimeoutMs ?? responseHeadMs);
  }

  /** The connection was refused. */
  refused(): void {
    const { host, port } = this.backend!.config;
    const cause = `${host}:${port} refused the connection`;
    const why = failure('refused', 'backend', 'connect', 'safe', cause);
    this.balancer.unreached(this.backend!, why);
    this.failed(why);
  }

  // ---- relay ------------------------------------------------------------------------------------

  done(server: Server): void {
    const { balancer, backend } = this;
    balancer.wheel.clear(this.timer);
    const isError = this.luck < server.errors;
    const head = balancer.heads.of(isError ? 500 : 200, server.report);
    tellOutcome(balancer, balancer.pool, backend!, this, head, null);
    if (isError && this.isPassedOver(head, backend!.slot)) return;
    this.leaveTable();
    this.end(isError ? STATUS_500 : null);
  }

  /** As `Attempts` does it: a bad answer is better than none. */
  private isPassedOver(head: Head, slot: number): boolean {
    const { balancer, rule } = this;
    const { pool } = balancer;
    const nowMs = balancer.wheel.nowMs();
    if (!rule.mayRetryAnswer(head, slot, pool, nowMs)) return false;
    const waits = rule.pauseMs > 0;
    const next = waits || pool.hasTurns ? NO_ROOM : this.enter();
    if (next < 0 && !waits) return false;
    rule.spend(pool, nowMs);
    this.leaveTable();
    if (waits) this.pause();
    else this.connect(next);
    return true;
  }

  private pause(): void {
    const { wheel } = this.balancer;
    this.isPaused = true;
    wheel.set(this.timer, wheel.nowMs() + this.rule.pauseMs);
  }

  onTimer(): void {
    if (this.isPaused) {
      this.isPaused = false;
      this.attempt();
    } else this.timedOut();
  }

  broken(): void {
    const cause = 'the backend reset the connection';
    this.failed(failure('reset', 'backend', 'relay', 'if-idempotent', cause));
  }

  private timedOut(): void {
    const { config, pool } = this.balancer;
    const { retries } = pool.config;
    this.server!.drop(this);
    const retry = retries?.onTimeout === true ? 'if-idempotent' : 'never';
    const isShort = retries !== null && retries.attemptTimeoutMs < config.timeouts.responseHeadMs;
    const why = isShort
      ? timedOut.attempt(retries, retry)
      : timedOut.responseHead(config.timeouts, retry);
    this.failed(why);
  }

  isAt(backend: Backend): boolean {
    return this.backend === backend;
  }

  /** Were it lost where it is, would somebody else get it? */
  get goesOnElsewhere(): boolean {
    const { pool, wheel } = this.balancer;
    return this.rule.mayMove(this.backend!.slot, pool, wheel.nowMs());
  }

  /** Ends the attempt from the balancer's side: a drain's deadline, or a backend gone down. */
  cut(why: Failure): void {
    this.server!.drop(this);
    this.failed(why);
  }

  // ---- what can go wrong ------------------------------------------------------------------------

  private failed(why: Failure): void {
    const { balancer, backend, rule } = this;
    balancer.wheel.clear(this.timer);
    if (why.side === 'backend') {
      tellOutcome(balancer, balancer.pool, backend!, this, null, why);
    }
    this.leaveTable();
    const nowMs = balancer.wheel.nowMs();
    const again = rule.mayRetry(why, backend!.slot, true, balancer.pool, nowMs);
    if (again === 'no') this.giveUp(why);
    else if (rule.pauseMs > 0) this.pause();
    else this.attempt();
  }

  giveUp(why: Failure): void {
    this.end(endCode(why));
  }

  private leaveTable(): void {
    this.balancer.leave(this.backend!, this.trial);
  }

  /** `error`: an end code, or `STATUS_500`; null: it has been answered. */
  private end(error: string | null): void {
    const { place } = this;
    place.queue?.leave(place);
    this.balancer.ended(this, error, error === null ? this.backend : null);
  }
}
