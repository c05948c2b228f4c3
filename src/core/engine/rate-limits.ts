/** The limits of a route: whether one more request is within them, and what the client is told. */
import { type Failure, failure } from '../base/failure.ts';
import { Timer, type TimerWheel } from '../base/timer-wheel.ts';
import type { RateLimitConfig, RouteConfig } from '../config.ts';
import { clientNetwork } from '../http/client-network.ts';
import { hashKeyOf, NO_KEY } from '../http/hash-key.ts';
import type { Head } from '../http/head.ts';
import type { RequestFacts } from '../http/request-facts.ts';
import { NO_ROOM, RateTable } from '../table/rate-table.ts';
import type { Log } from '../telemetry/log.ts';
import { SecretHash } from './secret-hash.ts';
import type { ClientPeer } from './sides.ts';

/** How often the log says that keys find no room. */
const NOTICE_MS = 60_000;

/** What limits need of the engine. */
export interface LimitDeps {
  readonly wheel: TimerWheel;
  readonly log: Log;
  wallMs(): number;
}

/** All limits of one route, over memory that all workers share. */
export class RouteLimits {
  /** Header lines for the answer to what `check` has refused. */
  fields = '';
  private readonly limits: readonly RateLimit[];
  private readonly deps: LimitDeps;

  /** `memories`: one for each of the route's limits (`createRateMemory`). */
  constructor(route: RouteConfig, memories: readonly ArrayBufferLike[], deps: LimitDeps) {
    this.deps = deps;
    this.limits = route.rateLimits.map(
      (limit, i) => new RateLimit(route, limit, memories[i]!, deps),
    );
  }

  /**
   * Null: the request is within all limits, and counted by each. What one of them refuses is
   * counted by none, unless another worker is at the same key at that moment. `address`: the
   * client's, after `trusted_proxies`.
   */
  check(head: Head, facts: RequestFacts, peer: ClientPeer, address: string): Failure | null {
    const { limits } = this;
    const client = peer.trusted ? clientNetwork(address) : peer.network;
    const wallMs = this.deps.wallMs();
    if (limits.length > 1) {
      for (const limit of limits) {
        const waitMs = limit.wait(head, facts, client, wallMs);
        if (waitMs > 0) return this.refuse(limit, waitMs);
      }
    }
    for (const limit of limits) {
      const waitMs = limit.take(head, facts, client, wallMs);
      if (waitMs > 0) return this.refuse(limit, waitMs);
    }
    return null;
  }

  private refuse(limit: RateLimit, waitMs: number): Failure {
    this.fields = limit.fieldsFor(waitMs);
    return limit.failure;
  }
}

class RateLimit extends Timer {
  readonly failure: Failure;
  private readonly config: RateLimitConfig;
  private readonly name: string;
  /** `RateLimit-Policy` of the client's answer, and the beginning of `RateLimit`. */
  private readonly policyFields: string;
  private readonly table: RateTable;
  private readonly hash: SecretHash;
  private readonly deps: LimitDeps;
  /** Requests that found no room in the table since the log said so. */
  private uncounted = 0;

  constructor(
    route: RouteConfig,
    config: RateLimitConfig,
    memory: ArrayBufferLike,
    deps: LimitDeps,
  ) {
    super();
    const { requests, periodMs, key } = config;
    this.config = config;
    this.deps = deps;
    this.table = new RateTable(memory, config);
    this.hash = new SecretHash(this.table);
    const per = { 1000: 's', 60000: 'min', 3600000: 'h' }[periodMs];
    const by = 'name' in key ? `${key.kind}:${key.name}` : key.kind;
    const where = `${route.hosts[0] ?? ''}${route.pathPrefix}`;
    this.name = `${requests}/${per} by ${by} on ${where}`;
    this.failure = failure('rate_limited', 'client', 'route', 'never', `more than ${this.name}`);
    // draft-ietf-httpapi-ratelimit-headers-10
    this.policyFields =
      `RateLimit-Policy: "default";q=${requests};w=${periodMs / 1000}\r\n` +
      'RateLimit: "default";r=0;t=';
  }

  fieldsFor(waitMs: number): string {
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    return `Retry-After: ${seconds}\r\n${this.policyFields}${seconds}\r\n`;
  }

  /** Milliseconds until a request like this would be let through; nothing is counted. */
  wait(head: Head, facts: RequestFacts, client: string, wallMs: number): number {
    const place = this.placeOf(head, facts, client);
    return place === NO_KEY ? 0 : this.table.wait(place, this.hash.tag, wallMs);
  }

  /** 0: it is let through; else how long until it would be. */
  take(head: Head, facts: RequestFacts, client: string, wallMs: number): number {
    const place = this.placeOf(head, facts, client);
    if (place === NO_KEY) return 0;
    const waitMs = this.table.take(place, this.hash.tag, wallMs);
    if (waitMs !== NO_ROOM) return waitMs;
    this.noteUncounted();
    return 0;
  }

  private placeOf(head: Head, facts: RequestFacts, client: string): number {
    const { key } = this.config;
    if (key.kind === 'all') return 0;
    return hashKeyOf(key, head, facts, client, this.hash);
  }

  private noteUncounted(): void {
    this.uncounted++;
    if (this.uncounted === 1) this.deps.wheel.set(this, this.deps.wheel.nowMs() + NOTICE_MS);
  }

  override onTimer(): void {
    const { keys } = this.config;
    const { uncounted: requests, name: limit } = this;
    this.deps.log.event(
      'warn',
      'rate_limit_full',
      `${requests} requests were let through without being counted for the limit ${limit}: ` +
        `there are more clients at once than it has room for (keys: ${keys})`,
      { requests, limit, keys },
    );
    this.uncounted = 0;
  }
}
