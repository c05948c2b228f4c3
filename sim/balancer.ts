/**
 * The balancer under test: the engine, the controller and the table as they are, on pretended
 * sockets, time and chance.
 */
import type { Schedule } from '../src/core/balancing/schedule.ts';
import type { Clock } from '../src/core/base/clock.ts';
import type { Rng } from '../src/core/base/rng.ts';
import type { Resolver, Transport } from '../src/core/base/transport.ts';
import type {
  BackendConfig,
  Config,
  HealthCheckConfig,
  RateLimitConfig,
} from '../src/core/config.ts';
import { Controller, type ReloadResult } from '../src/core/control/controller.ts';
import type { ImportFunctions } from '../src/core/control/function-imports.ts';
import { Engine } from '../src/core/engine/engine.ts';
import type { Exchange } from '../src/core/engine/exchange.ts';
import type { RouteLimits } from '../src/core/engine/rate-limits.ts';
import { BACKUP } from '../src/core/health/levels.ts';
import type { PolicyFunction } from '../src/core/policy-function.ts';
import { Table } from '../src/core/table/table.ts';
import type { Log } from '../src/core/telemetry/log.ts';
import type { Backend } from './backend.ts';
import { defaultBackend, defaultConfig, defaultPool, routeConfig } from './default-config.ts';
import { hostOf } from './names.ts';
import type { SimNetwork } from './network.ts';
import type { SimOptions } from './options.ts';
import { type MakeEngine, SimThreads } from './threads.ts';
import { type Extra, tapTransport } from './wiretap.ts';

/** Of the control thread, and of the engine where there is one. */
export const BALANCER_ADDRESS = '10.9.0.1';
export const TABLE_SIZE = 64;
const RESOURCES = { descriptors: 1024, memoryBytes: 1_073_741_824 };

/** A table that tells which slot an engine enters. */
class WatchedTable extends Table {
  private readonly picked: (slot: number) => void;
  private isTrying = false;

  /** `memory`: of all workers, as this one sees it; else memory of its own. */
  constructor(
    picked: (slot: number) => void,
    workers: number,
    memory?: ArrayBufferLike,
    worker = 0,
  ) {
    super({ capacity: TABLE_SIZE, workers }, memory, worker);
    this.picked = picked;
  }

  /** The same memory as this worker sees it. */
  of(worker: number): Table {
    return new WatchedTable(this.picked, this.workers, this.buffer, worker);
  }

  override enter(slot: number, generation: number, states: number): boolean {
    const entered = super.enter(slot, generation, states);
    if (entered && !this.isTrying) this.picked(slot);
    return entered;
  }

  /** Enters, and asks whether it may stay then: who may not was not picked. */
  override enterKept(slot: number, generation: number): boolean {
    this.isTrying = true;
    const entered = super.enterKept(slot, generation);
    this.isTrying = false;
    if (entered) this.picked(slot);
    return entered;
  }
}

/** An engine that tells what its rate limits decide, and what is on its way. */
class WatchedEngine extends Engine {
  /** Set when it is made. */
  limited: BalancerWorld['limited'] = () => {};
  /** Exchanges on their way. */
  readonly live = new Set<Exchange>();
  /** How many backends its schedule has, with those in reserve. */
  scheduled = 0;

  override configure(...about: Parameters<Engine['configure']>): void {
    for (const { schedule } of about[1].values()) this.count(schedule);
    super.configure(...about);
  }

  override schedule(pool: string, schedule: Schedule): void {
    this.count(schedule);
    super.schedule(pool, schedule);
  }

  private count({ slots, reserve }: Schedule): void {
    this.scheduled = slots.length + reserve.length;
  }

  override takeExchange(): Exchange {
    const exchange = super.takeExchange();
    // Until its head is there it would tell of the one it carried before.
    exchange.phase = 'accept';
    this.live.add(exchange);
    return exchange;
  }

  override giveExchange(exchange: Exchange): void {
    this.live.delete(exchange);
    super.giveExchange(exchange);
  }

  override route(...about: Parameters<Engine['route']>): ReturnType<Engine['route']> {
    const found = super.route(...about);
    const limits = found?.limits ?? null;
    if (found === null || limits === null) return found;
    const watched: RouteLimits = Object.create(limits);
    watched.check = (head, facts, peer, address) => {
      const why = limits.check(head, facts, peer, address);
      this.limited(address, why === null);
      return why;
    };
    return { ...found, limits: watched };
  }
}

