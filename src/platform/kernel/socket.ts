/**
 * A plain TCP connection on its bare descriptor: a read is one call of the kernel's into memory
 * that all connections of the thread share, and a write hands over the engine's own bytes. Only
 * what the kernel does not take is copied.
 */
import type { Failure } from '../../core/base/failure.ts';
import type {
  Peer,
  RelayEvents,
  Socket,
  SocketHandler,
  Target,
} from '../../core/base/transport.ts';
import { beginEvent, endEvent } from '../node/clock.ts';
import { deliverChunk, keepWritten, READ_BYTES, toWrite } from '../node/socket-buffers.ts';
import { goneFailure } from '../node/socket-failures.ts';
import { systemError } from '../node/tcp-handle.ts';
import { familyIn } from './addresses.ts';
import type { Kernel } from './kernel.ts';
import {
  EAGAIN,
  EINPROGRESS,
  EINTR,
  EINVAL,
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  IPPROTO_TCP,
  MSG_NOSIGNAL,
  SHUT_WR,
  SO_ERROR,
  SO_LINGER,
  SOL_SOCKET,
  TCP_NODELAY,
} from './libc.ts';
import type { Latecomer, Watcher } from './loop.ts';
import { Pipe } from './pipes.ts';
import { Unsent } from './unsent.ts';

/** For fewer bytes two more calls cost more than a copy. */
const RELAY_BYTES = 64 * 1024;
/** Read at once where a body came that was relayed: the next one's head, and little to copy. */
const HEAD_BYTES = 16 * 1024;

const ON = new Int32Array([1]);
/** `struct linger`: on, and no time. */
const NO_LINGER = new Int32Array([1, 0]);
const INT_BYTES = new Int32Array([4]);

export class KernelSocket implements Socket, Watcher, Latecomer {
  handler: SocketHandler;
  private readonly kernel: Kernel;
  /** -1: closed. */
  private fd = -1;
  /** Null: accepted. */
  private readonly target: Target | null;
  private readonly peer: Peer | null;
  private opened = false;
  /** What the loop listens for. */
  private events = 0;
  private paused = false;
  /** The other side has sent its FIN. */
  private heardEnd = false;
  /** After `close` or `reset`: only `onClose` is still to come. */
  private silent = false;
  /** Nothing more may be written; the FIN follows what was. */
  private ended = false;
  private finSent = false;
  /** A write returned false and `onDrain` has not been called since. */
  private blocked = false;
  private wasReset = false;
  private gone = false;
  private error: NodeJS.ErrnoException | null = null;
  private unsent: Unsent;
  /** So many bytes that come next go to `relayTarget`. */
  private relayLeft = 0;
  private relayTarget: KernelSocket | null = null;
  private relayEvents: RelayEvents | null = null;
  private readsAtOnce = READ_BYTES;

  constructor(kernel: Kernel, handler: SocketHandler, target: Target | null, peer: Peer | null) {
    this.kernel = kernel;
    this.handler = handler;
    this.target = target;
    this.peer = peer;
    this.unsent = kernel.nothing;
  }

  /** It has come to a listener, from which it has its options. */
  accepted(fd: number, accept: (socket: Socket, peer: Peer) => SocketHandler): void {
    this.fd = fd;
    this.kernel.descriptors.opened(fd);
    this.opened = true;
    if (!this.listenTo(EPOLLIN)) return;
    beginEvent();
    try {
      this.handler = accept(this, this.peer as Peer);
    } finally {
      endEvent();
    }
  }

  /** `name`: what the kernel calls the target. */
  connect(name: Uint8Array): void {
    const { kernel } = this;
    const { libc } = kernel;
    this.fd = kernel.open(familyIn(name));
    if (this.fd < 0) {
      this.onFailed(libc.errno(), 'socket');
      return;
    }
    libc.setsockopt(this.fd, IPPROTO_TCP, TCP_NODELAY, ON, 4);
    if (libc.connect(this.fd, name, name.length) < 0 && libc.errno() !== EINPROGRESS) {
      this.onFailed(libc.errno(), 'connect');
      return;
    }
    this.listenTo(EPOLLOUT);
  }

  // ---- the port ---------------------------------------------------------------------------------

  write(bytes: Uint8Array, following?: Uint8Array): boolean {
    if (this.ended || this.fd < 0) return true;
    if (this.unsent.length > 0 || !this.opened) return this.keep(toWrite(bytes, following), 0);
    if (following === undefined) {
      const taken = this.send(bytes, bytes.length);
      if (taken === bytes.length) return !this.blocked;
      return taken < 0 || this.keep(toWrite(bytes.subarray(taken)), 0);
    }
    const { kernel } = this;
    const length = bytes.length + following.length;
    const at = kernel.join(bytes, following);
    const own = at < 0 ? toWrite(bytes, following) : null;
    const taken = this.send(own ?? kernel.memoryAt + at, length);
    if (taken === length) return !this.blocked;
    if (taken < 0) return true;
    if (own !== null) return this.keep(own, taken);
    return this.keep(toWrite(kernel.memory.subarray(at + taken, at + length)), 0);
  }

