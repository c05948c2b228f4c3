/** What the control thread's decisions ask of whoever carries the traffic. */
import type { Schedule } from '../balancing/schedule.ts';
import type { Failure } from '../base/failure.ts';
import type { Config, ListenerConfig } from '../config.ts';
import type { PoolMembers } from '../engine/engine.ts';
import type { SharedMemories } from '../engine/shared-memories.ts';
import type { Backend } from '../table/backend.ts';
import type { OpenCounts } from '../table/slabs.ts';

export interface EngineControls {
  /** New routes, pools, limits. Backends that are no longer listed take no new exchanges. */
  configure(
    config: Config,
    pools: ReadonlyMap<string, PoolMembers>,
    memories: SharedMemories,
  ): void;
  /** States or weights of this pool changed: this is its schedule now, if not before. */
  schedule(pool: string, schedule: Schedule): void;
  /** The backend has other addresses, or another order of them. */
  addressed(backend: Backend): void;
  /** A probe took it down: idle connections go, waiting idempotent exchanges are retried. */
  backendDown(backend: Backend): void;
  /** A drain's deadline: what is still on it is cut. */
  cut(backend: Backend, what: 'exchanges' | 'tunnels'): void;
  /** Opens a listener; `ready` once, null when listening, with the port in use. */
  listen(listener: ListenerConfig, ready: (failure: Failure | null, port: number) => void): void;
  unlisten(listener: ListenerConfig): void;
  /**
   * Stop: listeners closed, `Connection: close` on every next answer, idle ones close after 1 s of
   * quiet.
   */
  beginStop(): void;
  open(): OpenCounts;
  /** Everything still open is reset. */
  cutAll(): void;
}
