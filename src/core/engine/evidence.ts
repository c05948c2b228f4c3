/** What the engine tells the control thread. */
import type { Failure } from '../base/failure.ts';
import type { Backend } from '../table/backend.ts';

export interface Evidence {
  /** Every address of the backend refused; the table already says suspect. */
  suspected(backend: Backend, failure: Failure): void;
  /** As many attempts in a row as its pool allows have failed, the last because of this. */
  failing(backend: Backend, why: string): void;
  /** The trial of an ejected backend is over; null: it was answered, else why it failed. */
  tried(backend: Backend, failed: string | null): void;
  connectFailed(backend: Backend, address: string, failure: Failure): void;
  /** It opened on an address that is not its first. */
  connected(backend: Backend, address: string): void;
  /** A draining backend has lost its last exchange or tunnel. */
  released(backend: Backend): void;
  /** The policy function of this pool has failed so many more times, the last because of this. */
  policyFailed(pool: string, failures: number, why: string): void;
  /** A backend of this pool has room, and it is the turn of somebody who waits in that worker. */
  room(pool: string, worker: number): void;
  /** An exchange waits for a connection (`max_connections`): others may have idle ones. */
  connectionWanted(backend: Backend): void;
  loopWasLate(lagMs: number): void;
}
