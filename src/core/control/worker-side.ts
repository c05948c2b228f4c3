/**
 * The worker's end of the talk with the control thread: turns messages into what its engine does,
 * and what the engine sees into messages. Beats in the slab, so that its silence is noticed.
 */
import { Schedule } from '../balancing/schedule.ts';
import type { Clock } from '../base/clock.ts';
import type { Failure } from '../base/failure.ts';
import type { Config } from '../config.ts';
import type { Engine, PoolMembers } from '../engine/engine.ts';
import type { Evidence } from '../engine/evidence.ts';
import type { PolicyFunction } from '../policy-function.ts';
import { Backend } from '../table/backend.ts';
import type { Slabs } from '../table/slabs.ts';
import { FunctionImports, type ImportFunctions } from './function-imports.ts';
import type { BackendId, BackendView, FromWorker, PoolView, ToWorker } from './messages.ts';

/** How often a worker shows that it lives. */
const BEAT_MS = 100;
/** While it stops somebody waits for its counts. */
const STOPPING_BEAT_MS = 20;

export interface WorkerSideDeps {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly slabs: Slabs;
  /** Which worker this is: 0 and up. */
  readonly worker: number;
  readonly post: (message: FromWorker) => void;
  readonly importFunctions: ImportFunctions;
  /** Hands over what is left of the log. */
  readonly finishLog: () => void;
}

/** Begins to beat at once. */
export class WorkerSide implements Evidence {
  private readonly deps: WorkerSideDeps;
  private readonly backends = new Map<number, Backend>();
  private beatMs = BEAT_MS;
  private readonly imports: FunctionImports;
  /** What has come since a configuration waits for its functions; null: none does. */
  private held: ToWorker[] | null = null;

  constructor(deps: WorkerSideDeps) {
    this.deps = deps;
    this.imports = new FunctionImports(deps.clock, deps.importFunctions);
    deps.engine.control = this;
    this.beat();
  }

  receive(message: ToWorker): void {
    // The end does not wait for anybody.
    if (this.held === null || message.kind === 'finish') this.take(message);
    else this.held.push(message);
  }

  private take(message: ToWorker): void {
    const { engine } = this.deps;
    switch (message.kind) {
      case 'prepare':
        this.prepare(message);
        return;
      case 'configure':
        this.configure(message);
        return;
      case 'schedule':
        engine.schedule(message.pool, new Schedule(message.schedule));
        return;
      case 'room':
        engine.room(message.pool);
        return;
      case 'listen':
        this.listen(message);
        return;
      case 'unlisten':
        engine.unlisten(message.listener);
        return;
      case 'begin_stop':
        this.beatMs = STOPPING_BEAT_MS;
        engine.beginStop();
        return;
      case 'cut_all':
        engine.cutAll();
        return;
      case 'finish':
        this.deps.finishLog();
        this.deps.post({ kind: 'finished' });
        return;
      case 'addressed':
        this.about(message.id, (backend) => {
          backend.addresses = message.addresses;
        });
        return;
      case 'down':
        this.about(message.id, (backend) => engine.backendDown(backend));
        return;
      case 'give_connection':
        this.about(message.id, (backend) => engine.giveConnection(backend));
        return;
      case 'cut':
        this.about(message.id, (backend) => engine.cut(backend, message.what));
        return;
    }
  }

  private prepare({ functions }: ToWorker & { readonly kind: 'prepare' }): void {
    this.imports.get(functions, (imported) => {
      const problem = 'problem' in imported ? imported.problem : null;
      this.deps.post({ kind: 'prepared', id: functions.id, problem });
    });
  }

  /** Functions are there already, unless this worker has just taken the place of another. */
  private configure(message: ToWorker & { readonly kind: 'configure' }): void {
    const { functions } = message;
    if (functions === null) {
      this.apply(message, message.config);
      return;
    }
    const held: ToWorker[] = [];
    this.held = held;
    this.imports.get(functions, (imported) => {
      this.held = null;
      this.imports.forgetBefore(functions.id);
      if ('functions' in imported) {
        this.apply(message, withFunctions(message.config, imported.functions));
      } else {
        // Its pools go on by round robin.
        this.apply(message, message.config);
        this.deps.post({ kind: 'prepared', id: functions.id, problem: imported.problem });
      }
      for (const each of held) this.receive(each);
    });
  }

