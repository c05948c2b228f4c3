/**
 * All workers as one engine: what the control thread asks goes to each of them, what they see comes
 * back as if one had seen it. A worker that dies is replaced by one that is told everything again.
 */
import type { Schedule } from '../balancing/schedule.ts';
import type { Clock } from '../base/clock.ts';
import { CLOSED_EARLY, type Failure } from '../base/failure.ts';
import type { Config, ListenerConfig } from '../config.ts';
import type { PoolMembers } from '../engine/engine.ts';
import type { Evidence } from '../engine/evidence.ts';
import type { OpenListener } from '../engine/listeners.ts';
import type { SharedMemories } from '../engine/shared-memories.ts';
import type { Backend } from '../table/backend.ts';
import { ClientTable } from '../table/client-table.ts';
import type { OpenCounts, Slabs } from '../table/slabs.ts';
import type { Table } from '../table/table.ts';
import type { Log } from '../telemetry/log.ts';
import type { EngineControls } from './engine-controls.ts';
import { ListenVote } from './listen-vote.ts';
import type { BackendId, FromWorker, FunctionsView, PoolView, ToWorker } from './messages.ts';
import { functionsOf, PrepareVote, withoutFunctions } from './prepare-vote.ts';
import { idOf } from './worker-side.ts';
import { WorkerWatch } from './worker-watch.ts';

/** More deaths than this within a minute: something is wrong that a new worker does not mend. */
const MOST_DEATHS = 5;
const DEATHS_WITHIN_MS = 60_000;
/** How long a worker may take to hand over the rest of its log. */
const FINISH_MS = 1000;
/** A worker that could not listen where the others do tries again. */
const LISTEN_AGAIN_MS = 1000;

const NO_MODULE =
  'workers cannot have its policy functions, which they import from the file it was read from: ' +
  'read it with loadConfig, or carry the traffic without workers';

/** One worker's thread, as the control thread holds it. */
export interface WorkerThread {
  post(message: ToWorker): void;
  /** Ends it wherever it is; `ended` follows. */
  terminate(): void;
}

export interface WorkerThreadEvents {
  message(message: FromWorker): void;
  /** It is gone, and writes nothing any more. `why`: null when it was asked to end. */
  ended(why: string | null): void;
}

/** Starts the thread of a worker. Nothing is called back before this has returned. */
export type StartWorker = (worker: number, events: WorkerThreadEvents) => WorkerThread;

/** What the fleet tells its owner, beside what any engine does. */
export interface FleetEvents extends Evidence {
  /** What was in flight on a dead worker is not any more; what it had not told it never will. */
  countsChanged(): void;
}

export interface FleetDeps {
  readonly workers: number;
  readonly start: StartWorker;
  /**
   * Finds out whether a listener's port is free, before several workers share it; tells the port
   * that the system chose for 0.
   */
  readonly claimPort: (
    listener: ListenerConfig,
    done: (failure: Failure | null, port: number) => void,
  ) => void;
  readonly table: Table;
  readonly slabs: Slabs;
  readonly clock: Clock;
  readonly log: Log;
  /** Lines of a worker's log, each whole. */
  readonly logLines: (bytes: Uint8Array<ArrayBuffer>, lines: number) => void;
  /** Too many workers have died: the process should end. Called once. */
  readonly giveUp: (why: string) => void;
}

type About = Exclude<
  Extract<FromWorker, { readonly id: BackendId }>,
  { readonly kind: 'connection_wanted' }
>;

