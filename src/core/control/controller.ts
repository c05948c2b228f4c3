/**
 * The control thread's decisions, in one place: which backends there are and in what state, what a
 * reload changes, who drains, and how everything stops. A state machine over ports: sockets, time,
 * chance and the engine are handed in, so that the simulator runs it too.
 */
import type { Clock } from '../base/clock.ts';
import { assert, type Failure } from '../base/failure.ts';
import { EVERY_HOST, hostsOverlap } from '../base/listen-hosts.ts';
import type { Rng } from '../base/rng.ts';
import type { Resolver, Transport } from '../base/transport.ts';
import type { BackendConfig, Config, ListenerConfig, PoolConfig } from '../config.ts';
import type { PoolMembers } from '../engine/engine.ts';
import { Tracker } from '../health/tracker.ts';
import { Waiting } from '../resilience/waiting.ts';
import { Backend } from '../table/backend.ts';
import { State, stateName, type Table } from '../table/table.ts';
import type { Log } from '../telemetry/log.ts';
import { Circuits } from './circuits.ts';
import { Drains } from './drains.ts';
import type { EngineControls } from './engine-controls.ts';
import { HealthWatch } from './health-watch.ts';
import { LoadProbes } from './load-probes.ts';
import type { Member, Pool } from './members.ts';
import { Memories } from './memories.ts';
import { Names } from './names.ts';
import { PassiveWatch } from './passive-watch.ts';
import { PolicyWatch } from './policy-watch.ts';
import { Prober } from './prober.ts';
import { type PlannedPool, planReload, type ReloadPlan, summarise } from './reload-plan.ts';
import { RequestLimits } from './request-limits.ts';
import { Schedules } from './schedules.ts';
import type { BackendStatus, PoolStatus } from './status.ts';
import { checkTimeout, Stop } from './stop.ts';

export interface ControllerDeps {
  readonly transport: Transport;
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly table: Table;
  readonly log: Log;
  readonly engine: EngineControls;
  /** For how long changes of a pool are merged; absent: by its size. */
  readonly mergeWindowMs?: (pool: Pool) => number;
}

/** A listener that could not be opened, and why. */
export interface ListenFailure {
  readonly listener: ListenerConfig;
  readonly failure: Failure;
}

/** `problem`: null when the new configuration is in use; else why nothing changed, for people. */
export interface ReloadResult {
  readonly problem: string | null;
  /** What changed, or would have: `1 backend added`. */
  readonly summary: string;
}

interface WaitingReload {
  readonly config: Config;
  readonly done: (result: ReloadResult) => void;
}

/** How long the listeners wait at the start for the names of backends to be looked up. */
const FIRST_NAMES_MS = 1000;

/** A loop later than this proves nothing about anybody else. */
const LATE_MS = 250;

/** One for each balancer. What it is handed it keeps until `stop` is done. */
export class Controller {
  private readonly deps: ControllerDeps;
  private readonly prober: Prober;
  private readonly loads: LoadProbes;
  private readonly names: Names;
  private readonly health: HealthWatch;
  private readonly passive: PassiveWatch;
  private readonly limits: RequestLimits;
  private readonly circuits: Circuits;
  private readonly policies: PolicyWatch;
  private readonly drains: Drains;
  private readonly schedules: Schedules;
  private readonly memories: Memories;
  private readonly members = new Map<Backend, Member>();
  private pools: ReadonlyMap<string, Pool> = new Map();
  private config: Config | null = null;
  private listening = false;
  private reloading = false;
  private readonly waitingReloads: WaitingReload[] = [];
  private stopping: Stop | null = null;
  private readonly stopCallbacks: (() => void)[] = [];
  private hasStopped = false;