export interface BalancerWorld {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly network: SimNetwork;
  readonly options: SimOptions;
  /** With `policy: function`; else null. */
  readonly choose: PolicyFunction | null;
  readonly backends: readonly Backend[];
  readonly resolver: Resolver;
  readonly log: Log;
  /** What the backend at the other end of the connection from this port has sent too much. */
  readonly extraOf: (port: number) => Extra | undefined;
  readonly reusedDirty: (port: number) => void;
  /** It has so many connections to this address now. */
  readonly dialled: (address: string, open: number) => void;
  /** The engine begins an attempt on this slot. */
  readonly picked: (slot: number) => void;
  /** The engine has decided whether a request of this client is within its rate. */
  readonly limited: (client: string, isWithin: boolean) => void;
  /** The worker at this address is gone, and what it had not logged yet. */
  readonly died: (address: string) => void;
}

/** Everything of the balancer that the world looks at. */
export interface SimBalancer {
  readonly controller: Controller;
  readonly table: Table;
  /** Where clients come to: one address for each worker. */
  readonly addresses: readonly string[];
  /** Those of them where a worker runs. */
  readonly runningAddresses: readonly string[];
  /** Of the workers that run. */
  readonly engines: readonly Engine[];
  /** What is on its way in them, and has been understood. */
  readonly live: readonly Exchange[];
  /** How many backends each of them may pick, or have in reserve. */
  readonly scheduled: readonly number[];
  /** Null: it has no threads, the control thread carries the traffic. */
  readonly threads: SimThreads | null;
  /** As the process does it: workers have their functions before the controller begins. */
  reload(config: Config, done: (result: ReloadResult) => void): void;
  /** When it has stopped: nothing of it runs any more. */
  end(done: () => void): void;
}

/** Starts it with all backends; it listens after a turn of the clock. */
export function startSimBalancer(world: BalancerWorld): SimBalancer {
  const { clock, rng, log, options } = world;
  const { workers } = options;
  const table = new WatchedTable(world.picked, workers);
  const config = makeConfig(world, world.backends, options.weights);
  const tap = tapOf(world);
  const makeEngine: MakeEngine = (transport, own, worker) =>
    startEngine(world, config, worker === null ? table : table.of(worker), tap(transport), own);
  const transport = world.network.transport(BALANCER_ADDRESS);
  const threads =
    workers === 1
      ? null
      : new SimThreads({
          ...world,
          transport,
          workers,
          table,
          makeEngine,
          importFunctions: importer(world),
        });
  const single = threads === null ? makeEngine(transport, clock, null) : null;
  const controller = new Controller({
    transport,
    resolver: world.resolver,
    clock,
    rng: rng.fork(),
    table,
    log,
    engine: threads?.fleet ?? single!,
    mergeWindowMs: () => options.mergeWindowMs,
  });
  if (single !== null) single.control = controller;
  threads?.begin(controller);
  controller.start(config, () => {});
  return {
    controller,
    table,
    addresses: threads?.addresses ?? [BALANCER_ADDRESS],
    get runningAddresses() {
      return threads?.runningAddresses ?? [BALANCER_ADDRESS];
    },
    get engines() {
      return threads?.engines ?? [single!];
    },
    get scheduled() {
      return watchedOf(this.engines).map(({ scheduled }) => scheduled);
    },
    get live() {
      const watched = watchedOf(this.engines);
      return watched.flatMap(({ live }) => [...live].filter(({ phase }) => phase !== 'accept'));
    },
    threads,
    reload: reloader(controller, threads),
    end: (done) => (threads === null ? done() : threads.fleet.end(done)),
  };
}

const watchedOf = (engines: readonly Engine[]): WatchedEngine[] =>
  engines.filter((each) => each instanceof WatchedEngine);

/** Listens in on the transports of all workers, and counts what they have open together. */
function tapOf(world: BalancerWorld): (transport: Transport) => Transport {
  const open = new Map<string, number>();
  const count = (address: string, change: 1 | -1): void => {
    const now = (open.get(address) ?? 0) + change;
    open.set(address, now);
    world.dialled(address, now);
  };
  return (transport) => tapTransport(transport, world.extraOf, world.reusedDirty, count);
}

