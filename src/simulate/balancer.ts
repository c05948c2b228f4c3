/**
 * The balancer of a run: the control thread as it is, and in place of an engine what the requests
 * of `exchange.ts` need of one. The pool, its policy, queue, budget, schedules and table, probes,
 * ejections, slow starts, drains and reloads are the product's.
 */
import { LoadMeter } from '../core/balancing/load-meter.ts';
import type { Schedule } from '../core/balancing/schedule.ts';
import { type Failure, failure } from '../core/base/failure.ts';
import type { Rng } from '../core/base/rng.ts';
import { TimerWheel } from '../core/base/timer-wheel.ts';
import type { BackendConfig, Config, ListenerConfig, PoolConfig } from '../core/config.ts';
import { Controller } from '../core/control/controller.ts';
import type { EngineControls } from '../core/control/engine-controls.ts';
import type { PoolMembers } from '../core/engine/engine.ts';
import { Pool } from '../core/engine/pool.ts';
import { Queue } from '../core/engine/queue.ts';
import type { SharedMemories } from '../core/engine/shared-memories.ts';
import { Waiting } from '../core/resilience/waiting.ts';
import type { Backend } from '../core/table/backend.ts';
import type { OpenCounts } from '../core/table/slabs.ts';
import { State, Table } from '../core/table/table.ts';
import type { Log } from '../core/telemetry/log.ts';
import { SimExchange } from './exchange.ts';
import { Heads } from './heads.ts';
import type { Measure } from './measure.ts';
import { ProbeTransport, type ProbeWorld } from './probes.ts';
import { type Scenario, serviceOf } from './scenario.ts';
import { type Job, Server } from './server.ts';
import type { Timeline } from './timeline.ts';

/** The timeline's kind of entries for a request whose connection is refused. */
export const REFUSED = 2;

/** An address for each backend, so that a probe finds it, whatever its URL. */
const addressOf = (number: number): string => `10.254.${number >> 8}.${number & 255}`;
const SOME_ADDRESS = /10\.254\.(\d+)\.(\d+)/g;

export interface BalancerDeps {
  readonly scenario: Scenario;
  readonly timeline: Timeline;
  readonly rng: Rng;
  readonly measure: Measure;
  readonly log: Log;
  /** Every backend that there may be, each with its number in what is counted. */
  readonly backends: readonly BackendConfig[];
  /** A request is over. `by`: who answered it; null: it failed. */
  readonly ended: (exchange: SimExchange, error: string | null, by: Backend | null) => void;
}

export class SimBalancer implements EngineControls, ProbeWorld {
  readonly timeline: Timeline;
  readonly rng: Rng;
  readonly wheel: TimerWheel;
  readonly table: Table;
  readonly control: Controller;
  readonly heads = new Heads();
  readonly config: Config;
  readonly pool: Pool;
  /** Of each backend, how many requests are there, by its number. */
  readonly inFlight: Int32Array;
  readonly servers: readonly Server[];
  private readonly deps: BalancerDeps;
  private readonly jobs: (Job | null)[] = [];
  private readonly freeJobs: number[] = [];
  private readonly spare: SimExchange[] = [];
  private readonly numbers: ReadonlyMap<string, number>;
  private readonly backends: (Backend | null)[] = [];
  private readonly bySlot: Server[] = [];
  private open_ = 0;

  /** Starts it with these backends of the pool. */
  constructor(deps: BalancerDeps, pool: PoolConfig) {
    const { scenario, timeline, rng, log, backends } = deps;
    this.deps = deps;
    this.timeline = timeline;
    this.rng = rng;
    this.inFlight = new Int32Array(backends.length);
    this.numbers = new Map(backends.map(({ name }, number) => [name, number]));
    this.servers = backends.map(({ name }, number) => {
      const meter = pool.policy === 'prequal' ? new LoadMeter() : null;
      return new Server(name, number, serviceOf(scenario, name), timeline, meter);
    });
    // Those that drain keep their slots for a while when others of their names come.
    this.table = new Table({ capacity: 2 * backends.length + 16, workers: 1 });
    this.wheel = new TimerWheel(timeline);
    this.config = this.configWith(pool);
    const needs = { rng: rng.fork(), wallMs: () => timeline.wallMs(), log };
    this.pool = new Pool(this.config.pools[0], this.table, this, needs);
    this.control = new Controller({
      transport: new ProbeTransport(this),
      resolver: { resolve: () => {} },
      clock: timeline,
      rng: rng.fork(),
      table: this.table,
      log,
      engine: this,
    });
    this.control.start(this.config, () => {});
  }

  /** The configuration that has this pool alone, where each backend has its address. */
  configWith(pool: PoolConfig): Config {
    const { config } = this.deps.scenario;
    const backends = pool.backends.map((each) => ({
      ...each,
      host: addressOf(this.numbers.get(each.name)!),
    }));
    return {
      ...config,
      listeners: [],
      routes: [{ hosts: [], pathPrefix: '/', pool: pool.name, rateLimits: [] }],
      pools: [{ ...pool, backends }],
      limits: { ...config.limits, maxConnectionsPerClient: null },
    };
  }

