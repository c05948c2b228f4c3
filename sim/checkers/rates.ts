/**
 * A rate limit lets through what a plain leaky bucket for each client would, no more and no less,
 * whatever goes wrong around it and however often it is reloaded.
 */
import type { RateLimitOptions } from '../options.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createRates(world: World, fail: Fail): Checker {
  return new Rates(world, fail);
}

/** Full after `burst` requests; it leaks one each `eachMs`. Whole milliseconds. */
interface Bucket {
  level: number;
  atMs: number;
}

class Rates implements Checker {
  readonly name = 'rates';
  private readonly world: World;
  private readonly fail: Fail;
  private readonly buckets = new Map<string, Bucket>();

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
    const bucket = this.buckets.get(who) ?? { level: 0, atMs: nowMs };
    this.buckets.set(who, bucket);
    bucket.level = Math.max(0, bucket.level - (nowMs - bucket.atMs));
    bucket.atMs = nowMs;
    if (bucket.level + eachMs > burst * eachMs) return false;
    bucket.level += eachMs;
    return true;
  }
}
