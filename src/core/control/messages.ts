/**
 * What the control thread and its workers say to each other. Messages arrive in the order in which
 * they were sent; everything in them can be cloned or shared between threads.
 */
import type { Failure } from '../base/failure.ts';
import type {
  BackendConfig,
  Config,
  FunctionModule,
  ListenerConfig,
  PoolConfig,
} from '../config.ts';
import type { SharedMemories } from '../engine/shared-memories.ts';

/** Which backend is meant: a slot alone may belong to another one by now. */
export interface BackendId {
  readonly slot: number;
  readonly generation: number;
}

export interface BackendView extends BackendId {
  readonly config: BackendConfig;
  readonly addresses: readonly string[];
}

export interface PoolView {
  readonly config: PoolConfig;
  readonly backends: readonly BackendView[];
  /** The memory of its schedule. */
  readonly schedule: ArrayBufferLike;
  /** The memory of who waits for room there. */
  readonly waiting: ArrayBufferLike;
}

/** Policy functions as they travel: by the module that each thread imports for itself. */
export interface FunctionsView {
  /** Another number: imported anew. */
  readonly id: number;
  readonly module: FunctionModule;
  /** Pool -> the text of its function, so that all threads run the same. */
  readonly texts: ReadonlyMap<string, string>;
}

export type ToWorker =
  /** Import these, and say whether they can be had: they are soon to be used. */
  | { readonly kind: 'prepare'; readonly functions: FunctionsView }
  | {
      readonly kind: 'configure';
      /** Without functions. */
      readonly config: Config;
      /** null: there are none. */
      readonly functions: FunctionsView | null;
      readonly pools: readonly PoolView[];
      readonly memories: SharedMemories;
    }
  | { readonly kind: 'schedule'; readonly pool: string; readonly schedule: ArrayBufferLike }
  | { readonly kind: 'addressed'; readonly id: BackendId; readonly addresses: readonly string[] }
  | { readonly kind: 'down'; readonly id: BackendId }
  | { readonly kind: 'cut'; readonly id: BackendId; readonly what: 'exchanges' | 'tunnels' }
  | { readonly kind: 'room'; readonly pool: string }
  /** Another worker needs one of its idle connections. */
  | { readonly kind: 'give_connection'; readonly id: BackendId }
  | { readonly kind: 'listen'; readonly listener: ListenerConfig }
  | { readonly kind: 'unlisten'; readonly listener: ListenerConfig }
  | { readonly kind: 'begin_stop' }
  | { readonly kind: 'cut_all' }
  /** Hand over what is left of the log: the thread ends. */
  | { readonly kind: 'finish' };

export type FromWorker =
  | {
      readonly kind: 'listening';
      /** The listener's identity. */
      readonly address: string;
      readonly failure: Failure | null;
      readonly port: number;
    }
  /** null: its functions are there; else why not. */
  | { readonly kind: 'prepared'; readonly id: number; readonly problem: string | null }
  | {
      readonly kind: 'policy_failed';
      readonly pool: string;
      readonly failures: number;
      readonly why: string;
    }
  /** So many attempts in a row as the pool allows have failed, the last because of this. */
  | { readonly kind: 'failing'; readonly id: BackendId; readonly why: string }
  /** The trial of an ejected backend; null: it was answered, else why it failed. */
  | { readonly kind: 'tried'; readonly id: BackendId; readonly failed: string | null }
  | { readonly kind: 'suspected'; readonly id: BackendId; readonly failure: Failure }
  | {
      readonly kind: 'connect_failed';
      readonly id: BackendId;
      readonly address: string;
      readonly failure: Failure;
    }
  | { readonly kind: 'connected'; readonly id: BackendId; readonly address: string }
  | { readonly kind: 'released'; readonly id: BackendId }
  /** It needs a connection, and there are as many as may be. */
  | { readonly kind: 'connection_wanted'; readonly id: BackendId }
  /** For that worker: it is the turn of somebody who waits there. */
  | { readonly kind: 'room'; readonly pool: string; readonly worker: number }
  /** Lines of the log, written out; their memory is moved. */
  | { readonly kind: 'log'; readonly bytes: Uint8Array<ArrayBuffer>; readonly lines: number }
  | { readonly kind: 'finished' };