  /** How many bytes the kernel has taken; -1: none, and it never will. */
  private send(from: Uint8Array | number, length: number): number {
    if (length === 0) return 0;
    const { libc } = this.kernel;
    const taken =
      typeof from === 'number'
        ? libc.sendFrom(this.fd, from, length, MSG_NOSIGNAL)
        : libc.send(this.fd, from, length, MSG_NOSIGNAL);
    if (taken >= 0) return taken;
    const errno = libc.errno();
    if (errno === EAGAIN || errno === EINTR) return 0;
    this.onBroken(errno);
    return -1;
  }

  /** `own` is what `toWrite` has just returned, and `taken` of it is sent. */
  private keep(own: Uint8Array, taken: number): boolean {
    if (own.length === taken) return !this.blocked;
    keepWritten();
    return this.hold(own, taken);
  }

  private hold(piece: Uint8Array | Pipe, taken: number): false {
    const { kernel } = this;
    if (this.unsent === kernel.nothing) this.unsent = new Unsent(kernel.pipes);
    this.unsent.push(piece, taken);
    this.blocked = true;
    this.listen();
    return false;
  }

  unsentBytes(): number {
    return this.unsent.length;
  }

  pause(): void {
    // What is listened for changes when something comes, which is seldom before `resume`.
    if (!this.silent) this.paused = true;
  }

