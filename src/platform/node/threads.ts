/** Threads of this process, on Node's and Bun's `worker_threads`. */
import { parentPort, Worker, workerData } from 'node:worker_threads';

export interface Thread<To> {
  post(message: To): void;
  /** Ends it wherever it is; `ended` follows. Idempotent. */
  terminate(): void;
}

export interface ThreadEvents<From> {
  message(message: From): void;
  /** It is gone. `why`: the error that ended it; null: it ended without one. Called once. */
  ended(why: string | null): void;
}

/**
 * What is new in a thread's heap, MiB. Little outlives a request, so that more would only be
 * touched in turn and kept: V8 gives it back late. Bun has no such bound.
 */
const YOUNG_MIB = 16;

/** Runs a module in a thread of its own; `data` is cloned, or shared where it is shared memory. */
export function startThread<To, From>(
  entry: URL,
  name: string,
  data: object,
  events: ThreadEvents<From>,
): Thread<To> {
  const thread = new Worker(entry, {
    name,
    workerData: data,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });
  let why: string | null = null;
  thread.on('message', (message: From) => events.message(message));
  thread.on('error', (error: unknown) => {
    why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  });
  thread.once('exit', () => events.ended(why));
  return {
    post: (message) => thread.postMessage(message),
    terminate: () => void thread.terminate(),
  };
}

/** This thread's own end: what it was given, and its talk with the thread that started it. */
export function ownThread<Data, To, From>(): {
  readonly data: Data;
  onMessage(hear: (message: To) => void): void;
  /** `moved`: memory in the message that is handed over, not copied. */
  post(message: From, moved?: readonly ArrayBuffer[]): void;
} {
  const port = parentPort;
  if (port === null) throw new Error('this module runs in a thread of its own');
  return {
    data: workerData as Data,
    onMessage: (hear) => void port.on('message', hear),
    post: (message, moved = []) => port.postMessage(message, moved),
  };
}