  constructor(deps: ControllerDeps) {
    const { transport, resolver, clock, rng, table, log, engine } = deps;
    this.deps = deps;
    this.prober = new Prober(transport, clock, rng, {
      connected: (backend, address) => this.names.noteGood(backend, address),
      connectFailed: (backend) => this.names.lookAgain(backend),
      probed: (backend, outcome, tookMs) =>
        this.withHealth(backend, (member) => this.health.probed(member, outcome, tookMs)),
      reported: (backend, load) => this.loads.reported(backend, load),
    });
    this.loads = new LoadProbes(transport, clock, rng, table);
    this.names = new Names(resolver, clock, log, {
      addressed: (backend) => engine.addressed(backend),
      resolved: (backend) => {
        this.withHealth(backend, (member) => this.health.resolved(member));
        this.loads.resolved(backend);
      },
      unresolved: (backend, why) =>
        this.withHealth(backend, (member) => this.health.unresolved(member, why)),
    });
    this.schedules = new Schedules(table, clock, log, engine, deps.mergeWindowMs);
    this.memories = new Memories(rng, table);
    this.health = new HealthWatch(table, clock, log, engine, this.prober, this.schedules);
    this.passive = new PassiveWatch(table, clock, rng, log, this.health);
    this.limits = new RequestLimits(table, clock, log);
    this.circuits = new Circuits(table, clock, log);
    this.policies = new PolicyWatch(clock, log);
    this.drains = new Drains(table, clock, log, engine, (member) =>
      this.members.delete(member.backend),
    );
  }

  /**
   * The first configuration: backends take their slots, probes and look-ups begin; listeners open
   * when the names have been looked up, or after a second. `done` when every listener has answered,
   * with those that could not be opened; whether to go on is the caller's.
   */
  start(config: Config, done: (failures: readonly ListenFailure[]) => void): void {
    assert(this.config === null, 'a controller starts once');
    const plan = planReload(null, this.pools, config);
    const problem = this.slotProblem(plan);
    assert(problem === null, problem ?? '');
    this.apply(config, plan);
    this.reloading = true;
    // The first request should not come before the first addresses.
    this.names.whenAsked(FIRST_NAMES_MS, () => {
      this.openListeners(this.stopping === null ? plan.opened : [], (failures) => {
        this.listening = failures.length === 0;
        this.reloading = false;
        done(failures);
        this.nextReload();
      });
    });
  }

  /**
   * Another configuration: only what differs changes. If it cannot be used as a whole, nothing
   * changes. Reloads are done one after the other. `done` may be called before this returns.
   */
  reload(config: Config, done: (result: ReloadResult) => void): void {
    this.waitingReloads.push({ config, done });
    this.nextReload();
  }

  /** No new exchanges for this backend. False: there is none of this name in this pool. */
  drain(pool: string, backend: string): boolean {
    const members = this.pools.get(pool)?.members;
    const member = members?.find((candidate) => candidate.backend.config.name === backend);
    if (member === undefined) return false;
    if (member.drain !== null) return true;
    this.beginDrain(member, false);
    this.schedules.refresh(member.pool);
    this.drains.settle(member);
    return true;
  }

  /** The engine: every address refused an exchange, and the table says suspect. */
  suspected(backend: Backend, failure: Failure): void {
    this.withHealth(backend, (member) => this.health.suspected(member, failure.cause));
  }

  /** The engine: so many attempts in a row have failed as the pool allows. */
  failing(backend: Backend, why: string): void {
    this.withHealth(backend, (member) => this.passive.failing(member, why));
  }

  /** The engine: the trial of an ejected backend is over. */
  tried(backend: Backend, failed: string | null): void {
    this.withHealth(backend, (member) => this.passive.tried(member, failed));
  }

  /** The engine: this address could not be connected to. Its name is looked up again soon. */
  connectFailed(backend: Backend, _address: string, _failure: Failure): void {
    this.names.lookAgain(backend);
  }

  /** The engine: this address works; it comes first from now on. */
  connected(backend: Backend, address: string): void {
    this.names.noteGood(backend, address);
  }

