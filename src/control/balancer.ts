/**
 * A running balancer in this process: its controller here, its traffic in this thread or in others,
 * wired to the platform's sockets, clock and resolver. What they decide is decided in `core/`.
 */
import { randomInt } from 'node:crypto';
import { installByteOps } from '../core/base/bytes.ts';
import type { Failure } from '../core/base/failure.ts';
import { createRng } from '../core/base/rng.ts';
import type { Resolver } from '../core/base/transport.ts';
import type { Config, ListenerConfig } from '../core/config.ts';
import { Controller, type ListenFailure } from '../core/control/controller.ts';
import type { PoolStatus } from '../core/control/status.ts';
import type { OpenListener } from '../core/engine/listeners.ts';
import type { Log } from '../core/telemetry/log.ts';
import { createNodeByteOps } from '../platform/node/bytes.ts';
import { createNodeClock } from '../platform/node/clock.ts';
import { createNodeResolver } from '../platform/node/dns.ts';
import { createTransport } from '../platform/transport.ts';
import { trafficInThread } from './in-thread.ts';
import { trafficInWorkers, type WorkersOptions } from './workers.ts';

export interface Balancer {
  readonly listeners: readonly OpenListener[];
  /** Every pool and its backends, with their states and why. */
  status(): readonly PoolStatus[];
  /** False before the first listeners are open, and from the moment it begins to stop. */
  ready(): boolean;
  /** Applies another configuration in place. Resolves with what stood in the way; empty: done. */
  reload(config: Config): Promise<readonly string[]>;
  /** Takes a backend out: exchanges in flight finish. False: there is no such backend. */
  drain(pool: string, backend: string): boolean;
  /**
   * Stops gracefully; resolves when everything has ended. `timeoutMs`: after so long what is still
   * open is reset; null: no deadline; default: `shutdown_timeout`. Called again, a shorter one
   * wins.
   */
  stop(options?: { readonly timeoutMs?: number | null }): Promise<void>;
}

export interface BalancerOptions {
  readonly log: Log;
  /** How host names are looked up; the system's resolver unless given. */
  readonly resolver?: Resolver;
  /** Threads that carry the traffic; without them it is carried by the thread that calls. */
  readonly workers?: Omit<WorkersOptions, 'log'>;
}

/** One or more listeners could not be opened; nothing was started. */
export class ListenError extends Error {
  readonly failures: readonly { listener: ListenerConfig; failure: Failure }[];

  constructor(failures: readonly ListenFailure[]) {
    super(
      failures.map(({ listener, failure }) => `${listener.address}: ${failure.cause}`).join('; '),
    );
    this.name = 'ListenError';
    this.failures = failures;
  }
}

/** The policy functions of a configuration cannot be used; nothing was started. */
export class UnusableConfigError extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'UnusableConfigError';
  }
}

/**
 * Starts a balancer. Rejects with ListenError when a listener cannot be opened, with
 * UnusableConfigError when workers cannot import the policy functions.
 */
export async function startBalancer(config: Config, options: BalancerOptions): Promise<Balancer> {
  installByteOps(createNodeByteOps());
  const { log } = options;
  const traffic =
    options.workers === undefined
      ? trafficInThread(config, log)
      : trafficInWorkers(config, { ...options.workers, log });
  const controller = new Controller({
    transport: createTransport({ sharesPorts: false }),
    resolver: options.resolver ?? createNodeResolver(),
    clock: createNodeClock(),
    rng: createRng(randomInt(2 ** 47)),
    table: traffic.table,
    log,
    engine: traffic.engine,
  });
  traffic.begin(controller);
  const unusable = await traffic.prepare(config);
  if (unusable !== null) {
    await new Promise<void>((resolve) => traffic.end(resolve));
    throw new UnusableConfigError(unusable);
  }

  const failures = await new Promise<readonly ListenFailure[]>((resolve) => {
    controller.start(config, resolve);
  });
  let ended: Promise<void> | null = null;
  const stop: Balancer['stop'] = async ({ timeoutMs = config.shutdown.timeoutMs } = {}) => {
    await new Promise<void>((resolve) => controller.stop({ timeoutMs }, resolve));
    ended ??= new Promise((resolve) => traffic.end(resolve));
    await ended;
  };
  if (failures.length > 0) {
    await stop({ timeoutMs: 0 });
    throw new ListenError(failures);
  }
  const reload = async (next: Config): Promise<readonly string[]> => {
    const { problem } = await new Promise<{ problem: string | null }>((resolve) =>
      controller.reload(next, resolve),
    );
    return problem === null ? [] : [problem];
  };
  /** What was prepared last is used next: one after the other. */
  let reloads: Promise<unknown> = Promise.resolve();
  return {
    get listeners() {
      return traffic.listening();
    },
    status: () => controller.status(),
    ready: () => controller.ready(),
    reload: (next) => {
      const done = reloads.then(async () => {
        const problem = await traffic.prepare(next);
        return problem === null ? await reload(next) : [problem];
      });
      reloads = done;
      return done;
    },
    drain: (pool, backend) => controller.drain(pool, backend),
    stop,
  };
}