/** One per process. Workers start with `begin`. */
export class Fleet implements EngineControls {
  /** Set before `begin`. */
  control!: FleetEvents;
  private readonly deps: FleetDeps;
  private readonly threads = new Map<number, WorkerThread>();
  private readonly watch: WorkerWatch;
  private config: Config | null = null;
  private pools = new Map<string, PoolMembers>();
  private memories: SharedMemories = {
    routes: [],
    clients: null,
    circuits: new Map(),
    sessions: new Map(),
  };
  /** Slot -> who sits there, as far as workers may speak of it. */
  private readonly backends = new Map<number, Backend>();
  /** What every worker listens on, or is about to. */
  private readonly votes = new Map<string, ListenVote>();
  /** Of every configuration that may be used or prepared again. */
  private readonly views = new WeakMap<Config, FunctionsView>();
  private lastView = 0;
  /** Those that are still being imported. */
  private readonly preparing = new Set<PrepareVote>();
  /** Of the configuration in use. */
  private functions: FunctionsView | null = null;
  private deathsMs: number[] = [];
  private stopping = false;
  /** It has ended or given up. */
  private over = false;
  /** Whose log is still to come. */
  private unfinished = new Set<number>();
  private onFinished: (() => void) | null = null;

  constructor(deps: FleetDeps) {
    this.deps = deps;
    this.watch = new WorkerWatch(deps.slabs, deps.clock, {
      silent: (worker, silentMs) => this.silent(worker, silentMs),
      late: (lagMs) => this.control.loopWasLate(lagMs),
    });
  }

  begin(): void {
    for (let worker = 0; worker < this.deps.workers; worker++) this.start(worker);
  }

  /** Ends all threads when their logs are here, or after a second. Nothing else is heard. */
  end(done: () => void): void {
    this.over = true;
    this.watch.stop();
    this.unfinished = new Set(this.threads.keys());
    this.onFinished = () => {
      alarm.cancel();
      this.onFinished = null;
      for (const thread of this.threads.values()) thread.terminate();
      done();
    };
    const { clock } = this.deps;
    const alarm = clock.wakeAt(clock.nowMs() + FINISH_MS, () => this.onFinished?.());
    for (const vote of [...this.preparing]) vote.end('it is stopping');
    this.tell({ kind: 'finish' });
    this.finished(-1);
  }

  private finished(worker: number): void {
    this.unfinished.delete(worker);
    if (this.unfinished.size === 0) this.onFinished?.();
  }

  // ---- what the control thread asks -----------------------------------------------------------

  /**
   * Every worker imports the policy functions of this configuration, which is to be used next.
   * `done` is called once; null: all have them; else why not, for people.
   */
  prepare(config: Config, done: (problem: string | null) => void): void {
    const functions = this.viewOf(config);
    if (functions === null) {
      const isAlone = config.pools.some(({ choose }) => choose !== null);
      done(isAlone ? NO_MODULE : null);
      return;
    }
    const vote = new PrepareVote(functions, this.deps.workers, (problem) => {
      this.preparing.delete(vote);
      done(problem);
    });
    this.preparing.add(vote);
    this.tell({ kind: 'prepare', functions });
  }

  private viewOf(config: Config): FunctionsView | null {
    const view = this.views.get(config) ?? functionsOf(config, this.lastView + 1);
    if (view === null) return null;
    this.lastView = Math.max(this.lastView, view.id);
    this.views.set(config, view);
    return view;
  }

  configure(
    config: Config,
    pools: ReadonlyMap<string, PoolMembers>,
    memories: SharedMemories,
  ): void {
    this.config = withoutFunctions(config);
    this.functions = this.viewOf(config);
    this.pools = new Map(pools);
    this.memories = memories;
    for (const { backends } of pools.values()) {
      for (const backend of backends) this.backends.set(backend.slot, backend);
    }
    this.tell(this.configuration(this.config));
  }

  private configuration(config: Config): ToWorker {
    const pools = config.pools.map((pool): PoolView => {
      const { backends, schedule, waiting } = this.pools.get(pool.name)!;
      const views = backends.map((backend) => {
        const { config: own, addresses } = backend;
        return { ...idOf(backend), config: own, addresses };
      });
      return { config: pool, backends: views, schedule: schedule.words.buffer, waiting };
    });
    const { functions, memories } = this;
    return { kind: 'configure', config, functions, pools, memories };
  }

  schedule(pool: string, schedule: Schedule): void {
    const known = this.pools.get(pool);
    if (known === undefined || known.schedule === schedule) return;
    this.pools.set(pool, { ...known, schedule });
    this.tell({ kind: 'schedule', pool, schedule: schedule.words.buffer });
  }

