/**
 * The attempts of one exchange: one after the other, and with `hedge` a second one beside one that
 * takes long. Whichever is answered first is the one that goes on.
 */
import type { Failure } from '../base/failure.ts';
import { Timer } from '../base/timer-wheel.ts';
import type { Head } from '../http/head.ts';
import { Attempt } from './attempt.ts';
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { isFailure, NO_ROOM } from './pool.ts';
import { RetryRule } from './retry-rule.ts';

/** As a timer: of the wait before another attempt, or before a second one. */
export class Attempts extends Timer {
  /** The one under way, or the last one. */
  current: Attempt;
  readonly rule = new RetryRule();
  private readonly exchange: Exchange;
  private readonly engine: Engine;
  /** A second one that is under way beside it. */
  private rival: Attempt | null = null;
  /** Carries the second one; made when the first is needed. */
  private spare: Attempt | null = null;

  constructor(exchange: Exchange, engine: Engine) {
    super();
    this.exchange = exchange;
    this.engine = engine;
    this.current = new Attempt(exchange, engine);
  }

  /** An exchange begins. */
  begin(nowMs: number): void {
    this.current.forget();
    this.rule.begin(nowMs);
  }

  /** To the backend in this slot, which has been entered. */
  goTo(slot: number): void {
    this.exchange.record.attempts++;
    this.current.begin(slot);
    if (this.exchange.requestEnded) this.prepareHedge();
  }

  /** The request is whole. */
  asked(): void {
    this.current.askedMs = this.engine.wheel.nowMs();
    if (this.exchange.pool!.config.hedge !== null) this.prepareHedge();
  }

  /** One is not there yet, and needs what has come of the request. */
  get isWaiting(): boolean {
    return this.current.side === null || this.rival?.side === null;
  }

  // ---- one after the other --------------------------------------------------------------------

  /** There was no answer to this one. */
  failed(attempt: Attempt, why: Failure): void {
    const { engine, exchange, rule } = this;
    const { slot } = attempt.backend!;
    engine.fineWheel.clear(this);
    if (this.rival !== null) {
      rule.failedBesideAnother(why, slot);
      this.leaveTo(attempt);
      return;
    }
    const again = exchange.isKept
      ? rule.mayRetry(why, slot, exchange.isRepeatable, exchange.pool!, engine.wheel.nowMs())
      : 'no';
    if (again === 'no') {
      exchange.giveUp(why);
      return;
    }
    if (again === 'fresh') exchange.wantsFresh = true;
    if (rule.pauseMs > 0) this.pause();
    else this.goOn();
  }

  /** If this one were lost now, is there another one, or would there be one elsewhere? */
  goesOnWithout({ backend }: Attempt): boolean {
    const { engine, exchange, rule } = this;
    if (this.rival !== null) return true;
    if (!exchange.isRepeatable) return false;
    return rule.mayMove(backend!.slot, exchange.pool!, engine.wheel.nowMs());
  }

  /** This one is answered. True: the client should not see that, as there is another attempt. */
  isPassedOver(attempt: Attempt, head: Head): boolean {
    const { engine, exchange, rule } = this;
    const pool = exchange.pool!;
    const { slot } = attempt.backend!;
    if (this.rival !== null) {
      if (!isFailure(head.status)) return false;
      rule.refused(head, slot);
      attempt.discard();
      this.leaveTo(attempt);
      return true;
    }
    const nowMs = engine.wheel.nowMs();
    if (!exchange.isRepeatable || !rule.mayRetryAnswer(head, slot, pool, nowMs)) return false;
    const waits = rule.pauseMs > 0;
    // A bad answer is better than none: somebody else must have room now.
    const next = waits || pool.hasTurns ? NO_ROOM : exchange.enter();
    if (next < 0 && !waits) return false;
    rule.spend(pool, nowMs);
    engine.fineWheel.clear(this);
    attempt.discard();
    if (waits) this.pause();
    else {
      exchange.connect(next);
      exchange.flushRequest();
    }
    return true;
  }

  private pause(): void {
    const { fineWheel } = this.engine;
    fineWheel.set(this, fineWheel.nowMs() + this.rule.pauseMs);
  }

  private goOn(): void {
    this.exchange.attempt();
    this.exchange.flushRequest();
  }

  override onTimer(): void {
    if (this.current.isUnderWay) this.hedge();
    else this.goOn();
  }

  // ---- a second one ---------------------------------------------------------------------------

  private prepareHedge(): void {
    const { engine, exchange } = this;
    const afterMs = exchange.pool!.hedgeAfterMs;
    if (afterMs === Number.POSITIVE_INFINITY || !this.current.isUnderWay) return;
    if (!exchange.isRepeatable || exchange.facts.upgrade) return;
    engine.fineWheel.set(this, engine.fineWheel.nowMs() + afterMs);
  }

  /** The first one takes long: a second, if somebody else has room now and the budget pays. */
  private hedge(): void {
    const { current, engine, exchange, rule } = this;
    const pool = exchange.pool!;
    if (exchange.responded || current.side?.heard || !exchange.isRepeatable) return;
    const nowMs = engine.wheel.nowMs();
    if (pool.hasTurns || !rule.affordsOne(pool, nowMs)) return;
    rule.tried.push(current.backend!.slot);
    const slot = pool.enterSpare(rule.tried, exchange.key, exchange);
    if (slot === -1) {
      rule.tried.pop();
      return;
    }
    rule.spend(pool, nowMs);
    exchange.record.attempts++;
    exchange.record.hedged = true;
    const rival = this.spare ?? new Attempt(exchange, engine);
    this.spare = null;
    this.rival = rival;
    rival.begin(slot);
    rival.side?.flush();
  }

  /** This one has an answer for the client: the other is called off. */
  won(attempt: Attempt): void {
    const { slowness } = this.exchange.pool!;
    // The first one has taken at least so long, also when it has lost.
    if (slowness !== null) slowness.add(this.engine.wheel.nowMs() - this.current.askedMs);
    const { rival } = this;
    if (rival === null) return;
    const loser = attempt === rival ? this.current : rival;
    this.leaveTo(loser);
    loser.cancel();
  }

  /** The other one goes on alone. */
  private leaveTo(gone: Attempt): void {
    if (gone === this.current) this.current = this.rival!;
    this.rival = null;
    this.spare = gone;
  }

  // ---- ends -----------------------------------------------------------------------------------

  /** Nobody waits for an answer any more. */
  cancel(): void {
    this.current.cancel();
    this.rival?.cancel();
  }

  /** Closes the connections that they have. */
  abandon(): void {
    this.current.abandon();
    this.rival?.abandon();
  }

  /** The exchange is over. */
  end(): void {
    if (this.tick !== -1) this.engine.fineWheel.remove(this);
    this.current.leave();
    const { rival } = this;
    if (rival === null) return;
    rival.leave();
    this.leaveTo(rival);
  }
}