  private apply(
    { pools, memories }: ToWorker & { readonly kind: 'configure' },
    config: Config,
  ): void {
    this.deps.engine.configure(config, this.membersOf(pools), memories);
  }

  /** Nothing is done about a backend that is not known here any more. */
  private about({ slot, generation }: BackendId, act: (backend: Backend) => void): void {
    const backend = this.backends.get(slot);
    if (backend?.generation === generation) act(backend);
  }

  private listen({ listener }: ToWorker & { readonly kind: 'listen' }): void {
    const { address } = listener;
    this.deps.engine.listen(listener, (failure, port) => {
      this.show();
      this.deps.post({ kind: 'listening', address, failure, port });
    });
    // From here on it is not taken for one that has nothing open.
    this.show();
  }

  private membersOf(pools: readonly PoolView[]): ReadonlyMap<string, PoolMembers> {
    const members = pools.map((pool): [string, PoolMembers] => {
      const backends = pool.backends.map((view) => this.backendOf(view, pool));
      const schedule = new Schedule(pool.schedule);
      return [pool.config.name, { backends, schedule, waiting: pool.waiting }];
    });
    return new Map(members);
  }

  /** The same object as before for the same backend: connections and experience hang on it. */
  private backendOf(view: BackendView, pool: PoolView): Backend {
    const { slot, generation, config, addresses } = view;
    let backend = this.backends.get(slot);
    if (backend?.generation !== generation) {
      backend = new Backend(slot, generation, config, pool.config);
      this.backends.set(slot, backend);
    }
    backend.config = config;
    backend.pool = pool.config;
    backend.addresses = addresses;
    return backend;
  }

  // ---- what the engine tells ------------------------------------------------------------------

  suspected(backend: Backend, failure: Failure): void {
    this.deps.post({ kind: 'suspected', id: idOf(backend), failure });
  }

  failing(backend: Backend, why: string): void {
    this.deps.post({ kind: 'failing', id: idOf(backend), why });
  }

  tried(backend: Backend, failed: string | null): void {
    this.deps.post({ kind: 'tried', id: idOf(backend), failed });
  }

  connectFailed(backend: Backend, address: string, failure: Failure): void {
    this.deps.post({ kind: 'connect_failed', id: idOf(backend), address, failure });
  }

  connected(backend: Backend, address: string): void {
    this.deps.post({ kind: 'connected', id: idOf(backend), address });
  }

  released(backend: Backend): void {
    this.deps.post({ kind: 'released', id: idOf(backend) });
  }

  policyFailed(pool: string, failures: number, why: string): void {
    this.deps.post({ kind: 'policy_failed', pool, failures, why });
  }

  room(pool: string, worker: number): void {
    this.deps.post({ kind: 'room', pool, worker });
  }

  connectionWanted(backend: Backend): void {
    this.deps.post({ kind: 'connection_wanted', id: idOf(backend) });
  }

  /** Says nothing about the control thread, which sends the probes. */
  loopWasLate(): void {}

  // ---- signs of life --------------------------------------------------------------------------

  private beat(): void {
    const { clock } = this.deps;
    this.show();
    clock.wakeAt(clock.nowMs() + this.beatMs, () => this.beat());
  }

  private show(): void {
    const { slabs, worker, engine } = this.deps;
    slabs.beat(worker, engine.open());
  }
}

const withFunctions = (config: Config, functions: ReadonlyMap<string, PolicyFunction>): Config => ({
  ...config,
  pools: config.pools.map((pool) => ({ ...pool, choose: functions.get(pool.name) ?? null })),
});

/** How a backend is named in a message. */
export const idOf = ({ slot, generation }: Backend): BackendId => ({ slot, generation });