  addressed(backend: Backend): void {
    this.tell({ kind: 'addressed', id: idOf(backend), addresses: backend.addresses });
  }

  backendDown(backend: Backend): void {
    this.tell({ kind: 'down', id: idOf(backend) });
  }

  cut(backend: Backend, what: 'exchanges' | 'tunnels'): void {
    this.tell({ kind: 'cut', id: idOf(backend), what });
  }

  listen(listener: ListenerConfig, ready: (failure: Failure | null, port: number) => void): void {
    const { workers, claimPort } = this.deps;
    const vote = new ListenVote(listener, workers, (failed) => {
      if (failed !== null) this.unlisten(vote.listener);
      ready(failed, vote.listener.port);
    });
    this.votes.set(listener.address, vote);
    const ask = (port: number): void => this.tell({ kind: 'listen', listener: vote.ask(port) });
    if (workers === 1) {
      ask(listener.port);
      return;
    }
    claimPort(listener, (taken, port) => {
      if (this.votes.get(listener.address) !== vote) return;
      if (taken === null) ask(port);
      else vote.end(taken);
    });
  }

  unlisten(listener: ListenerConfig): void {
    const vote = this.votes.get(listener.address);
    this.votes.delete(listener.address);
    this.tell({ kind: 'unlisten', listener });
    vote?.end(CLOSED_EARLY);
  }

  listening(): readonly OpenListener[] {
    return [...this.votes.values()]
      .filter((vote) => vote.isOpen)
      .map(({ listener: { address, host, port } }) => ({ address, host, port }));
  }

  beginStop(): void {
    this.stopping = true;
    this.tell({ kind: 'begin_stop' });
  }

  /** As of each worker's last beat. */
  open(): OpenCounts {
    const sum = { listeners: 0, connections: 0, exchanges: 0, tunnels: 0 };
    for (const worker of this.threads.keys()) {
      const { listeners, connections, exchanges, tunnels } = this.deps.slabs.open(worker);
      sum.listeners += listeners;
      sum.connections += connections;
      sum.exchanges += exchanges;
      sum.tunnels += tunnels;
    }
    return sum;
  }

  cutAll(): void {
    this.tell({ kind: 'cut_all' });
  }

  private tell(message: ToWorker): void {
    for (const thread of this.threads.values()) thread.post(message);
  }

  // ---- what the workers tell ------------------------------------------------------------------

  private hear(worker: number, message: FromWorker): void {
    if (message.kind === 'log') {
      this.deps.slabs.takeLog(worker, message.bytes.length);
      this.deps.logLines(message.bytes, message.lines);
    } else if (message.kind === 'finished') this.finished(worker);
    else if (this.over) return;
    else if (message.kind === 'listening') this.listens(worker, message);
    else if (message.kind === 'prepared') this.hasPrepared(worker, message);
    else if (message.kind === 'policy_failed') {
      this.control.policyFailed(message.pool, message.failures, message.why);
    } else if (message.kind === 'room') {
      this.threads.get(message.worker)?.post({ kind: 'room', pool: message.pool });
    } else if (message.kind === 'connection_wanted') this.askForConnection(worker, message.id);
    else this.hearAbout(message);
  }

  /** Whoever has the most connections that carry nothing gives one up. */
  private askForConnection(wanting: number, id: BackendId): void {
    if (this.backendOf(id) === null) return;
    let most = 0;
    let richest: WorkerThread | null = null;
    for (const [worker, thread] of this.threads) {
      const spare = this.deps.table.spareConnections(id.slot, worker);
      if (worker === wanting || spare <= most) continue;
      most = spare;
      richest = thread;
    }
    richest?.post({ kind: 'give_connection', id });
  }

