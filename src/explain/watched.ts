/**
 * The engine and the table as they are, but what is decided about one exchange is written down.
 * Traffic never meets them: `explain` makes them for a request that it sends itself.
 */
import type { Schedule } from '../core/balancing/schedule.ts';
import { toLatin1 } from '../core/base/bytes.ts';
import type { Failure } from '../core/base/failure.ts';
import type { Target } from '../core/base/transport.ts';
import type { Config, HashKeyConfig, RouteConfig } from '../core/config.ts';
import type { Destination } from '../core/engine/destinations.ts';
import { Engine, type EngineDeps, type PoolMembers } from '../core/engine/engine.ts';
import type { Exchange } from '../core/engine/exchange.ts';
import type { Pool } from '../core/engine/pool.ts';
import type { RouteLimits } from '../core/engine/rate-limits.ts';
import type { SharedMemories } from '../core/engine/shared-memories.ts';
import { clientNetwork } from '../core/http/client-network.ts';
import { hashKeyOf, type KeyHash, NO_KEY } from '../core/http/hash-key.ts';
import type { Head } from '../core/http/head.ts';
import type { Refusal } from '../core/http/refusal.ts';
import { Body, type RequestFacts } from '../core/http/request-facts.ts';
import { Router } from '../core/routing/router.ts';
import type { Backend } from '../core/table/backend.ts';
import { Table } from '../core/table/table.ts';
import type { RequestMeaning, TriedRoute } from './explanation.ts';
import { failedHow } from './how.ts';

/** A table that knows whom a policy considered. */
export class WatchedTable extends Table {
  /** Slots that could take one more, in the order in which that was asked, each once. */
  readonly considered = new Set<number>();

  override canTake(slot: number, states: number): boolean {
    const can = super.canTake(slot, states);
    if (can) this.considered.add(slot);
    return can;
  }
}

/** One try on one backend. */
export interface NotedAttempt {
  readonly backend: Backend;
  /** Slots that the policy considered. */
  readonly considered: readonly number[];
  readonly targets: Target[];
  failure: Failure | null;
}

/** What was decided about one exchange. */
export class Notes {
  trusted = false;
  refused: { readonly refusal: Refusal; readonly at: number } | null = null;
  meaning: RequestMeaning | null = null;
  routes: readonly TriedRoute[] = [];
  route: RouteConfig | null = null;
  /** Of the route's limits; null: the request has no such part. */
  limitKeys: readonly (string | null)[] = [];
  /** Of the pool's hash key. */
  keyValue: string | null = null;
  key = -1;
  home: Backend | null = null;
  /** Why the policy function's answer for the first attempt does not count; null: it does. */
  unanswered: string | null = null;
  readonly attempts: NotedAttempt[] = [];
  /** Called before the first pick. */
  readonly beforePick: (pool: string) => void;

  constructor(beforePick: (pool: string) => void) {
    this.beforePick = beforePick;
  }

  get attempt(): NotedAttempt | undefined {
    return this.attempts.at(-1);
  }
}

/** Writes into `notes` what it decides about the next exchange. */
export class WatchedEngine extends Engine {
  /** Null: what comes is of no interest. */
  notes: Notes | null = null;
  readonly members = new Map<string, readonly Backend[]>();
  readonly schedules = new Map<string, Schedule>();
  private routes: readonly RouteConfig[] = [];
  private readonly watched: WatchedTable;

  constructor(deps: EngineDeps, table: WatchedTable) {
    const { listen, connect } = deps.transport;
    const transport: EngineDeps['transport'] = {
      listen,
      connect: (to, handler) => {
        this.notes?.attempt?.targets.push(to);
        return connect(to, handler);
      },
    };
    super({ ...deps, transport });
    this.watched = table;
  }

  override configure(
    config: Config,
    pools: ReadonlyMap<string, PoolMembers>,
    memories: SharedMemories,
  ): void {
    this.routes = config.routes;
    for (const [name, { backends, schedule }] of pools) {
      this.members.set(name, backends);
      this.schedules.set(name, schedule);
    }
    super.configure(config, pools, memories);
  }

  override schedule(pool: string, schedule: Schedule): void {
    this.schedules.set(pool, schedule);
    super.schedule(pool, schedule);
  }

  override takeExchange(): Exchange {
    const exchange = super.takeExchange();
    const { notes } = this;
    if (notes !== null) this.watchFailures(exchange, notes);
    return exchange;
  }

  private watchFailures(exchange: Exchange, notes: Notes): void {
    const { refuse, attempts } = exchange;
    const { failed } = attempts;
    exchange.refuse = (refusal, at) => {
      if (this.notes === notes) notes.refused ??= { refusal, at };
      refuse.call(exchange, refusal, at);
    };
    attempts.failed = (attempt, why) => {
      if (this.notes === notes && notes.attempt !== undefined) notes.attempt.failure = why;
      failed.call(attempts, attempt, why);
    };
  }