  /** The engine: the exchanges or tunnels on a draining backend have become none. */
  released(backend: Backend): void {
    const member = this.members.get(backend);
    if (member !== undefined) this.drains.settle(member);
  }

  /** The engine: the policy function of this pool has failed so many more times. */
  policyFailed(name: string, failures: number, why: string): void {
    const pool = this.pools.get(name);
    if (pool !== undefined) this.policies.failed(pool, failures, why);
  }

  /** Nobody waits anywhere else when there is one engine. */
  room(): void {}

  /** Nor has anybody else idle connections. */
  connectionWanted(): void {}

  /**
   * Workers that died took with them what was in flight there, and what they had not told: who
   * drains may be done, and the table may say suspect of who is up to us.
   */
  countsChanged(): void {
    for (const member of [...this.members.values()]) {
      this.health.workerDied(member);
      this.passive.workerDied(member);
      this.drains.settle(member);
    }
  }

  /** The loop woke up this much too late: probes in flight are void. */
  loopWasLate(lagMs: number): void {
    if (lagMs > LATE_MS) this.prober.voidInFlight();
  }

  /**
   * Not ready any more, then listeners closed, then until all has ended or `timeoutMs` is over
   * (after the shutdown delay; null: never; not a time: throws). Asked again, the shorter one wins.
   */
  stop(options: { readonly timeoutMs: number | null }, done: () => void): void {
    checkTimeout(options.timeoutMs);
    if (this.hasStopped) {
      this.deps.clock.wakeAt(this.deps.clock.nowMs(), done);
      return;
    }
    this.stopCallbacks.push(done);
    if (this.stopping !== null) {
      this.stopping.hurry(options.timeoutMs);
      return;
    }
    const { clock, log, engine } = this.deps;
    // What never began has no end that anybody wants to read about.
    const say = this.listening ? log : null;
    this.stopping = new Stop(clock, say, engine, () => this.stopped());
    this.stopping.begin(this.config?.shutdown.delayMs ?? 0, options.timeoutMs);
  }

  /** For `/readyz`: all listeners of the first configuration are open, and nobody asked to stop. */
  ready(): boolean {
    return this.listening && this.stopping === null;
  }

  status(): readonly PoolStatus[] {
    const leaving = [...this.members.values()].filter((member) => member.drain?.removed);
    const names = new Set([
      ...this.pools.keys(),
      ...leaving.map((member) => member.pool.config.name),
    ]);
    return [...names].map((name) => {
      const listed = this.pools.get(name)?.members ?? [];
      const rest = leaving.filter((member) => member.pool.config.name === name);
      const pool = this.pools.get(name);
      const effective = pool === undefined ? new Map() : this.schedules.effective(pool);
      const backends = [...listed, ...rest].map((member) => this.statusOf(member, effective));
      const circuit = pool === undefined ? null : this.circuits.stateOf(pool);
      const failures = pool === undefined ? null : this.policies.failures(pool);
      return {
        name,
        backends,
        ...(circuit === null ? {} : { circuit }),
        ...(failures === null ? {} : { policyFailures: failures }),
      };
    });
  }

  private statusOf(member: Member, effective: ReadonlyMap<number, number>): BackendStatus {
    const { table } = this.deps;
    const { backend, tracker, drain } = member;
    const effectiveWeight = effective.get(backend.slot);
    const limit = table.limit(backend.slot);
    return {
      name: backend.config.name,
      url: backend.config.url,
      weight: backend.config.weight,
      ...(effectiveWeight === undefined ? {} : { effectiveWeight }),
      state: stateName(table.state(backend.slot)),
      sinceWallMs: drain?.sinceWallMs ?? tracker.sinceWallMs,
      why: drain === null ? tracker.why : drainWhy(drain),
      inFlight: table.inFlight(backend.slot),
      tunnels: table.tunnels(backend.slot),
      ...(limit === 0 ? {} : { limit }),
    };
  }

