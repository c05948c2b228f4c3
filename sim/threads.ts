/**
 * The balancer's workers as threads of the pretended world: any of them may die or hang between
 * two events, and the fleet replaces it.
 */
import type { Clock } from '../src/core/base/clock.ts';
import type { Transport } from '../src/core/base/transport.ts';
import { Fleet, type FleetEvents } from '../src/core/control/fleet.ts';
import type { ImportFunctions } from '../src/core/control/function-imports.ts';
import type { Engine } from '../src/core/engine/engine.ts';
import { Slabs } from '../src/core/table/slabs.ts';
import type { Table } from '../src/core/table/table.ts';
import type { Log } from '../src/core/telemetry/log.ts';
import type { SimNetwork } from './network.ts';
import { SimWorker } from './worker.ts';

/** `worker` null: traffic in the control thread. */
export type MakeEngine = (transport: Transport, clock: Clock, worker: number | null) => Engine;

const addressOf = (worker: number): string => `10.9.1.${worker + 1}`;
/** One more within a minute, and the process gives up; a silent one dies some seconds later. */
const MOST_DEATHS = 5;
const WITHIN_MS = 70_000;

const unwanted = (): never => {
  throw new Error('a port that is only claimed accepts nobody');
};

export interface ThreadsWorld {
  readonly clock: Clock;
  readonly network: SimNetwork;
  /** Of the control thread. */
  readonly transport: Transport;
  readonly log: Log;
  readonly workers: number;
  readonly table: Table;
  readonly makeEngine: MakeEngine;
  /** Imports policy functions in a worker. */
  readonly importFunctions: ImportFunctions;
  readonly died: (address: string) => void;
}

export class SimThreads {
  readonly fleet: Fleet;
  readonly addresses: readonly string[];
  private readonly world: ThreadsWorld;
  private readonly slabs: Slabs;
  /** By worker: the one that runs now, or has died last. */
  private readonly threads: SimWorker[] = [];
  private deathsMs: number[] = [];

  constructor(world: ThreadsWorld) {
    const { workers, table, clock, log } = world;
    this.world = world;
    this.slabs = new Slabs(workers, new ArrayBuffer(Slabs.bytesFor(workers)));
    this.addresses = Array.from({ length: workers }, (_, worker) => addressOf(worker));
    this.fleet = new Fleet({
      workers,
      table,
      slabs: this.slabs,
      clock,
      log,
      logLines: () => {},
      giveUp: (why) => {
        throw new Error(`the process gives up: ${why}`);
      },
      claimPort: (listener, done) => {
        const claim = world.transport.listen(listener, unwanted, (taken) => {
          claim.close();
          done(taken, listener.port);
        });
      },
      start: (worker, events) => this.start(worker, events),
    });
  }

  begin(controller: FleetEvents): void {
    this.fleet.control = controller;
    this.fleet.begin();
  }

  private start(worker: number, events: ConstructorParameters<typeof SimWorker>[1]): SimWorker {
    const { clock, network, workers, makeEngine, importFunctions } = this.world;
    const address = addressOf(worker);
    const ended = (why: string | null): void => {
      this.world.died(address);
      events.ended(why);
    };
    const thread = new SimWorker(
      {
        worker,
        address,
        clock,
        network,
        slabs: new Slabs(workers, this.slabs.buffer),
        makeEngine: (transport, own) => makeEngine(transport, own, worker),
        importFunctions,
      },
      { message: events.message, ended },
    );
    this.threads[worker] = thread;
    return thread;
  }

  get runningAddresses(): readonly string[] {
    return this.threads.filter(({ runs }) => runs).map(({ address }) => address);
  }

  get engines(): readonly Engine[] {
    return this.threads.filter(({ runs }) => runs).map(({ engine }) => engine);
  }

  /** One of them hangs, which nobody has noticed yet. */
  get isOneStuck(): boolean {
    return this.threads.some(({ isStuck }) => isStuck);
  }

  /** False: too many have died lately. */
  mayStrike(worker: number): boolean {
    const nowMs = this.world.clock.nowMs();
    this.deathsMs = this.deathsMs.filter((ms) => nowMs - ms < WITHIN_MS);
    return this.deathsMs.length < MOST_DEATHS - 1 && this.threads[worker].runs;
  }

  /** Ends this worker, or lets it hang. */
  strike(worker: number, how: 'die' | 'hang'): void {
    const thread = this.threads[worker];
    this.deathsMs.push(this.world.clock.nowMs());
    if (how === 'die') thread.die('it ran out of luck');
    else thread.hang();
  }
}