  override route(head: Head, facts: RequestFacts): Destination | null {
    const destination = super.route(head, facts);
    const { notes } = this;
    if (notes === null) return destination;
    notes.meaning = meaningOf(head, facts);
    notes.routes = triedRoutes(this.routes, head, facts);
    if (destination === null) return null;
    const route = this.routes[notes.routes.length - 1];
    notes.route = route;
    const { pool, limits } = destination;
    return {
      pool: this.watchPool(pool, notes),
      limits: limits === null ? null : watchLimits(limits, route, notes),
    };
  }

  /** The same pool, but what it is asked is noted. */
  private watchPool(pool: Pool, notes: Notes): Pool {
    const watched: Pool = Object.create(pool);
    watched.keyOf = (head, facts, address) => {
      notes.key = pool.keyOf(head, facts, address);
      if (notes.key !== NO_KEY) {
        notes.keyValue = keyText(pool.config.hashKey, head, facts, address);
      }
      return notes.key;
    };
    watched.homeOf = (head, facts) => {
      notes.home = pool.homeOf(head, facts);
      return notes.home;
    };
    watched.enter = (...about) => {
      if (notes.attempts.length === 0) notes.beforePick(pool.config.name);
      this.watched.considered.clear();
      const slot = this.enterWatched(pool, notes, about);
      const considered = [...this.watched.considered];
      if (slot >= 0) {
        const { backend } = this.link(slot);
        notes.attempts.push({ backend, considered, targets: [], failure: null });
      }
      return slot;
    };
    return watched;
  }

  /** Enters, and notes for the first attempt why a policy function was of no use. */
  private enterWatched(pool: Pool, notes: Notes, about: Parameters<Pool['enter']>): number {
    const { config, failures } = pool;
    if (config.policy !== 'function' || notes.attempts.length > 0) return pool.enter(...about);
    const schedule = this.schedules.get(config.name);
    const cursor = schedule?.cursor;
    notes.unanswered = null;
    pool.failures = {
      note: (why) => {
        notes.unanswered = failedHow(why);
        failures?.note(why);
      },
      stop: () => failures?.stop(),
    };
    const slot = pool.enter(...about);
    pool.failures = failures;
    // Nobody was chosen, for a turn was taken.
    if (schedule?.cursor !== cursor) notes.unanswered ??= 'it chose nobody';
    return slot;
  }
}

function watchLimits(limits: RouteLimits, { rateLimits }: RouteConfig, notes: Notes): RouteLimits {
  const watched: RouteLimits = Object.create(limits);
  watched.check = (head, facts, peer, address) => {
    const client = peer.trusted ? clientNetwork(address) : peer.network;
    notes.limitKeys = rateLimits.map(({ key }) => {
      return key.kind === 'all' ? 'all' : keyText(key, head, facts, client);
    });
    return limits.check(head, facts, peer, address);
  };
  return watched;
}

/** Takes down what a hash is made of. */
class KeyText implements KeyHash {
  value: string | null = null;

  bytes(bytes: Uint8Array, start: number, end: number): number {
    this.value = toLatin1(bytes, start, end);
    return 0;
  }

  lower(bytes: Uint8Array, start: number, end: number): number {
    this.value = toLatin1(bytes, start, end).toLowerCase();
    return 0;
  }

  text(text: string): number {
    this.value = text;
    return 0;
  }
}

/** The part of the request that a key means; null: it has none. */
function keyText(
  key: HashKeyConfig,
  head: Head,
  facts: RequestFacts,
  address: string,
): string | null {
  const taken = new KeyText();
  return hashKeyOf(key, head, facts, address, taken) === NO_KEY ? null : taken.value;
}

const BODIES: Readonly<Record<Body, RequestMeaning['body']>> = {
  [Body.none]: 'none',
  [Body.length]: 'length',
  [Body.chunked]: 'chunked',
  [Body.untilClose]: 'untilClose',
};

function meaningOf(head: Head, facts: RequestFacts): RequestMeaning {
  const { body, contentLength, idempotent, keepAlive, upgrade, pathStart, pathEnd } = facts;
  return {
    host: facts.hostText(head),
    path: toLatin1(head.bytes, pathStart, pathEnd) || '/',
    body: BODIES[body],
    contentLength,
    idempotent,
    keepAlive,
    upgrade,
  };
}

/** The routes up to the one that matches, each asked for its host and its path by itself. */
function triedRoutes(
  routes: readonly RouteConfig[],
  head: Head,
  { hostStart, hostEnd, pathStart, pathEnd }: RequestFacts,
): TriedRoute[] {
  const matches = (changes: Partial<RouteConfig>, route: RouteConfig): boolean => {
    const router = new Router([{ ...route, ...changes }]);
    return router.match(head.bytes, hostStart, hostEnd, pathStart, pathEnd) === 0;
  };
  const tried: TriedRoute[] = [];
  for (const [index, route] of routes.entries()) {
    const { hosts, pathPrefix, pool } = route;
    const isHost = matches({ pathPrefix: '/' }, route);
    const isPath = matches({ hosts: [] }, route);
    const differs = isHost ? (isPath ? null : 'path') : isPath ? 'host' : 'host and path';
    tried.push({ number: index + 1, hosts, path: pathPrefix, pool, differs });
    if (differs === null) break;
  }
  return tried;
}
