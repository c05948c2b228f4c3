/** A pool as a worker sees it: its policy, the schedule all workers share, its retry budget. */

import {
  goesByKey,
  type Named,
  type Observation,
  type Policy,
  type PolicyDeps,
  policies,
} from '../balancing/balancing.ts';
import { identitySchedule, type Schedule } from '../balancing/schedule.ts';
import { type Failure, failure } from '../base/failure.ts';
import type { BackendConfig, PoolConfig } from '../config.ts';
import { BackendLoad } from '../http/backend-load.ts';
import { isSecure } from '../http/forwarded.ts';
import { hashKeyOf, NO_KEY } from '../http/hash-key.ts';
import type { Head } from '../http/head.ts';
import type { RequestFacts } from '../http/request-facts.ts';
import { retryAfterMs, UNTIL_A_DATE } from '../http/retry-after.ts';
import { fullJitterMs } from '../resilience/backoff.ts';
import { Circuit, NO_TRIAL } from '../resilience/circuit.ts';
import { Quantile } from '../resilience/quantile.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import type { Backend } from '../table/backend.ts';
import { State, statesOf, type Table } from '../table/table.ts';
import type { Log } from '../telemetry/log.ts';
import type { Attempt } from './attempt.ts';
import type { PolicyFailures } from './policy-failures.ts';
import { type Picked, PolicyView } from './policy-view.ts';
import type { Queue } from './queue.ts';
import type { ClientPeer } from './sides.ts';
import { StickyCookie } from './sticky-cookie.ts';
import { StickySessions } from './sticky-sessions.ts';

const CIRCUIT_OPEN = failure(
  'circuit_open',
  'us',
  'pick',
  'never',
  'too many attempts have failed (circuit_breaker)',
);

const NOBODY = failure('no_backend', 'us', 'pick', 'never', 'no backend of the pool is available');

const UP = statesOf(State.up);
const SUSPECT = statesOf(State.suspect);
const DRAINING = statesOf(State.draining);
const EJECTED = statesOf(State.ejected);

const emptySchedule = (): Schedule => identitySchedule([], (bytes) => new ArrayBuffer(bytes));

/** Knows which generation of a slot the worker means. */
export interface Generations {
  /** -1: the worker knows no backend there. */
  generation(slot: number): number;
}

/** Exchanges that are too many for it wait. */
const isLimited = ({ maxRequests, maxConnections }: BackendConfig): boolean =>
  maxRequests > 0 || maxConnections > 0;

/** What `enter` says of those who could be picked, had they room: `max_requests`. */
export const NO_ROOM = -2;

/** In the place of a function that this thread does not have: round robin. */
const CHOOSES_NOBODY = (): null => null;

/** Answers that say that the backend is in trouble, or wants less. */
export const isFailure = (status: number): boolean => status >= 500 || status === 429;

/** What is known of an attempt since it began. */
export type Began = Pick<Attempt, 'askedMs' | 'others' | 'trial' | 'circuitTrial'>;

/** What all workers share of a pool; null: its configuration asks for none. */
interface PoolMemories {
  /** Of `Circuit`. */
  readonly circuit: ArrayBufferLike | null;
  /** Of `createSessionMemory`. */
  readonly sessions: ArrayBufferLike | null;
}

const NO_MEMORIES: PoolMemories = { circuit: null, sessions: null };

/** A request, and who has sent it. */
interface Asked {
  readonly head: Head;
  readonly facts: RequestFacts;
  readonly peer: ClientPeer;
}

/** What a worker has for the policies of all its pools. */
export interface PolicyNeeds extends Pick<PolicyDeps, 'rng' | 'wallMs'> {
  readonly log: Pick<Log, 'event'>;
}

