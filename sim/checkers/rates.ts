/**
 * A rate limit lets through what a plain leaky bucket for each client would, no more and no less,
 * whatever goes wrong around it and however often it is reloaded. A clock that is set forward
 * empties the bucket; one that is set back by more than 10 s too, by less it leaves it as full as
 * it can be.
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
   * `eachMs`. Whole milliseconds of the wall clock.
   */
  private readonly emptyAtMs = new Map<string, number>();

  constructor(world: World, fail: Fail) {
    this.world = world;
    this.fail = fail;
  }

  limited(client: string, isWithin: boolean): void {
    const { rateLimit } = this.world.options;
    if (rateLimit === null) {
      this.fail('a request was limited where there are no limits');
      return;
    }
    const who = rateLimit.key === 'all' ? 'everybody' : client;
    const fits = this.pour(who, rateLimit);
    if (fits === isWithin) return;
    const did = isWithin ? 'was let through' : 'was refused';
    const said = fits ? 'had room' : 'was full';
    this.fail(`a request of ${client} ${did}, and the bucket of ${who} ${said}`);
  }

  private pour(who: string, { eachMs, burst }: RateLimitOptions): boolean {
    const nowMs = Math.floor(this.world.clock.wallMs());
    const mostMs = burst * eachMs;
    const leftMs = Math.max(0, (this.emptyAtMs.get(who) ?? 0) - nowMs);
    const level = leftMs > mostMs + SET_BACK_MS ? 0 : Math.min(leftMs, mostMs);
    if (level + eachMs > mostMs) return false;
    this.emptyAtMs.set(who, nowMs + level + eachMs);
    return true;
  }
}
