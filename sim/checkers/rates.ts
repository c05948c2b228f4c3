/**
 * A rate limit lets through what a plain leaky bucket for each client would, no more and no less,
 * whatever goes wrong around it and however often it is reloaded. A clock that is set forward
 * empties the bucket; one that is set back by more than 10 s too, by less it leaves it as full as
 * it can be, or empty if it was empty: what was over need not be remembered.
 */
import type { RateLimitOptions } from '../options.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createRates(world: World, fail: Fail): Checker {
  return new Rates(world, fail);
}

/** docs/limits.md: a clock that was set back by more makes it forget what was counted. */
const SET_BACK_MS = 10_000;

class Rates implements Checker {
  readonly name = 'rates';
  private readonly world: World;
  private readonly fail: Fail;
  /**
   * When the bucket of each will be empty: it is full after `burst` requests, and leaks one each
   * `eachMs`. Whole milliseconds of the wall clock; several, as long as it may be any of them.
   */
  private readonly emptyAtMs = new Map<string, readonly number[]>();

  constructor(world: World, fail: Fail) {
    this.world = world;
    this.fail = fail;
  }

  /** What is over, or forgotten, at one time may be remembered at another, or have given way. */
  clockJumps(byMs: number): void {
    const { rateLimit } = this.world.options;
    const { nowMs } = this;
    if (rateLimit === null) return;
    const isFree = (atMs: number): boolean =>
      [nowMs, nowMs + byMs].some((then) => levelOf(atMs, then, rateLimit) === 0);
    for (const [who, times] of this.emptyAtMs) {
      if (times.some(isFree)) this.emptyAtMs.set(who, [...new Set([...times, 0])]);
    }
  }

  limited(client: string, isWithin: boolean): void {
    const { rateLimit } = this.world.options;
    if (rateLimit === null) {
      this.fail('a request was limited where there are no limits');
      return;
    }
    const who = rateLimit.key === 'all' ? 'everybody' : client;
    const times = this.emptyAtMs.get(who) ?? [0];
    const poured = times.map((atMs) => this.pour(atMs, rateLimit));
    // Of what may have been, that which agrees.
    const agreeing = isWithin
      ? poured.filter((atMs) => atMs !== null)
      : times.filter((_, i) => poured[i] === null);
    this.emptyAtMs.set(who, [...new Set(agreeing)]);
    if (agreeing.length > 0) return;
    const did = isWithin ? 'was let through' : 'was refused';
    const said = isWithin ? 'was full' : 'had room';
    this.fail(`a request of ${client} ${did}, and the bucket of ${who} ${said}`);
  }

  /** When a bucket will be empty, with one more. Null: it does not fit. */
  private pour(emptyAtMs: number, rateLimit: RateLimitOptions): number | null {
    const { nowMs } = this;
    const level = levelOf(emptyAtMs, nowMs, rateLimit);
    const { eachMs, burst } = rateLimit;
    return level + eachMs > burst * eachMs ? null : nowMs + level + eachMs;
  }

  private get nowMs(): number {
    return Math.floor(this.world.clock.wallMs());
  }
}

/** How full a bucket is, in milliseconds until it is empty. */
function levelOf(emptyAtMs: number, nowMs: number, { eachMs, burst }: RateLimitOptions): number {
  const mostMs = burst * eachMs;
  const leftMs = Math.max(0, emptyAtMs - nowMs);
  return leftMs > mostMs + SET_BACK_MS ? 0 : Math.min(leftMs, mostMs);
}