export class Pool {
  config: PoolConfig;
  readonly budget = new RetryBudget();
  /** Who waits for room. The engine gives it; without one nobody does. */
  queue: Queue | null = null;
  /** Whether exchanges may come at all; null: they may. */
  circuit: Circuit | null = null;
  private circuitMemory: ArrayBufferLike | null = null;
  /** The control thread wants to know what becomes of attempts. */
  countsOutcomes = false;
  /** Hears why its policy function failed. The engine gives it; without one nobody does. */
  failures: Pick<PolicyFailures, 'note' | 'stop'> | null = null;
  /** Some backend has a limit. */
  private isLimited = false;
  /** What few answers take longer than, where `hedge` goes by that. */
  slowness: Quantile | null = null;
  /** By what clients stay on their backends, one of them; null: not by this. */
  private cookie: StickyCookie | null = null;
  private sessions: StickySessions | null = null;
  private readonly table: Table;
  private readonly known: Generations;
  private readonly deps: Omit<PolicyDeps, 'boundedLoad' | 'own'>;
  /** What its policy function sees of the request; null: there is no function. */
  private view: PolicyView | null = null;
  /** By slot. */
  private names: ReadonlyMap<number, Named> = new Map();
  private policy: Policy;
  private schedule: Schedule;
  private readonly load = new BackendLoad();
  /** What the policy is told, one attempt after the other. */
  private readonly attempt: Observation = {
    slot: -1,
    outcome: 'answered',
    elapsedMs: 0,
    others: 0,
    retryAfterMs: 0,
    load: this.load,
  };

  constructor(config: PoolConfig, table: Table, known: Generations, needs: PolicyNeeds) {
    this.config = config;
    this.table = table;
    this.known = known;
    const { rng, wallMs, log } = needs;
    const warn: PolicyDeps['warn'] = (event, message) => {
      // What is wrong is wrong in all workers: the first says it.
      if (table.me !== 0) return;
      log.event('warn', event, `pool ${config.name}: ${message}`, { pool: config.name });
    };
    this.deps = { loads: table, rng, wallMs, warn };
    this.policy = this.policyOf(config);
    this.schedule = emptySchedule();
  }

  /**
   * A reload has brought this; what is known of its backends stays.
   */
  configure(
    config: PoolConfig,
    backends: readonly Backend[],
    { circuit, sessions }: PoolMemories = NO_MEMORIES,
  ): void {
    if (circuit !== this.circuitMemory)
      this.circuit = circuit === null ? null : new Circuit(circuit);
    this.circuitMemory = circuit;
    this.isLimited = config.backends.some(isLimited);
    this.countsOutcomes =
      config.passiveHealth !== null ||
      config.circuitBreaker !== null ||
      config.backends.some(({ adaptiveRequests }) => adaptiveRequests !== null);
    if (this.queue !== null) this.queue.config = config.queue;
    this.names = new Map(backends.map((backend) => [backend.slot, backend.config]));
    const { policy, boundedLoad, choose } = this.config;
    const isSame = config.policy === policy && config.boundedLoad === boundedLoad;
    if (!isSame || config.choose !== choose) this.policy = this.policyOf(config);
    this.config = config;
    const { name, sticky, hedge } = config;
    const quantile = hedge?.quantile ?? null;
    if (quantile === null) this.slowness = null;
    else if (this.slowness?.q !== quantile) this.slowness = new Quantile(quantile);
    this.cookie = sticky?.kind === 'cookie' ? new StickyCookie(sticky, name, backends) : null;
    this.sessions =
      sticky?.kind === 'sessions' && sessions !== null
        ? new StickySessions(sticky, sessions, backends, this.deps.wallMs)
        : null;
  }

  private policyOf({ policy, boundedLoad, choose }: PoolConfig): Policy {
    if (policy !== 'function') {
      this.view = null;
      return policies[policy]({ ...this.deps, boundedLoad, own: null });
    }
    const request = new PolicyView();
    this.view = request;
    const named = (slot: number): Named => this.names.get(slot)!;
    const failed = (why: unknown): void => this.failures?.note(why);
    const own = { choose: choose ?? CHOOSES_NOBODY, request, named, failed };
    return policies[policy]({ ...this.deps, boundedLoad, own });
  }

  /** A reload has taken it away. Its slots may soon be those of other pools: nobody is picked. */
  retire(): void {
    this.failures?.stop();
    this.follow(emptySchedule());
  }

  /** Draws from this schedule from now on. */
  follow(schedule: Schedule): void {
    this.schedule = schedule;
    this.queue?.room();
  }

  /**
   * Picks a backend that is not among `tried` and enters it in the table. Returns its slot; -1 if
   * there is none, NO_ROOM if each that could be picked has as many exchanges as it may.
   * Whoever has become ineligible since the schedule was made is passed over by picking again,
   * never in favour of its successor. `key`: of `keyOf`. `home`: where the client was before; it
   * comes first as long as it may be picked. `picked`: for whom. Allocates nothing.
   */
  enter(
    tried: readonly number[],
    key: number,
    home: Backend | null,
    picked: Picked | null = null,
  ): number {
    const { circuit } = this;
    if (circuit === null) return this.enterSome(tried, key, home, picked);
    if (!circuit.admits()) return -1;
    const slot = this.enterSome(tried, key, home, picked);
    if (slot < 0) circuit.giveBack();
    return slot;
  }

