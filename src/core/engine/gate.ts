/**
 * How many connections there may be. Clients above the bound are turned away, after the idle ones
 * among the others have made room; connections to backends have a bound of their own, so that
 * clients never take the descriptors that their exchanges need.
 */
import { Timer } from '../base/timer-wheel.ts';
import type { SocketHandler } from '../base/transport.ts';
import type { ClientConnection } from './client-connection.ts';
import type { Engine } from './engine.ts';

/** Descriptors for everything else: listeners, probes, look-ups, files, the runtime's own. */
const RESERVED = 64;
/** However few descriptors there are. */
const LEAST_CONNECTIONS = 8;
/** How many connections are looked at for one that is idle. */
const LOOKED_AT = 64;
const NOTICE_MS = 1000;

/**
 * Half of the descriptors for clients, half for backends. `configured`: at most so many. Each of
 * so many workers may have its part.
 */
export function connectionBound(
  configured: number | null,
  descriptors: number,
  workers: number,
): number {
  const half = Math.max(LEAST_CONNECTIONS, Math.floor((descriptors - RESERVED) / 2));
  const most = configured === null ? half : Math.min(configured, half);
  return Math.max(1, Math.floor(most / workers));
}

/** One per engine. */
export class Gate extends Timer {
  private readonly engine: Engine;
  private readonly clients: ReadonlySet<ClientConnection>;
  /** Null unless room is wanted: an iterator keeps alive who has gone since it was made. */
  private looking: IterableIterator<ClientConnection> | null = null;
  private turnedAway = 0;

  constructor(engine: Engine, clients: ReadonlySet<ClientConnection>) {
    super();
    this.engine = engine;
    this.clients = clients;
  }

  /** May one more client connect? If not, it is counted, and the log says so once a second. */
  admits(): boolean {
    const { engine, clients } = this;
    if (clients.size < engine.maxConnections) {
      this.looking = null;
      return true;
    }
    if (this.makeRoom()) return true;
    this.turnedAway++;
    if (this.turnedAway === 1) engine.wheel.set(this, engine.wheel.nowMs() + NOTICE_MS);
    return false;
  }

  /** Closes a connection that waits for its next request; the next call looks further on. */
  private makeRoom(): boolean {
    for (let looked = 0; looked < LOOKED_AT; looked++) {
      this.looking ??= this.clients.values();
      const { value, done } = this.looking.next();
      if (done) this.looking = null;
      else if (value.closeIdle()) return true;
    }
    return false;
  }

  override onTimer(): void {
    const { maxConnections } = this.engine;
    this.engine.log.event(
      'warn',
      'connections_turned_away',
      `${this.turnedAway} connections turned away: ${maxConnections} are open, and none is idle ` +
        '(limits.max_connections, or the descriptors of this process: ulimit -n)',
      { connections: this.turnedAway, limit: maxConnections },
    );
    this.turnedAway = 0;
  }
}

/** The handler of a connection that was turned away. */
export const NOBODY: SocketHandler = {
  onOpen() {},
  onData() {},
  onDrain() {},
  onEnd() {},
  onClose() {},
};