  /** Evidence about a backend that drains, or that is gone, changes nothing. */
  private withHealth(backend: Backend, act: (member: Member) => void): void {
    const member = this.members.get(backend);
    if (member !== undefined && member.drain === null) act(member);
  }

  private nextReload(): void {
    if (this.reloading) return;
    const next = this.waitingReloads.shift();
    if (next === undefined) return;
    const plan = planReload(this.config, this.pools, next.config);
    const problem = this.reloadProblem(plan);
    this.reloading = true;
    if (problem !== null) {
      this.endReload(next, plan, problem);
      return;
    }
    this.openListeners(plan.opened, (failures) => {
      const failed = listenProblem(failures, plan.closed) ?? this.reloadProblem(plan);
      if (failed === null) {
        for (const listener of plan.closed) this.deps.engine.unlisten(listener);
        this.apply(next.config, plan);
        this.endReload(next, plan, null);
        return;
      }
      const closed = new Set(failures.map(({ listener }) => listener));
      for (const listener of plan.opened) {
        if (!closed.has(listener)) this.deps.engine.unlisten(listener);
      }
      this.endReload(next, plan, failed);
    });
  }

  private reloadProblem(plan: ReloadPlan): string | null {
    if (this.stopping !== null) return 'it is stopping';
    return this.config === null ? 'it has not started' : this.slotProblem(plan);
  }

  private endReload(reload: WaitingReload, plan: ReloadPlan, problem: string | null): void {
    const { log } = this.deps;
    const summary = summarise(plan);
    if (problem === null) {
      log.event('info', 'reload_applied', `the new configuration is in use: ${summary}`);
    } else {
      const message = `the new configuration is not used, nothing has changed: ${problem}`;
      log.event('error', 'reload_refused', message, { problem });
    }
    this.reloading = false;
    reload.done({ problem, summary });
    this.nextReload();
  }

  /** Null, or why the backends of this plan do not fit into the table. */
  private slotProblem(plan: ReloadPlan): string | null {
    const { table } = this.deps;
    let free = 0;
    for (let slot = 0; slot < table.capacity; slot++) {
      if (table.state(slot) === State.free) free++;
    }
    if (plan.added <= free) return null;
    const needed = table.capacity - free + plan.added;
    return (
      `the table has ${table.capacity} slots, ${needed} are needed (backends that drain keep ` +
      'theirs); set table_size higher and restart'
    );
  }

  private openListeners(
    listeners: readonly ListenerConfig[],
    done: (failures: readonly ListenFailure[]) => void,
  ): void {
    const failures: ListenFailure[] = [];
    let waiting = listeners.length;
    if (waiting === 0) done(failures);
    for (const listener of listeners) {
      this.deps.engine.listen(listener, (failure) => {
        if (failure !== null) failures.push({ listener, failure });
        waiting--;
        if (waiting === 0) done(failures);
      });
    }
  }

  /** The order matters: the engine knows the new set before a slot is freed or a probe is sent. */
  private apply(config: Config, plan: ReloadPlan): void {
    const fresh = new Map<Pool, readonly Member[]>();
    for (const member of plan.removed) this.beginDrain(member, true);
    const pools = new Map<string, Pool>();
    for (const planned of plan.pools) {
      const pool = planned.pool ?? this.newPool(planned.config);
      pool.config = planned.config;
      pools.set(pool.config.name, pool);
      fresh.set(pool, this.seat(planned, pool));
    }
    // Only now: a new backend of the same name goes on with the addresses that are known.
    for (const member of plan.removed) this.names.remove(member.backend);
    this.pools = pools;
    this.config = config;
    this.prober.configured();
    const memories = this.memories.of(config);
    this.deps.engine.configure(config, this.membersOf(pools), memories);
    for (const member of plan.removed) this.drains.settle(member);
    for (const member of plan.rechecked) {
      if (member.drain === null) this.health.reconfigured(member);
    }
    for (const [pool, members] of fresh) this.health.begin(pool, members);
    this.schedules.configured([...pools.values()]);
    this.passive.configured([...pools.values()]);
    this.circuits.configured([...pools.values()], memories.circuits);
    this.loads.configured([...pools.values()]);
    this.policies.configured([...pools.values()]);
  }