  private enterSome(
    tried: readonly number[],
    key: number,
    home: Backend | null,
    picked: Picked | null,
  ): number {
    const atHome = home === null ? -1 : this.enterHome(tried, home);
    if (atHome !== -1) return atHome;
    const slot = this.enterByPolicy(tried, key, picked);
    return slot === -1 ? this.enterAny(tried, this.schedule.states) : slot;
  }

  private enterByPolicy(tried: readonly number[], key: number, picked: Picked | null): number {
    const { view } = this;
    view?.show(picked);
    const slot = this.pickAndEnter(tried, key);
    view?.show(null);
    return slot;
  }

  private pickAndEnter(tried: readonly number[], key: number): number {
    const { schedule } = this;
    const { slots, states } = schedule;
    const draws = 2 * slots.length;
    for (let draw = 0; draw < draws; draw++) {
      const slot = this.policy.pick(schedule, tried, key);
      if (slot === -1) break;
      if (tried.length > 0 && tried.includes(slot)) continue;
      if (this.table.enter(slot, this.known.generation(slot), states)) return slot;
    }
    return -1;
  }

  /** The same for an attempt that need not be: of those who have turns, -1 if none has room. */
  enterSpare(tried: readonly number[], key: number, picked: Picked | null = null): number {
    if (this.circuit?.refuses) return -1;
    const slot = this.enterByPolicy(tried, key, picked);
    const { slots, states } = this.schedule;
    return slot === -1 ? this.enterOne(slots, tried, states) : slot;
  }

  /** Is there somebody who only lacks room? */
  private isFull(slots: Int32Array, tried: readonly number[], states: number): boolean {
    return slots.some((slot) => this.lacksRoom(slot, states) && !tried.includes(slot));
  }

  /** Of one that could not be entered. */
  private lacksRoom(slot: number, states: number): boolean {
    const { table } = this;
    return table.limit(slot) > 0 && (states & statesOf(table.state(slot))) !== 0;
  }

  /** The same for one backend. It is waited for: elsewhere the client loses what it has there. */
  private enterHome(tried: readonly number[], { slot, generation }: Backend): number {
    if (tried.includes(slot)) return -1;
    const { table } = this;
    const { slots, reserve, states } = this.schedule;
    // Also one whose level gets nobody else now: moving back would lose what the client has there.
    // Who is not listed and up has come back, and the schedule that says so is still to come.
    const isListed = slots.includes(slot) || reserve.includes(slot);
    const usual = isListed ? states : UP;
    if (table.enter(slot, generation, usual) || table.enterKept(slot, generation)) return slot;
    if (table.generation(slot) !== generation) return -1;
    const mayCome = table.keeps(slot) ? usual | DRAINING : usual;
    return this.lacksRoom(slot, mayCome) ? NO_ROOM : -1;
  }

  /** In order; then those in reserve, who have no turns. NO_ROOM and -1 as `enter`. */
  private enterAny(tried: readonly number[], states: number): number {
    const { slots, reserve } = this.schedule;
    let slot = this.enterOne(slots, tried, states);
    if (slot !== -1) return slot;
    // Exchanges wait for those that are busy: the others are for when they are not there.
    const isFull = this.isFull(slots, tried, states);
    if (!isFull) slot = this.enterOne(reserve, tried, states);
    // All have become suspects just now: a refused connection costs little.
    if (slot === -1) slot = this.enterOne(slots, tried, SUSPECT);
    if (slot !== -1) return slot;
    if (isFull || this.isFull(reserve, tried, states)) return NO_ROOM;
    slot = this.enterOne(reserve, tried, SUSPECT);
    return slot === -1 ? this.enterOne(slots, tried, EJECTED) : slot;
  }

  private enterOne(slots: Int32Array, tried: readonly number[], states: number): number {
    for (const slot of slots) {
      if (tried.includes(slot)) continue;
      if (this.table.enter(slot, this.known.generation(slot), states)) return slot;
    }
    return -1;
  }

  /** Those who wait go before somebody who comes now. */
  get hasTurns(): boolean {
    // Those are refused like everybody else.
    if (!this.isLimited || this.circuit?.refuses) return false;
    return this.queue?.hasTurns ?? false;
  }