/** One after the other; what no worker could import is tried again. */
function reloader(controller: Controller, threads: SimThreads | null): SimBalancer['reload'] {
  const waiting: (() => void)[] = [];
  const begin = (config: Config, done: (result: ReloadResult) => void): void => {
    const prepared = (problem: string | null): void => {
      if (problem?.startsWith('worker') === true) {
        begin({ ...config }, done);
        return;
      }
      if (problem === null) controller.reload(config, done);
      else done({ problem, summary: '' });
      waiting.shift();
      waiting[0]?.();
    };
    if (threads === null) prepared(null);
    else threads.fleet.prepare(config, prepared);
  };
  return (config, done) => {
    waiting.push(() => begin(config, done));
    if (waiting.length === 1) waiting[0]();
  };
}

/** An import takes a while, and sometimes it fails: those pools go on by round robin there. */
function importer({ clock, rng, choose }: BalancerWorld): ImportFunctions {
  if (choose === null) return (_, done) => done({ problem: 'there are no functions' });
  const own = rng.fork();
  return ({ texts }, done) => {
    const functions = new Map([...texts.keys()].map((pool) => [pool, choose]));
    const imported = own.chance(1, 5) ? { problem: 'the file has changed' } : { functions };
    clock.wakeAt(clock.nowMs() + own.below(100), () => done(imported));
  };
}

function startEngine(
  world: BalancerWorld,
  config: Config,
  table: Table,
  transport: Transport,
  clock: Clock,
): Engine {
  const engine = new WatchedEngine({
    resources: { ...RESOURCES, workers: world.options.workers },
    transport,
    clock,
    rng: world.rng.fork(),
    table,
    log: world.log,
    config,
  });
  engine.limited = world.limited;
  return engine;
}

/** A configuration with these backends, each with its weight. */
export function makeConfig(
  { options, choose }: Pick<BalancerWorld, 'options' | 'choose'>,
  backends: readonly Backend[],
  weights: readonly number[],
): Config {
  const pool = defaultPool(
    backends.map((backend, i) => backendConfig(options, backend, weights[i])),
    {
      policy: options.policy,
      // Another function with each reload, as a module that is imported again has.
      choose: choose === null ? null : (...asked) => choose(...asked),
      queue: options.queue,
      boundedLoad: options.boundedLoad,
      sticky: options.sticky,
      healthCheck: healthCheck(options),
      retries: options.retries,
      hedge: options.hedge,
      passiveHealth: options.passive,
      circuitBreaker: options.circuit,
      panic: options.panic,
      slowStartMs: options.slowStartMs,
      drainTimeoutMs: options.drainMs,
      drainTunnelTimeoutMs: 2 * options.drainMs,
    },
  );
  const plain = defaultConfig([pool], {
    routes: [routeConfig({ rateLimits: rateLimits(options) })],
    workers: options.workers,
    tableSize: TABLE_SIZE,
    functions: choose === null ? null : { path: '/evenkeel.config.mjs', digest: '' },
  });
  return {
    ...plain,
    timeouts: {
      ...plain.timeouts,
      connectMs: 1000,
      responseHeadMs: options.responseHeadMs,
      idleMs: options.idleMs,
      tunnelIdleMs: options.tunnelIdleMs,
      clientHeadMs: options.clientHeadMs,
      clientKeepAliveMs: options.clientKeepAliveMs,
    },
    limits: {
      ...plain.limits,
      maxConnections: options.maxConnections,
      maxConnectionsPerClient: options.maxConnectionsPerClient,
      maxBufferBytes: options.maxBufferBytes,
      idlePerBackend: options.idlePerBackend,
    },
  };
}

function backendConfig(options: SimOptions, backend: Backend, weight: number): BackendConfig {
  const level = options.levels[backend.number - 1];
  const host = options.named ? hostOf(backend) : backend.address;
  return defaultBackend(backend.name, host, 80, {
    weight,
    maxRequests: options.maxRequests,
    maxConnections: options.maxBackendConnections,
    priority: level === BACKUP ? 0 : level,
    backup: level === BACKUP,
  });
}

function rateLimits({ rateLimit }: SimOptions): RateLimitConfig[] {
  if (rateLimit === null) return [];
  const { eachMs, burst, key } = rateLimit;
  return [{ requests: 1000 / eachMs, periodMs: 1000, burst, key: { kind: key }, keys: 64 }];
}

function healthCheck(options: SimOptions): HealthCheckConfig | null {
  if (options.health === null) return null;
  return {
    ...options.health,
    downIntervalMs: options.health.intervalMs,
    headers: [],
    method: 'GET',
    path: '/health',
    host: null,
    expectedStatus: [[200, 299]],
    expectedBody: null,
    healthyThreshold: 2,
    unhealthyThreshold: 3,
  };
}