  resume(): void {
    if (this.silent || !this.paused) return;
    this.paused = false;
    this.listen();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.opened && this.unsent.length === 0) this.finish();
  }

  close(): void {
    if (this.silent) return;
    this.silent = true;
    this.ended = true;
    // With nothing left to send, closing the descriptor sends the FIN.
    if (this.unsent.length === 0) this.shut();
    // What still comes in is thrown away: unread bytes would turn the FIN into a RST.
    else this.listen();
  }

  reset(): void {
    if (this.wasReset) return;
    this.silent = true;
    this.ended = true;
    this.wasReset = true;
    const { libc } = this.kernel;
    if (this.fd >= 0) libc.setsockopt(this.fd, SOL_SOCKET, SO_LINGER, NO_LINGER, 8);
    this.shut();
  }

  relayTo(to: Socket, bytes: number, events: RelayEvents): void {
    if (!(to instanceof KernelSocket) || bytes < RELAY_BYTES) return;
    this.relayLeft = bytes;
    this.relayTarget = to;
    this.relayEvents = events;
  }

  // ---- what the kernel tells --------------------------------------------------------------------

  onReady(events: number): void {
    if (!this.opened) {
      this.onConnected(events);
      return;
    }
    if ((events & ~EPOLLOUT) !== 0) this.onReadable();
    if ((events & EPOLLOUT) !== 0 && this.fd >= 0) this.flush();
  }

  private onConnected(events: number): void {
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) {
      const error = new Int32Array(1);
      const { libc } = this.kernel;
      libc.getsockopt(this.fd, SOL_SOCKET, SO_ERROR, error, INT_BYTES);
      if (error[0] !== 0) {
        this.onFailed(error[0], 'connect');
        return;
      }
    }
    this.opened = true;
    this.listen();
    if (!this.silent) {
      beginEvent();
      try {
        this.handler.onOpen();
      } finally {
        endEvent();
      }
    }
    if (this.fd < 0) return;
    if (this.unsent.length > 0) this.flush();
    else if (this.ended && !this.finSent) this.finish();
  }

  private onReadable(): void {
    if (!this.isReading()) {
      this.listen();
      return;
    }
    if (this.relayLeft > 0 && !this.silent && this.relay()) return;
    const { kernel } = this;
    const length = kernel.read(this.fd, this.readsAtOnce);
    if (length > 0) {
      this.readsAtOnce = READ_BYTES;
      if (this.relayLeft > 0) this.shown(length);
      if (!this.silent) deliverChunk(this.handler, kernel.lastRead(length));
      return;
    }
    if (length === 0) {
      this.onEnd();
      return;
    }
    const errno = kernel.libc.errno();
    if (errno !== EAGAIN && errno !== EINTR) this.onFailed(errno, 'read');
  }

  /** So much was read although it need not be seen. */
  private shown(bytes: number): void {
    this.relayLeft -= Math.min(this.relayLeft, bytes);
    if (this.relayLeft === 0) this.endRelay();
  }

  /** Moves what has come to where it goes. False: it has to be read. */
  private relay(): boolean {
    const { pipes, libc } = this.kernel;
    const pipe = pipes.take();
    if (pipe === null) return false;
    const length = pipes.fill(pipe, this.fd, this.relayLeft);
    if (length <= 0) {
      // The kernel tells an error once: what it told here nobody else will hear.
      const errno = length < 0 ? libc.errno() : 0;
      pipes.give(pipe);
      if (errno === EINVAL) this.endRelay();
      if (errno === 0 || errno === EINVAL) return false;
      if (errno !== EAGAIN && errno !== EINTR) this.onFailed(errno, 'read');
      return true;
    }
    this.relayLeft -= length;
    this.readsAtOnce = HEAD_BYTES;
    const room = this.relayTarget!.sendPipe(pipe);
    const events = this.relayEvents!;
    if (this.relayLeft === 0) this.endRelay();
    beginEvent();
    try {
      events.onRelayed(length, room);
    } finally {
      endEvent();
    }
    return true;
  }

  /** A kept connection must not keep those of its last exchange. */
  private endRelay(): void {
    this.relayLeft = 0;
    this.relayTarget = null;
    this.relayEvents = null;
  }

  /** Sends what is in `pipe`, which is ours to give back. As `write`. */
  private sendPipe(pipe: Pipe): boolean {
    const waits = this.unsent.length > 0 || !this.opened;
    const isLost = this.ended || this.fd < 0 || (!waits && this.drain(pipe) < 0);
    if (!isLost && pipe.length > 0) return this.hold(pipe, 0);
    this.kernel.pipes.give(pipe);
    return isLost || !this.blocked;
  }

  /** How many bytes the kernel has taken; -1: none, and it never will. */
  private drain(pipe: Pipe): number {
    const taken = this.kernel.pipes.drain(pipe, this.fd);
    if (taken < 0) this.onBroken(this.kernel.libc.errno());
    return taken;
  }

  private onEnd(): void {
    this.heardEnd = true;
    // After a write that has failed, this is how the connection's end shows.
    if (this.error !== null) {
      this.shut();
      return;
    }
    this.listen();
    if (!this.silent) this.handler.onEnd();
    if (this.finSent) this.shut();
  }

  private flush(): void {
    const { unsent } = this;
    while (unsent.length > 0) {
      const first = unsent.first();
      const taken = first instanceof Pipe ? this.drain(first) : this.send(first, first.length);
      if (taken < 0) return;
      if (!unsent.advance(taken)) {
        this.listen();
        return;
      }
    }
    this.listen();
    if (!this.blocked) return;
    this.blocked = false;
    if (this.silent) {
      this.shut();
      return;
    }
    if (this.ended) this.finish();
    this.handler.onDrain();
  }

  /**
   * A write has found the connection reset. What came before is still read; after it the reset
   * looks like an orderly end, because the write was told of it in the reader's stead.
   */
  private onBroken(errno: number): void {
    this.error ??= systemError(-errno, 'write');
    this.ended = true;
    this.blocked = false;
    this.drop();
    if (this.paused || this.silent || this.heardEnd) this.shut();
  }

  private onFailed(errno: number, call: string): void {
    this.error ??= systemError(-errno, call);
    this.shut();
  }

  // ---- what is listened for ---------------------------------------------------------------------

  private isReading(): boolean {
    return this.opened && !this.heardEnd && (this.silent || !this.paused);
  }

  private listen(): void {
    if (this.fd < 0) return;
    const sends = !this.opened || this.unsent.length > 0;
    const events = (this.isReading() ? EPOLLIN : 0) | (sends ? EPOLLOUT : 0);
    if (events === this.events) return;
    const { loop, libc } = this.kernel;
    const isHeard = loop.rewatch(this.fd, events, this.events);
    this.events = events;
    if (!isHeard) this.onFailed(libc.errno(), 'epoll_ctl');
  }

  /** The first time. False: the kernel has no memory for it, and the connection is gone. */
  private listenTo(events: number): boolean {
    const { loop, libc } = this.kernel;
    this.events = events;
    if (loop.watch(this.fd, this, events)) return true;
    this.onFailed(libc.errno(), 'epoll_ctl');
    return false;
  }

  // ---- ends -------------------------------------------------------------------------------------

  /** Sends the FIN. */
  private finish(): void {
    this.finSent = true;
    this.kernel.libc.shutdown(this.fd, SHUT_WR);
    if (this.heardEnd) this.shut();
  }

  /** Gives the descriptor back. */
  private shut(): void {
    if (this.gone) return;
    this.gone = true;
    this.drop();
    const { fd, kernel } = this;
    this.fd = -1;
    if (fd >= 0) {
      kernel.loop.forget(fd);
      kernel.close(fd);
    }
    kernel.loop.later(this);
  }

  private drop(): void {
    this.unsent.drop();
    this.unsent = this.kernel.nothing;
  }

  /** The descriptor is closed, and the call that did it is over. */
  onLater(): void {
    const why = this.why();
    this.silent = true;
    this.ended = true;
    this.handler.onClose(why);
  }

  private why(): Failure | null {
    if (this.wasReset || (this.silent && this.error === null)) return null;
    return goneFailure(this.error, this.target, this.opened, this.peer);
  }
}
