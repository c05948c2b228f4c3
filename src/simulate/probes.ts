/**
 * The network as the prober sees it: a probe is a job like the others, which waits in turn at its
 * backend and is answered as the health check expects. Nobody else opens connections.
 */
import { latin1 } from '../core/base/bytes.ts';
import { failure } from '../core/base/failure.ts';
import type { Rng } from '../core/base/rng.ts';
import type { Listener, Socket, SocketHandler, Target, Transport } from '../core/base/transport.ts';
import { uniform } from './draws.ts';
import { Job, type Server } from './server.ts';
import type { Timeline } from './timeline.ts';

const CLOSED: Listener = { port: 0, close: () => {} };

/** What it needs of the world. */
export interface ProbeWorld {
  readonly timeline: Timeline;
  readonly rng: Rng;
  /** Who is at this address; null: nobody. */
  serverOf(address: string): Server | null;
  /** A job that the timeline finds. */
  enrol<T extends Job>(make: (index: number) => T): T;
  retire(job: Job): void;
  /** What probes of the pool expect. */
  expectedStatus(): number;
}

export class ProbeTransport implements Transport {
  private readonly world: ProbeWorld;

  constructor(world: ProbeWorld) {
    this.world = world;
  }

  listen(...[, , ready]: Parameters<Transport['listen']>): Listener {
    ready(null);
    return CLOSED;
  }

  connect(to: Target, handler: SocketHandler): Socket {
    return this.world.enrol((index) => new Probing(index, this.world, to, handler));
  }
}

/** One probe's connection. */
class Probing extends Job implements Socket {
  private readonly world: ProbeWorld;
  private readonly handler: SocketHandler;
  private readonly address: string;
  private isOver = false;

  constructor(index: number, world: ProbeWorld, to: Target, handler: SocketHandler) {
    super(index);
    this.world = world;
    this.handler = handler;
    this.address = to.address;
    this.draw = uniform(world.rng);
    world.timeline.nextTurn(() => this.open(to.port));
  }

  private open(port: number): void {
    if (this.isOver) return;
    const server = this.world.serverOf(this.address);
    if (server === null || server.isDown) {
      const cause = `${this.address}:${port} refused the connection`;
      this.over();
      this.handler.onClose(failure('refused', 'backend', 'connect', 'safe', cause));
    } else this.handler.onOpen();
  }

  write(): boolean {
    const server = this.world.serverOf(this.address);
    if (this.isOver) return true;
    if (server === null || server.isDown) this.world.timeline.nextTurn(() => this.broken());
    else server.take(this);
    return true;
  }

  done(): void {
    const status = this.world.expectedStatus();
    this.handler.onData(latin1(`HTTP/1.1 ${status} OK\r\nContent-Length: 0\r\n\r\n`));
    if (!this.isOver) this.handler.onEnd();
  }

  broken(): void {
    if (this.isOver) return;
    this.over();
    this.handler.onClose(failure('reset', 'backend', 'relay', 'never', 'connection reset'));
  }

  unsentBytes(): number {
    return 0;
  }

  pause(): void {}

  resume(): void {}

  end(): void {}

  close(): void {
    if (this.isOver) return;
    this.over();
    this.world.timeline.nextTurn(() => this.handler.onClose(null));
  }

  reset(): void {
    this.close();
  }

  private over(): void {
    this.isOver = true;
    this.server?.drop(this);
    this.world.retire(this);
  }
}