  /** What the log says, with the backends' own hosts. */
  wording(message: string): string {
    return message.replace(SOME_ADDRESS, (_, high, low) => {
      return this.deps.backends[Number(high) * 256 + Number(low)].host;
    });
  }

  // ---- jobs -------------------------------------------------------------------------------------

  enrol<T extends Job>(make: (index: number) => T): T {
    const job = make(this.freeJobs.pop() ?? this.jobs.length);
    this.jobs[job.index] = job;
    return job;
  }

  retire({ index }: Job): void {
    this.jobs[index] = null;
    this.freeJobs.push(index);
  }

  /** Who is meant by an entry of the timeline; null: it is over. */
  jobAt(index: number, serial: number): Job | null {
    const job = this.jobs[index];
    return job?.serial === serial ? job : null;
  }

  serverOf(address: string): Server | null {
    const [, , high, low] = address.split('.').map(Number);
    return this.servers[high * 256 + low] ?? null;
  }

  expectedStatus(): number {
    return this.pool.config.healthCheck?.expectedStatus[0][0] ?? 200;
  }

  // ---- what requests need -----------------------------------------------------------------------

  /** One that is not in use. */
  takeExchange(): SimExchange {
    this.open_++;
    return this.spare.pop() ?? this.enrol((index) => new SimExchange(index, this));
  }

  ended(exchange: SimExchange, error: string | null, by: Backend | null): void {
    this.open_--;
    this.deps.ended(exchange, error, by);
    this.spare.push(exchange);
  }

  /** Requests that have come and are not over. */
  get openExchanges(): number {
    return this.open_;
  }

  backendAt(slot: number): Backend {
    return this.backends[slot]!;
  }

  serverAt(slot: number): Server {
    return this.bySlot[slot];
  }

  sent(exchange: SimExchange, { number }: Server): void {
    this.inFlight[number]++;
    this.deps.measure.sent(exchange, number);
  }

  refuseSoon(exchange: SimExchange): void {
    this.timeline.put(this.timeline.nowMs(), REFUSED, exchange.index, exchange.serial);
  }

  unreached(backend: Backend, why: Failure): void {
    this.control.connectFailed(backend, backend.addresses[0], why);
    if (this.table.suspect(backend.slot)) this.control.suspected(backend, why);
  }

  leave(backend: Backend, trial: number): void {
    const { table, pool } = this;
    this.inFlight[this.serverAt(backend.slot).number]--;
    table.leave(backend.slot, trial);
    if (table.limit(backend.slot) > 0) pool.queue?.room();
    if (table.state(backend.slot) !== State.draining) return;
    if (table.inFlight(backend.slot) === 0) this.control.released(backend);
  }

  // ---- what the pool needs ----------------------------------------------------------------------

  generation(slot: number): number {
    return this.backends[slot]?.generation ?? -1;
  }

  // ---- what the control thread asks -------------------------------------------------------------

  configure(
    config: Config,
    pools: ReadonlyMap<string, PoolMembers>,
    memories: SharedMemories,
  ): void {
    const [poolConfig] = config.pools;
    const { backends, schedule, waiting } = pools.get(poolConfig.name)!;
    for (const backend of backends) {
      this.backends[backend.slot] = backend;
      this.bySlot[backend.slot] = this.servers[this.numbers.get(backend.config.name)!];
    }
    this.pool.queue ??= new Queue(poolConfig.queue, {
      clock: this.timeline,
      wheel: this.wheel,
      waiting: new Waiting(waiting, this.table.me),
      ring: () => {},
    });
    // Who stays where is known without looking: no session is remembered here.
    const circuit = memories.circuits.get(poolConfig.name) ?? null;
    this.pool.configure(poolConfig, backends, { circuit, sessions: null });
    this.pool.follow(schedule);
  }

  schedule(_: string, schedule: Schedule): void {
    this.pool.follow(schedule);
  }

  addressed(): void {}

  backendDown(backend: Backend): void {
    this.pool.budget.credit(this.table.ownInFlight(backend.slot), this.wheel.nowMs());
    const cause = 'a probe took the backend down';
    const why = failure('closed', 'backend', 'relay', 'if-idempotent', cause);
    this.cutAt(backend, why, (exchange) => exchange.goesOnElsewhere);
  }

  cut(backend: Backend): void {
    const cause = 'the time to drain the backend is over';
    this.cutAt(backend, failure('stopping', 'us', 'relay', 'never', cause), () => true);
  }

  private cutAt(backend: Backend, why: Failure, isMeant: (job: SimExchange) => boolean): void {
    const server = this.serverAt(backend.slot);
    for (const job of [...server.jobs()]) {
      if (job instanceof SimExchange && job.isAt(backend) && isMeant(job)) job.cut(why);
    }
  }

  listen(_: ListenerConfig, ready: (failure: Failure | null, port: number) => void): void {
    ready(null, 0);
  }

  unlisten(): void {}

  beginStop(): void {}

  open(): OpenCounts {
    return { listeners: 0, connections: 0, exchanges: this.open_, tunnels: 0 };
  }

  cutAll(): void {}
}
