/**
 * The requests of a session go to the backend that has answered it before, as long as that is up;
 * and of a session that a backend has made, to the one that made it.
 */
import type { ExchangeRecord } from '../../src/core/telemetry/log.ts';
import type { Request } from '../request.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createSessions(world: World, fail: Fail): Checker {
  return new Sessions(world, fail);
}

interface Home {
  readonly backend: string;
  /** Whoever began before does not know of it. */
  readonly sinceMs: number;
  /** When the last request of the session that was answered there began, which used it. */
  readonly usedMs: number;
  readonly usedWallMs: number;
}

class Sessions implements Checker {
  readonly name = 'sessions';
  private readonly world: World;
  private readonly fail: Fail;
  private readonly homes = new Map<string, Home>();
  private readonly over = new Set<Request>();
  /** When the last exchange of a session was over. */
  private readonly lastMs = new Map<string, number>();

  constructor(world: World, fail: Fail) {
    this.world = world;
    this.fail = fail;
  }

  logged(request: Request | null, { backend, attempts, failure }: ExchangeRecord): void {
    if (request === null) return;
    this.over.add(request);
    const { session, madeSession } = request;
    const home = session === null ? undefined : this.homes.get(session);
    if (session !== null) {
      // Another exchange of it is under way, and moves it perhaps.
      const isAlone = !this.isUnderWay(session);
      if (isAlone && home !== undefined && backend !== null && attempts === 1) {
        this.judge(request, home, backend);
      }
      const hasMoved = attempts > 1 || failure !== null;
      if (!isAlone || hasMoved) this.homes.delete(session);
    }
    const named = madeSession ?? session;
    // Another one was answered meanwhile, perhaps first.
    const wasAlone = named === null || (this.lastMs.get(named) ?? 0) <= request.begunMs;
    if (session !== null) this.lastMs.set(session, this.world.clock.nowMs());
    // The answer of an earlier attempt may have been the one that counted, or none has come.
    if (named === null || backend === null || failure !== null || attempts !== 1) return;
    if (!wasAlone || this.isUnderWay(named)) return;
    const before = this.homes.get(named);
    const sinceMs = before?.backend === backend ? before.sinceMs : this.world.clock.nowMs();
    // It was remembered when the answer began, perhaps long before its end; and of one that had
    // been there already only the request was a use.
    const { begunMs: usedMs, begunWallMs: usedWallMs } = request;
    this.homes.set(named, { backend, sinceMs, usedMs, usedWallMs });
  }

  private judge({ nonce, begunMs, session }: Request, home: Home, backend: string): void {
    if (home.backend === backend || begunMs < home.sinceMs) return;
    if (!this.hasBeenUp(home)) return;
    this.fail(`${nonce} of ${session} belongs to ${home.backend}, and went to ${backend}`);
  }

  /**
   * Since the session was used: it is still the same one then. A clock that was set since cannot
   * tell, and may have made the session one that was not used for long.
   */
  private hasBeenUp({ backend, usedMs, usedWallMs }: Home): boolean {
    if (usedMs <= this.world.clock.jumpedMs()) return false;
    const [pool] = this.world.balancer.controller.status();
    return pool.backends.some(
      (each) => each.name === backend && each.state === 'up' && each.sinceWallMs < usedWallMs,
    );
  }

  private isUnderWay(session: string): boolean {
    for (const request of this.world.requests.values()) {
      if (request.session !== session || request.fate === 'planned') continue;
      if (!this.over.has(request) && request.arrivals.length > 0) return true;
    }
    return false;
  }
}
