/**
 * A client with a cookie of the balancer's goes to the backend it names as long as that is up; the
 * cookie is set exactly when another one has answered, and no backend ever sees it.
 */
import type { ExchangeRecord } from '../../src/core/telemetry/log.ts';
import type { Answer, Request } from '../request.ts';
import type { StrictHead } from '../strict-reader.ts';
import { APP_COOKIES, FORGED_COOKIE } from '../wire.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createStickiness(world: World, fail: Fail): Checker {
  return new Stickiness(world, fail);
}

class Stickiness implements Checker {
  readonly name = 'stickiness';
  private readonly world: World;
  private readonly fail: Fail;
  /** Whom a cookie names, as clients have learnt it. */
  private readonly namedBy = new Map<string, string>();
  /** Who answered which request. */
  private readonly answeredBy = new Map<Request, string>();

  constructor(world: World, fail: Fail) {
    this.world = world;
    this.fail = fail;
  }

  arrived(request: Request | null, head: StrictHead): void {
    const seen = head.fields.get('cookie');
    const expected = request?.cookie == null ? undefined : APP_COOKIES;
    if (request !== null && seen !== expected) {
      this.fail(`the backend of ${request.nonce} sees the cookies ${seen}, not ${expected}`);
    }
  }

  logged(request: Request | null, { backend, attempts }: ExchangeRecord): void {
    if (request === null || backend === null) return;
    this.answeredBy.set(request, backend);
    if (request.cookie === null || attempts !== 1) return;
    const home = this.namedBy.get(request.cookie);
    if (home === undefined || home === backend || !this.wasUp(home, request)) return;
    this.fail(`${request.nonce} belongs to ${home}, which is up, and went to ${backend}`);
  }

  /** All the time since then, which can be told as long as the clock was not set. */
  private wasUp(name: string, { begunMs, begunWallMs: sinceWallMs }: Request): boolean {
    if (begunMs <= this.world.clock.jumpedMs()) return false;
    const [pool] = this.world.balancer.controller.status();
    return pool.backends.some(
      (each) => each.name === name && each.state === 'up' && each.sinceWallMs < sinceWallMs,
    );
  }

  answered(request: Request, { cookie, nonce }: Answer): void {
    const { sticky } = this.world.options;
    const backend = this.answeredBy.get(request);
    if (sticky?.kind !== 'cookie' || nonce === null || backend === undefined) {
      if (cookie !== null) this.fail(`${request.nonce} got a cookie with an answer of ours`);
      return;
    }
    if (cookie !== null) this.learn(cookie, backend);
    // A reload may have taken the backend out, or in, while it answered.
    if (this.world.options.operatorEveryMs !== null) return;
    // The client may have it from an answer that broke off.
    if (cookie === null && request.cookie !== null && request.cookie !== FORGED_COOKIE) {
      this.learn(request.cookie, backend);
    }
    const home = request.cookie === null ? undefined : this.namedBy.get(request.cookie);
    if ((cookie === null) === (home === backend)) return;
    const what = cookie === null ? 'is not told' : 'is told again';
    this.fail(`${request.nonce} of ${home} was answered by ${backend}, and ${what}`);
  }

  private learn(cookie: string, backend: string): void {
    const known = this.namedBy.get(cookie) ?? backend;
    if (known !== backend) this.fail(`the cookie ${cookie} names ${known} and ${backend}`);
    this.namedBy.set(cookie, backend);
  }
}
