/** Where the requests of each route go, and why one goes nowhere. */
import { failure } from '../base/failure.ts';
import type { RouteConfig } from '../config.ts';
import type { Head } from '../http/head.ts';
import type { RequestFacts } from '../http/request-facts.ts';
import { Router } from '../routing/router.ts';
import type { Pool } from './pool.ts';
import { type LimitDeps, RouteLimits } from './rate-limits.ts';
import type { SharedMemories } from './shared-memories.ts';

/** No route takes the request. */
export const NO_ROUTE = failure(
  'no_route',
  'us',
  'route',
  'never',
  'no route matches this request',
);

/** There is no memory for another exchange. */
export const OVERFULL = failure(
  'no_resources',
  'us',
  'route',
  'never',
  'too many bytes wait in memory (limits.max_buffer_memory)',
);

/** Where the requests of a route go. */
export interface Destination {
  readonly pool: Pool;
  /** Null: there are none. */
  readonly limits: RouteLimits | null;
}

export class Destinations {
  private readonly router: Router;
  /** In the order of the routes. */
  private readonly all: readonly Destination[];

  constructor(
    routes: readonly RouteConfig[],
    pools: ReadonlyMap<string, Pool>,
    memories: SharedMemories['routes'],
    deps: LimitDeps,
  ) {
    this.router = new Router(routes);
    this.all = routes.map((route, i) => ({
      pool: pools.get(route.pool)!,
      limits: route.rateLimits.length === 0 ? null : new RouteLimits(route, memories[i]!, deps),
    }));
  }

  /** That of a request, or null. */
  of(head: Head, { hostStart, hostEnd, pathStart, pathEnd }: RequestFacts): Destination | null {
    const number = this.router.match(head.bytes, hostStart, hostEnd, pathStart, pathEnd);
    return number === -1 ? null : this.all[number]!;
  }
}