  /** Exchanges there besides the one that has just entered, for a policy that will be told. */
  others(slot: number): number {
    return this.policy.observe === undefined ? 0 : this.table.busy(slot) - 1;
  }

  /** An attempt begins now, at the backend that has just been entered for it. */
  begin(attempt: Began, slot: number, nowMs: number): void {
    attempt.askedMs = nowMs;
    attempt.others = this.others(slot);
    attempt.trial = this.table.beginTrial();
    attempt.circuitTrial = this.circuit === null ? NO_TRIAL : this.circuit.beginTrial();
  }

  /**
   * An attempt has its response's head, or has ended without: the backend `failed` it, or nobody
   * waits for it any more.
   */
  tell(
    slot: number,
    began: Pick<Began, 'askedMs' | 'others'>,
    nowMs: number,
    how: Head | 'failed' | 'abandoned',
  ): void {
    const { attempt, policy } = this;
    if (policy.observe === undefined) return;
    attempt.slot = slot;
    attempt.elapsedMs = nowMs - began.askedMs;
    attempt.others = began.others;
    if (typeof how === 'string') {
      attempt.outcome = how;
      attempt.retryAfterMs = 0;
    } else {
      // How long it takes to switch protocols says nothing about requests.
      if (how.status === 101) return;
      if (policy.readsReports === true) this.load.read(how);
      const failed = isFailure(how.status);
      attempt.outcome = failed ? 'failed' : 'answered';
      const restMs = failed ? retryAfterMs(how) : 0;
      attempt.retryAfterMs = restMs === UNTIL_A_DATE ? 0 : restMs;
    }
    policy.observe(attempt);
  }

  /** Where a policy that chooses by hash sends this request; NO_KEY for the others. */
  keyOf(head: Head, facts: RequestFacts, address: string): number {
    const { policy, hashKey } = this.config;
    return goesByKey(policy) ? hashKeyOf(hashKey, head, facts, address) : NO_KEY;
  }

  /** Where the client was before; or null. A cookie of ours is taken out of the head. */
  homeOf(head: Head, facts: RequestFacts): Backend | null {
    if (this.cookie !== null) return this.cookie.homeOf(head);
    return this.sessions === null ? null : this.sessions.homeOf(head, facts);
  }

  /**
   * This backend answers: the client will find it again. Returns what a Set-Cookie says for that;
   * null: nothing.
   */
  settle(
    { head, facts, peer }: Asked,
    response: Head,
    home: Backend | null,
    backend: Backend,
  ): Uint8Array | null {
    this.sessions?.answered(head, facts, response, home, backend);
    if (this.cookie === null || home === backend) return null;
    return this.cookie.valueFor(backend, isSecure(head, peer.trusted, peer.scheme));
  }

  /** After how many seconds a client may come again that nobody serves now; null: soon. */
  retryAfterSeconds(): number | null {
    return this.circuit?.refuses ? this.circuit.retryAfterSeconds(this.deps.wallMs()) : null;
  }

  /** After so long a second attempt begins beside a first one (`hedge`); Infinity: none does. */
  get hedgeAfterMs(): number {
    const { hedge } = this.config;
    if (hedge === null) return Number.POSITIVE_INFINITY;
    return this.slowness?.valueMs ?? hedge.afterMs;
  }

  /** How long an exchange waits that has had so many waits already, and comes back (`retries`). */
  backoffMs(already: number): number {
    const { backoffMs, maxBackoffMs } = this.config.retries!;
    return fullJitterMs(this.deps.rng, backoffMs, maxBackoffMs, already);
  }

  hasUntried(tried: readonly number[]): boolean {
    const { slots, reserve } = this.schedule;
    const isUntried = (slot: number): boolean => !tried.includes(slot);
    return slots.some(isUntried) || reserve.some(isUntried);
  }

  /** Why `enter` found nobody; `last`: how the last attempt before it failed, if there was one. */
  nobody(last: Failure | null): Failure {
    if (last === null) return this.circuit?.refuses ? CIRCUIT_OPEN : NOBODY;
    if (last.kind !== 'refused' && last.kind !== 'unreachable' && last.kind !== 'unresolved') {
      return last;
    }
    const cause = `no backend could be reached, the last one: ${last.cause}`;
    return failure('no_backend', 'us', 'pick', 'never', cause);
  }
}
