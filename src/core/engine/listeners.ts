/** The listeners of one worker, from their opening until their accept queues are empty. */
import type { Clock } from '../base/clock.ts';
import type { Failure } from '../base/failure.ts';
import type { Listener, Peer, Socket, SocketHandler, Transport } from '../base/transport.ts';
import type { ListenerConfig } from '../config.ts';

/** How long emptying the accept queues may take when clients keep coming. */
const EMPTYING_MS = 1000;

/** An open listener, with the port that is really in use. */
export interface OpenListener {
  /** As configured; its identity across reloads. */
  readonly address: string;
  /** null: every address. */
  readonly host: string | null;
  readonly port: number;
}

/** `accept` is called for every connection. */
export class Listeners {
  private readonly transport: Transport;
  private readonly clock: Clock;
  private readonly accept: (socket: Socket, peer: Peer) => SocketHandler;
  private readonly listeners = new Map<string, { at: ListenerConfig; listener: Listener }>();
  /** Those whose queues are being emptied. */
  private closing = 0;
  /** Connections so far. */
  private accepted = 0;

  constructor(
    transport: Transport,
    clock: Clock,
    accept: (socket: Socket, peer: Peer) => SocketHandler,
  ) {
    this.transport = transport;
    this.clock = clock;
    this.accept = accept;
  }

  /** Those that accept, or are being emptied. */
  get size(): number {
    return this.listeners.size + this.closing;
  }

  open(at: ListenerConfig, ready: (failure: Failure | null, port: number) => void): void {
    const listener = this.transport.listen(
      { host: at.host, port: at.port },
      (socket, peer) => {
        this.accepted++;
        return this.accept(socket, peer);
      },
      (failure) => {
        if (failure !== null) this.listeners.delete(at.address);
        ready(failure, listener.port);
      },
    );
    this.listeners.set(at.address, { at, listener });
  }

  close(at: ListenerConfig): void {
    this.listeners.get(at.address)?.listener.close();
    this.listeners.delete(at.address);
  }

  /** Each with the port in use. */
  all(): readonly OpenListener[] {
    return [...this.listeners.values()].map(({ at, listener }) => ({
      address: at.address,
      host: at.host,
      port: listener.port,
    }));
  }

  /** Closes all, once their accept queues are empty. */
  closeAll(): void {
    const closing = [...this.listeners.values()].map(({ listener }) => listener);
    this.listeners.clear();
    this.closing = closing.length;
    this.closeOnceEmpty(closing, this.clock.nowMs() + EMPTYING_MS);
  }

  /**
   * Who is in an accept queue has connected, and would be reset. A runtime may accept one a turn:
   * listeners close after a turn that brought nobody.
   */
  private closeOnceEmpty(closing: readonly Listener[], untilMs: number): void {
    const before = this.accepted;
    this.clock.nextTurn(() => {
      if (this.accepted !== before && this.clock.nowMs() < untilMs) {
        this.closeOnceEmpty(closing, untilMs);
        return;
      }
      for (const listener of closing) listener.close();
      this.closing = 0;
    });
  }
}