  private listens(worker: number, message: FromWorker & { readonly kind: 'listening' }): void {
    const { address, failure: failed, port } = message;
    const vote = this.votes.get(address);
    if (vote === undefined) return;
    if (failed === null || !vote.isOpen) {
      vote.cast(worker, failed, port);
      return;
    }
    // One that took another's place.
    const { clock, log } = this.deps;
    const text = `worker ${worker} cannot listen on ${address}: ${failed.cause}; it tries again`;
    log.event('error', 'worker_cannot_listen', text, { worker, address, why: failed.cause });
    const thread = this.threads.get(worker);
    clock.wakeAt(clock.nowMs() + LISTEN_AGAIN_MS, () => {
      if (this.votes.get(address) !== vote || this.stopping || this.over) return;
      // Its successor has been asked by itself, and listening twice would never be undone.
      if (this.threads.get(worker) !== thread) return;
      thread?.post({ kind: 'listen', listener: vote.listener });
    });
  }

  private hasPrepared(worker: number, message: FromWorker & { readonly kind: 'prepared' }): void {
    const { id, problem } = message;
    const votes = [...this.preparing].filter(({ functions }) => functions.id === id);
    for (const vote of votes) vote.cast(worker, problem);
    if (votes.length > 0 || problem === null || this.functions?.id !== id) return;
    // One that took another's place.
    const text = `worker ${worker} goes on by round robin, without policy functions: ${problem}`;
    this.deps.log.event('error', 'policy_missing', text, { worker, why: problem });
  }

  private hearAbout(message: About): void {
    const backend = this.backendOf(message.id);
    if (backend === null) return;
    const { control } = this;
    if (message.kind === 'suspected') control.suspected(backend, message.failure);
    else if (message.kind === 'failing') control.failing(backend, message.why);
    else if (message.kind === 'tried') control.tried(backend, message.failed);
    else if (message.kind === 'connected') control.connected(backend, message.address);
    else if (message.kind === 'released') control.released(backend);
    else control.connectFailed(backend, message.address, message.failure);
  }

  private backendOf({ slot, generation }: BackendId): Backend | null {
    const backend = this.backends.get(slot);
    return backend?.generation === generation ? backend : null;
  }

  // ---- life and death -------------------------------------------------------------------------

  private start(worker: number): void {
    const thread = this.deps.start(worker, {
      message: (message) => this.hear(worker, message),
      ended: (why) => this.ended(worker, why),
    });
    this.threads.set(worker, thread);
    this.watch.begin(worker);
    if (this.config !== null) thread.post(this.configuration(this.config));
    for (const { functions } of this.preparing) thread.post({ kind: 'prepare', functions });
    for (const { listener, isAsked } of this.votes.values()) {
      if (isAsked) thread.post({ kind: 'listen', listener });
    }
  }

  private silent(worker: number, silentMs: number): void {
    const seconds = Math.round(silentMs / 1000);
    const message = `worker ${worker} gave no sign of life for ${seconds} s: it is replaced`;
    this.deps.log.event('error', 'worker_silent', message, { worker });
    this.threads.get(worker)?.terminate();
  }

  private ended(worker: number, why: string | null): void {
    const { workers, table, slabs, clock, log, giveUp } = this.deps;
    this.threads.delete(worker);
    if (this.over) {
      this.finished(worker);
      return;
    }
    this.watch.forget(worker);
    table.clearLedger(worker);
    const { clients } = this.memories;
    if (clients !== null) new ClientTable(clients, workers, worker).clear(worker);
    slabs.clear(worker);
    const reason = why ?? 'it was ended';
    const died = `it died as it imported the configuration: ${reason}`;
    for (const vote of [...this.preparing]) vote.cast(worker, died);
    const after = this.stopping ? '' : '; another one takes its place';
    const message = `worker ${worker} died with what was in flight on it: ${reason}${after}`;
    log.event('error', 'worker_died', message, { worker, why: reason });
    this.control.countsChanged();
    if (this.stopping) return;
    const nowMs = clock.nowMs();
    this.deathsMs = [...this.deathsMs.filter((ms) => nowMs - ms < DEATHS_WITHIN_MS), nowMs];
    if (this.deathsMs.length > MOST_DEATHS) {
      this.over = true;
      giveUp(`${this.deathsMs.length} workers died within a minute, the last of: ${reason}`);
      return;
    }
    this.start(worker);
  }
}
