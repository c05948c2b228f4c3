/**
 * Listens in on the balancer's connections to backends, at the balancer's end: only there can be
 * seen whether bytes that nobody asked for had arrived before the next request went out.
 */
import { assert, type Failure } from '../src/core/base/failure.ts';
import type { RelayEvents, Socket, SocketHandler, Transport } from '../src/core/base/transport.ts';
import { SimSocket } from './socket.ts';
import { StrictReader } from './strict-reader.ts';

/** What a backend has sent that belongs to no request. */
export interface Extra {
  /** Where it begins among all bytes of the backend's direction. */
  readonly at: number;
  /** Requests that had come over the connection by then. */
  readonly requests: number;
}

/**
 * `extraOf`: of the connection from this port. `reused`: a request went out after such bytes.
 * `count`: there is one more connection to this address, or one less.
 */
export function tapTransport(
  transport: Transport,
  extraOf: (port: number) => Extra | undefined,
  reused: (port: number) => void,
  count: (address: string, change: 1 | -1) => void,
): Transport {
  return {
    listen: (at, accept, ready) => transport.listen(at, accept, ready),
    connect(to, handler) {
      count(to.address, 1);
      const tap = new Tap(handler, extraOf, reused, () => count(to.address, -1));
      tap.socket = transport.connect(to, tap);
      return tap;
    },
  };
}

class Tap implements Socket, SocketHandler {
  socket!: Socket;
  private readonly handler: SocketHandler;
  private readonly extraOf: (port: number) => Extra | undefined;
  private readonly closed: () => void;
  private readonly requests: StrictReader;
  private begun = 0;
  private received = 0;
  private dirty = false;
  private isClosed = false;

  constructor(
    handler: SocketHandler,
    extraOf: (port: number) => Extra | undefined,
    reused: (port: number) => void,
    closed: () => void,
  ) {
    this.handler = handler;
    this.closed = closed;
    this.extraOf = extraOf;
    this.requests = new StrictReader('requests', {
      answersHead: () => false,
      onHead: () => {
        this.begun += 1;
        if (this.dirty) reused(this.port);
      },
      onBody: () => {},
      onMessage: () => {},
      onTunnel: () => {},
    });
  }

  private get port(): number {
    return this.socket instanceof SimSocket ? this.socket.port : 0;
  }

  write(bytes: Uint8Array, following?: Uint8Array): boolean {
    assert(!this.isClosed, 'nothing is written to a connection that is known to be closed');
    this.requests.feed(bytes);
    if (following !== undefined) this.requests.feed(following);
    return this.socket.write(bytes, following);
  }

  unsentBytes(): number {
    return this.socket.unsentBytes();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.close();
  }

  reset(): void {
    this.socket.reset();
  }

  relayTo(to: Socket, bytes: number, events: RelayEvents): void {
    this.socket.relayTo?.(to, bytes, {
      onRelayed: (count, room) => {
        this.count(count);
        events.onRelayed(count, room);
      },
    });
  }

  onOpen(): void {
    this.handler.onOpen();
  }

  onData(bytes: Uint8Array): void {
    this.count(bytes.length);
    this.handler.onData(bytes);
  }

  private count(bytes: number): void {
    this.received += bytes;
    const extra = this.extraOf(this.port);
    if (extra !== undefined && this.received > extra.at && this.begun <= extra.requests) {
      this.dirty = true;
    }
  }

  onDrain(): void {
    this.handler.onDrain();
  }

  onEnd(): void {
    this.handler.onEnd();
  }

  onClose(failure: Failure | null): void {
    this.isClosed = true;
    this.closed();
    this.handler.onClose(failure);
  }
}