  /** Gives the pool its members in configured order; returns those that are new. */
  private seat(planned: PlannedPool, pool: Pool): readonly Member[] {
    const fresh: Member[] = [];
    pool.members = planned.backends.map(({ config, member }) => {
      if (member === null) {
        const added = this.addMember(config, pool);
        fresh.push(added);
        if (planned.pool !== null) this.schedules.slowStarts.begin(added);
        return added;
      }
      member.backend.config = config;
      member.backend.pool = pool.config;
      this.limits.configured(member);
      return member;
    });
    return fresh;
  }

  private newPool(config: PoolConfig): Pool {
    const { table } = this.deps;
    return { config, members: [], waiting: table.allocate(Waiting.bytesFor(table.workers)) };
  }

  private addMember(config: BackendConfig, pool: Pool): Member {
    const { table, clock } = this.deps;
    const slot = table.claim(config.weight, State.checking);
    assert(slot !== null, 'there are as many free slots as the plan needs');
    const backend = new Backend(slot, table.generation(slot), config, pool.config);
    this.names.add(backend);
    const resolved = backend.addresses.length > 0;
    const tracker = new Tracker(pool.config.healthCheck, resolved, clock.wallMs());
    table.setState(slot, tracker.state);
    const member: Member = { backend, tracker, pool, drain: null, turnedMs: null, pardoned: false };
    this.members.set(backend, member);
    this.limits.configured(member);
    return member;
  }

  private membersOf(pools: ReadonlyMap<string, Pool>): ReadonlyMap<string, PoolMembers> {
    const entries = [...pools].map(([name, pool]): [string, PoolMembers] => {
      const backends = pool.members.map((member) => member.backend);
      return [name, { backends, schedule: this.schedules.of(pool), waiting: pool.waiting }];
    });
    return new Map(entries);
  }

  private beginDrain(member: Member, removed: boolean): void {
    this.prober.forget(member.backend);
    this.loads.forget(member.backend);
    this.schedules.slowStarts.end(member);
    this.passive.forget(member);
    this.limits.forget(member);
    this.drains.begin(member, removed);
  }

  private stopped(): void {
    const { prober, loads, names, health, passive, limits, circuits } = this;
    const parts = [prober, loads, names, health, passive, limits, circuits];
    for (const part of [...parts, this.policies, this.drains, this.schedules]) part.stop();
    this.hasStopped = true;
    for (const done of this.stopCallbacks.splice(0)) done();
  }
}

/** `closing`: ours that would close when the others are open. */
function listenProblem(
  failures: readonly ListenFailure[],
  closing: readonly ListenerConfig[],
): string | null {
  if (failures.length === 0) return null;
  const problems = failures.map(({ listener, failure }) => {
    const own = closing.find((each) => failure.kind === 'address_in_use' && meets(each, listener));
    const way = `this balancer's own ${own?.address} is in its way`;
    const ours = `${way}; restart it, or use another port`;
    return `cannot listen on ${listener.address}: ${own === undefined ? failure.cause : ours}`;
  });
  return problems.join('; ');
}

/** One would be in the other's way. */
const meets = (a: ListenerConfig, b: ListenerConfig): boolean =>
  a.port === b.port && hostsOverlap(a.host ?? EVERY_HOST, b.host ?? EVERY_HOST);

const drainWhy = (drain: NonNullable<Member['drain']>): string => {
  const why = drain.removed ? 'it left the configuration' : 'it was asked to';
  return drain.empty ? `${why}; nothing is on it any more` : why;
};
