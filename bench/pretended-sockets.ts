/**
 * The cheapest world an engine can live in: sockets that count what is written to them, backends
 * that answer when they are told to, a clock that somebody sets. What is measured here is the
 * engine and nothing else.
 */
import type { Alarm, Clock } from '../src/core/base/clock.ts';
import type {
  Listener,
  Peer,
  Socket,
  SocketHandler,
  Transport,
} from '../src/core/base/transport.ts';

/** Counts bytes; `asked` hears of each write. */
export class PretendedSocket implements Socket {
  handler!: SocketHandler;
  /** Bytes written to it so far. */
  written = 0;
  /** It stands among those that wait for an answer. */
  isWaiting = false;
  private readonly asked: ((socket: PretendedSocket) => void) | null;

  constructor(asked: ((socket: PretendedSocket) => void) | null) {
    this.asked = asked;
  }

  write(bytes: Uint8Array, following?: Uint8Array): boolean {
    this.written += bytes.length + (following?.length ?? 0);
    if (this.asked !== null) this.asked(this);
    return true;
  }

  unsentBytes(): number {
    return 0;
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  close(): void {}
  reset(): void {}
}

/** Transport and clock of one engine. */
export class PretendedWorld implements Transport, Clock {
  /** What `nowMs` says. */
  now = 1000.125;
  /** Connections to backends that have been written to, in order. */
  private readonly waiting: PretendedSocket[] = [];
  private waitingCount = 0;
  private opening: PretendedSocket[] = [];
  private accept!: (socket: Socket, peer: Peer) => SocketHandler;
  private turns: (() => void)[] = [];
  private alarm: (() => void) | null = null;
  private alarmMs = Number.POSITIVE_INFINITY;
  private readonly asked = (socket: PretendedSocket): void => {
    if (socket.isWaiting) return;
    socket.isWaiting = true;
    this.waiting[this.waitingCount++] = socket;
  };

  listen(_at: unknown, accept: (socket: Socket, peer: Peer) => SocketHandler): Listener {
    this.accept = accept;
    return { port: 1, close() {} };
  }

  connect(_to: unknown, handler: SocketHandler): Socket {
    const socket = new PretendedSocket(this.asked);
    socket.handler = handler;
    this.opening.push(socket);
    return socket;
  }

  /** A client connects. */
  client(): PretendedSocket {
    const socket = new PretendedSocket(null);
    socket.handler = this.accept(socket, { address: '198.51.100.7', port: 40_000 });
    return socket;
  }

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return 1_800_000_000_000 + Math.floor(this.now);
  }

  wakeAt(deadlineMs: number, wake: () => void): Alarm {
    this.alarmMs = deadlineMs;
    this.alarm = wake;
    return this;
  }

  /** The alarm's: nobody cancels it here. */
  cancel(): void {}

  nextTurn(callback: () => void): void {
    this.turns.push(callback);
  }

  /** Every backend that was written to sends `answer`. */
  answer(answer: Uint8Array): void {
    for (const socket of this.opening) socket.handler.onOpen();
    this.opening.length = 0;
    const { waiting } = this;
    for (let index = 0; index < this.waitingCount; index++) {
      waiting[index].isWaiting = false;
      waiting[index].handler.onData(answer);
    }
    this.waitingCount = 0;
  }

  /** A turn of the loop has passed, and some time. */
  pass(ms: number): void {
    this.now += ms;
    const due = this.turns;
    if (due.length > 0) this.turns = [];
    for (const callback of due) callback();
    if (this.now < this.alarmMs || this.alarm === null) return;
    const wake = this.alarm;
    this.alarmMs = Number.POSITIVE_INFINITY;
    wake();
  }
}
