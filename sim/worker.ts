/**
 * A worker on the pretended network and clock: a real engine with its `WorkerSide` over memory that
 * all share, behind a port that copies every message and delivers it a turn later. It has an
 * address of its own. It can die, and hang, at any turn.
 */
import type { Alarm, Clock } from '../src/core/base/clock.ts';
import type { SocketHandler, Transport } from '../src/core/base/transport.ts';
import type { WorkerThread, WorkerThreadEvents } from '../src/core/control/fleet.ts';
import type { ImportFunctions } from '../src/core/control/function-imports.ts';
import type { FromWorker, ToWorker } from '../src/core/control/messages.ts';
import { WorkerSide } from '../src/core/control/worker-side.ts';
import type { Engine } from '../src/core/engine/engine.ts';
import type { Slabs } from '../src/core/table/slabs.ts';
import { clone } from './clone.ts';
import type { SimNetwork } from './network.ts';

export interface WorkerWorld {
  readonly worker: number;
  /** Where it listens, and from where it connects. */
  readonly address: string;
  readonly clock: Clock;
  readonly network: SimNetwork;
  /** Its own view of the memory. */
  readonly slabs: Slabs;
  readonly makeEngine: (transport: Transport, clock: Clock) => Engine;
  /** How it imports policy functions. */
  readonly importFunctions: ImportFunctions;
}

/** Lives until it dies: then nothing of it runs any more. */
export class SimWorker implements WorkerThread {
  readonly worker: number;
  readonly address: string;
  readonly engine: Engine;
  /** Everything it was told, in order, as it arrived. */
  readonly told: ToWorker[] = [];
  /** How often it was asked for what is left of its log. */
  finishes = 0;
  private readonly world: WorkerWorld;
  private readonly events: WorkerThreadEvents;
  private readonly side: WorkerSide;
  private readonly alarms = new Set<Alarm>();
  private alive = true;
  private hangs = false;

  constructor(world: WorkerWorld, events: WorkerThreadEvents) {
    this.world = world;
    this.worker = world.worker;
    this.address = world.address;
    this.events = events;
    const clock = this.ownClock();
    this.engine = world.makeEngine(this.ownTransport(), clock);
    this.side = new WorkerSide({
      engine: this.engine,
      clock,
      slabs: world.slabs,
      worker: world.worker,
      post: (message) => this.deliver(message, (copy: FromWorker) => events.message(copy)),
      importFunctions: (functions, done) =>
        world.importFunctions(functions, (imported) => void (this.runs && done(imported))),
      finishLog: () => this.finishes++,
    });
  }

  post(message: ToWorker): void {
    this.deliver(message, (copy) => {
      if (!this.runs) return;
      this.told.push(copy);
      this.side.receive(copy);
    });
  }

  terminate(): void {
    this.world.clock.nextTurn(() => this.die(null));
  }

  /** What it had said before still arrives. */
  die(why: string | null): void {
    if (!this.alive) return;
    this.alive = false;
    for (const alarm of this.alarms) alarm.cancel();
    this.alarms.clear();
    this.world.network.kill(this.address);
    this.world.clock.nextTurn(() => this.events.ended(why));
  }

  /** It never comes back to its loop. */
  hang(): void {
    this.hangs = true;
  }

  /** It lives, and comes back to its loop. */
  get runs(): boolean {
    return this.alive && !this.hangs;
  }

  /** It lives, and never will. What it holds is still counted. */
  get isStuck(): boolean {
    return this.alive && this.hangs;
  }

  private deliver<Message>(message: Message, hear: (copy: Message) => void): void {
    const copy = clone(message);
    this.world.clock.nextTurn(() => hear(copy));
  }

  private ownClock(): Clock {
    const { clock } = this.world;
    return {
      nowMs: () => clock.nowMs(),
      wallMs: () => clock.wallMs(),
      wakeAt: (deadlineMs, wake) => this.wakeAt(deadlineMs, wake),
      nextTurn: (callback) => clock.nextTurn(() => void (this.runs && callback())),
    };
  }

  private wakeAt(deadlineMs: number, wake: () => void): Alarm {
    const { alarms } = this;
    const own = this.world.clock.wakeAt(deadlineMs, () => {
      alarms.delete(own);
      if (this.runs) wake();
    });
    alarms.add(own);
    return {
      cancel: () => {
        alarms.delete(own);
        own.cancel();
      },
    };
  }

  private ownTransport(): Transport {
    const transport = this.world.network.transport(this.address);
    return {
      listen: (at, accept, ready) =>
        transport.listen(at, (socket, peer) => this.mortal(accept(socket, peer)), ready),
      connect: (to, handler) => transport.connect(to, this.mortal(handler)),
    };
  }

  private mortal(handler: SocketHandler): SocketHandler {
    return {
      onOpen: () => void (this.runs && handler.onOpen()),
      onData: (bytes) => void (this.runs && handler.onData(bytes)),
      onDrain: () => void (this.runs && handler.onDrain()),
      onEnd: () => void (this.runs && handler.onEnd()),
      onClose: (failure) => void (this.runs && handler.onClose(failure)),
    };
  }
}
