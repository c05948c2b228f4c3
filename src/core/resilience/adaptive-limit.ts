/**
 * The limit of one backend under `max_requests: adaptive`: Gradient2, fed with what the table has
 * counted, once there are enough answers for a mean.
 *
 * Beside the published formula it does two things. It starts by doubling, so that nobody is turned
 * away while it finds out how much a backend can do. And while it holds requests back it looks, now
 * and then, how long an answer takes with a quarter of them: whether a backend is slower because it
 * is full or for another reason cannot be seen in any other way, and the usual time of a backend
 * that is always full would creep up and the limit with it (`docs/decisions/adaptive-limit.md`).
 */
import { Gradient2, type LimitBounds } from './gradient2.ts';

/** Where it begins. */
export const FIRST_LIMIT = 20;
/** Fewer answers make no mean. */
const LEAST_ANSWERS = 30;
/** Below it times are not told apart: a turn of somebody's loop makes more of a difference. */
const LEAST_MS = 1;
/** So many means in a row, none of them too long, and it doubles again. */
const GOOD_TIMES = 10;
/** How often it looks what an answer takes with less to do. */
const LOOK_EVERY_MS = 10_000;
/** Such a part of the limit is left then. */
const LESS = 4;
/** That takes no longer than this, or than so many times what an answer usually takes. */
const MOST_LOOKING_MS = 1000;
const MOST_LOOKING_ANSWERS = 10;
/** And comes again only when so many times that has passed. */
const BETWEEN_LOOKS = 20;
/** It takes so much longer than was thought, with less to do: it is slower, not full. */
const SLOWER = 1.25;
/** Nobody was held back for so long: it is over. */
const OVER_MS = 30_000;

/** What became of attempts since the last time: answers, and what they took in sum. */
export interface AnswersSeen {
  readonly answers: number;
  readonly headMs: number;
}

/** `starting`: it doubles; `looking`: less is let through. */
type Stage = 'starting' | 'following' | 'looking';

export class AdaptiveLimit {
  /** Requests are held back, or were less than 30 s ago. */
  holdsBack = false;
  /** What an answer took of late; ms. */
  recentMs = 0;
  private readonly gradient: Gradient2;
  private stage: Stage = 'starting';
  private answers = 0;
  private headMs = 0;
  private most = 0;
  /** So many answers are of requests that came under another limit. */
  private skip = 0;
  private goodTimes = 0;
  private heldMs = 0;
  private lookMs = 0;
  private lookBeganMs = 0;
  private lookEndsMs = 0;

  constructor(bounds: LimitBounds) {
    this.gradient = new Gradient2(FIRST_LIMIT, bounds);
  }

  /** Other bounds; what it knows stays. */
  bound(bounds: LimitBounds): void {
    this.gradient.bound(bounds);
  }

  /** Requests at once, for now. Whole. */
  get limit(): number {
    const { limit } = this.gradient;
    return Math.floor(this.stage === 'looking' ? this.gradient.within(limit / LESS) : limit);
  }

  /** What an answer usually takes; ms. */
  get usualMs(): number {
    return this.gradient.longMs;
  }

  /** Every 100 ms or so. `inFlight`: right now. */
  look(nowMs: number, seen: AnswersSeen, inFlight: number): void {
    this.most = Math.max(this.most, inFlight);
    if (this.stage === 'looking' && nowMs >= this.lookEndsMs) this.lookNoMore(nowMs, 'following');
    if (this.holdsBack && nowMs - this.heldMs >= OVER_MS) this.holdsBack = false;
    if (this.skip > 0) {
      this.skip -= seen.answers;
      return;
    }
    this.answers += seen.answers;
    this.headMs += seen.headMs;
    if (this.answers < LEAST_ANSWERS) return;
    this.judge(nowMs, Math.max(LEAST_MS, this.headMs / this.answers));
    this.answers = this.headMs = this.most = 0;
  }

  private judge(nowMs: number, shortMs: number): void {
    const { gradient, most, limit } = this;
    if (this.stage === 'looking') {
      // Then it may be able to do far more than it was let.
      const isSlower = shortMs > SLOWER * gradient.longMs;
      gradient.relearn(shortMs);
      this.lookNoMore(nowMs, isSlower ? 'starting' : 'following');
      return;
    }
    this.recentMs = shortMs;
    const isUsed = most >= gradient.limit / 2;
    if (this.stage === 'starting' && isUsed && this.doubles(shortMs)) return;
    const slope = gradient.update(shortMs, most);
    if (!isUsed) return;
    if (slope === 1) {
      if (++this.goodTimes >= GOOD_TIMES) this.stage = 'starting';
      return;
    }
    this.stage = 'following';
    this.goodTimes = 0;
    if (most < limit) return;
    this.heldMs = nowMs;
    this.holdsBack = true;
    if (nowMs < this.lookMs) return;
    this.stage = 'looking';
    this.lookBeganMs = nowMs;
    this.skip = most;
    this.lookEndsMs = nowMs + Math.max(MOST_LOOKING_MS, MOST_LOOKING_ANSWERS * gradient.longMs);
  }

  /**
   * It may do more, unless answers take longer than before it began to. What they take with ever
   * more of them does not become what is usual: that would hide the queue which grows.
   */
  private doubles(shortMs: number): boolean {
    const { gradient } = this;
    if (gradient.longMs === 0 || shortMs < gradient.longMs) gradient.learn(shortMs);
    if (gradient.showsQueue(shortMs)) {
      gradient.relearn(gradient.longMs);
      return false;
    }
    gradient.limit = gradient.within(2 * gradient.limit);
    this.skip = this.most;
    return true;
  }

  private lookNoMore(nowMs: number, next: Stage): void {
    this.stage = next;
    this.goodTimes = 0;
    const lastedMs = nowMs - this.lookBeganMs;
    this.lookMs = nowMs + Math.max(LOOK_EVERY_MS, BETWEEN_LOOKS * lastedMs);
    this.answers = this.headMs = 0;
    this.skip = this.limit;
  }
}
