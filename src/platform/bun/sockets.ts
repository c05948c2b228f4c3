/**
 * Real connections on Bun: the Transport port on its native TCP sockets, which cost a third less
 * than `node:net` on Bun, since no stream stands between the kernel and us.
 *
 * A native socket buffers nothing: what the kernel does not take is kept here, and sent on when
 * there is room. Two things stay with `node:net`, which is slower only where it does not matter:
 * - Opening a connection: Bun gives its own out only once it is open, so that one which is not
 *   answered could not be given up and would hold its descriptor until the kernel gives up. The
 *   native socket is taken from below the stream as soon as it is open.
 * - TLS to backends.
 */
import net from 'node:net';
import type { Failure } from '../../core/base/failure.ts';
import type { Peer, Socket, SocketHandler, Target, Transport } from '../../core/base/transport.ts';
import { beginEvent, endEvent } from '../node/clock.ts';
import { UNHEARD, withoutMapping } from '../node/connections.ts';
import { listenAt } from '../node/listening.ts';
import { goneFailure } from '../node/socket-failures.ts';
import { createNodeTransport } from '../node/sockets.ts';
import {
  type Callbacks,
  hasNative,
  listenNatively,
  type NativeSocket,
  takeNative,
} from './native.ts';

/**
 * The transport of this thread. Works on Bun alone; importing it does no harm elsewhere.
 * `sharesPorts`: other threads listen on the same ports.
 */
export function createBunTransport(sharesPorts = false): Transport {
  const node = createNodeTransport();
  return {
    listen: (at, accept, ready) =>
      listenAt(at, ready, (hostname) => {
        const where = { hostname, port: at.port, reusePort: sharesPorts };
        const open = (native: NativeSocket<BunSocket>): void => onConnection(native, accept);
        return listenNatively(where, { open, ...CALLBACKS });
      }),
    connect: (to, handler) =>
      (to.tls === null ? connectPlain(to, handler) : null) ?? node.connect(to, handler),
  };
}

/** False: this version of Bun does not show what is below its streams. */
let takesOver = true;

/** Null: it has to be left to `node:net`. */
function connectPlain(to: Target, handler: SocketHandler): Socket | null {
  if (!takesOver) return null;
  const options: net.TcpSocketConnectOpts & { allowHalfOpen: boolean } = {
    host: to.address,
    port: to.port,
    noDelay: true,
    allowHalfOpen: true,
    autoSelectFamily: false,
  };
  const stream = net.connect(options);
  takesOver = hasNative(stream);
  if (!takesOver) {
    stream.on('error', () => {});
    stream.destroy();
    return null;
  }
  const socket = new BunSocket(null, stream, handler, to);
  stream.on('connect', () => socket.onOpen(stream));
  stream.on('error', (error) => socket.onStreamError(error));
  stream.on('close', () => socket.onStreamClose());
  return socket;
}

/** Makes a socket of a connection, and tells the engine. */
function onConnection(
  native: NativeSocket<BunSocket>,
  accept: (socket: Socket, peer: Peer) => SocketHandler,
): void {
  const socket = new BunSocket(native, null, UNHEARD, null);
  native.data = socket;
  const address = native.remoteAddress;
  if (address === undefined) {
    // It was reset before we came to it, so there is nobody to be named or answered.
    socket.reset();
    return;
  }
  const peer: Peer = { address: withoutMapping(address), port: native.remotePort ?? 0 };
  socket.peer = peer;
  socket.handler = accept(socket, peer);
}

/** What is being delivered: memory that nobody else uses, so what is not sent of it may be kept. */
let delivered: Uint8Array | null = null;
/** Some of it is kept. */
let isKept = false;

/** The rest of `bytes`, safe from its writer. */
function keptRest(bytes: Uint8Array, from: number): Uint8Array {
  const rest = bytes.subarray(from);
  if (rest.buffer !== delivered?.buffer) return new Uint8Array(rest);
  isKept = true;
  return rest;
}

/** Where two are joined: one copy costs less than a write of its own. */
const joined = new Uint8Array(128 * 1024);

/** It stands until the next call. */
function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const length = first.length + second.length;
  const at = second.byteOffset - first.length;
  if (!isKept && delivered?.buffer === second.buffer && at >= delivered.byteOffset) {
    // As a rule a head of ours fits where the one lay that was delivered before the body.
    const inPlace = new Uint8Array(second.buffer, at, length);
    inPlace.set(first);
    return inPlace;
  }
  const both = length > joined.length ? new Uint8Array(length) : joined.subarray(0, length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

class BunSocket implements Socket {
  handler: SocketHandler;
  /** Who was accepted. */
  peer: Peer | null = null;
  /** Null until it is open. */
  private native: NativeSocket<BunSocket> | null;
  /** What opens it; null after that. */
  private stream: net.Socket | null;
  /** Null: accepted. */
  private readonly target: Target | null;
  /** After `close` or `reset`: only `onClose` is still to come. */
  private silent = false;
  private ended = false;
  private peerEnded = false;
  private wasReset = false;
  private gone = false;
  private paused = false;
  /** A write returned false and `onDrain` has not been called since. */
  private blocked = false;
  /** Inside a call that closes the descriptor. */
  private closing = false;
  private error: NodeJS.ErrnoException | null = null;
  private unsent = 0;
  private readonly queue: Uint8Array[] = [];
  /** How much of the first in the queue is sent. */
  private sent = 0;

  constructor(
    native: NativeSocket<BunSocket> | null,
    stream: net.Socket | null,
    handler: SocketHandler,
    target: Target | null,
  ) {
    this.native = native;
    this.stream = stream;
    this.handler = handler;
    this.target = target;
  }

  write(bytes: Uint8Array, following?: Uint8Array): boolean {
    return this.send(following === undefined ? bytes : join(bytes, following));
  }

  private send(bytes: Uint8Array): boolean {
    if (this.ended) return true;
    let taken = 0;
    if (this.unsent === 0 && this.native !== null) {
      taken = this.native.write(bytes);
      if (taken === bytes.length) return !this.blocked;
      if (taken < 0) {
        this.onBroken();
        return true;
      }
    } else if (bytes.length === 0) {
      return !this.blocked;
    }
    const rest = keptRest(bytes, taken);
    this.queue.push(rest);
    this.unsent += rest.length;
    this.blocked = true;
    return false;
  }

  unsentBytes(): number {
    return this.unsent;
  }

  pause(): void {
    if (this.silent) return;
    this.paused = true;
    this.native?.pause();
  }

  resume(): void {
    if (this.silent) return;
    this.paused = false;
    this.native?.resume();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.unsent === 0) this.native?.shutdown();
  }

  close(): void {
    if (this.silent) return;
    this.silent = true;
    this.ended = true;
    this.paused = false;
    if (this.unsent === 0) this.shut();
    // What still comes in is thrown away: unread bytes would turn the FIN into a RST.
    else this.native?.resume();
  }

  reset(): void {
    if (this.wasReset || this.gone) return;
    this.silent = true;
    this.ended = true;
    this.wasReset = true;
    this.forget();
    this.shut();
  }

  /** Gives the descriptor back, with a RST after `reset`. Bun calls `close` meanwhile. */
  private shut(): void {
    const { native, stream } = this;
    this.closing = true;
    if (native === null) stream?.destroy();
    else if (this.wasReset) native.terminate();
    else native.close();
    this.closing = false;
  }

  private forget(): void {
    this.queue.length = 0;
    this.unsent = 0;
    this.sent = 0;
  }

  /**
   * A write has found the connection reset. What came before is still read; after it the reset
   * looks like an orderly end, because the write was told of it in the reader's stead.
   */
  private onBroken(): void {
    this.error ??= HIDDEN_RESET;
    this.ended = true;
    this.blocked = false;
    this.forget();
    if (this.paused || this.silent) this.shut();
  }

  /** The connection is there: from here on its native socket talks to us. */
  onOpen(stream: net.Socket): void {
    if (this.wasReset) return;
    const native = takeNative<BunSocket>(stream, this, CALLBACKS);
    this.native = native;
    this.stream = null;
    if (this.paused) native.pause();
    if (this.ended && this.unsent === 0) native.shutdown();
    if (!this.silent) this.handler.onOpen();
    this.onDrain();
  }

  onData(bytes: Uint8Array): void {
    if (this.silent) return;
    delivered = bytes;
    isKept = false;
    beginEvent();
    try {
      this.handler.onData(bytes);
    } finally {
      endEvent();
      delivered = null;
    }
  }

  onDrain(): void {
    if (this.unsent > 0) this.flush();
    if (!this.blocked || this.unsent > 0) return;
    this.blocked = false;
    if (this.silent) {
      this.shut();
      return;
    }
    if (this.ended) this.native?.shutdown();
    this.handler.onDrain();
  }

  private flush(): void {
    const { native, queue } = this;
    while (native !== null && queue.length > 0) {
      const first = queue[0];
      const taken = native.write(first, this.sent, first.length - this.sent);
      if (taken < 0) {
        this.onBroken();
        return;
      }
      this.unsent -= taken;
      this.sent += taken;
      if (this.sent < first.length) return;
      queue.shift();
      this.sent = 0;
    }
  }

  onEnd(): void {
    if (this.silent || this.peerEnded) return;
    if (this.error === null) {
      this.peerEnded = true;
      this.handler.onEnd();
    } else this.shut();
  }

  onStreamError(error: Error): void {
    if (this.native === null) this.error ??= error;
  }

  onStreamClose(): void {
    if (this.native === null) this.finish();
  }

  onClose(error: NodeJS.ErrnoException | undefined): void {
    if (this.closing) {
      queueMicrotask(() => this.finish());
      return;
    }
    if (error !== undefined) this.error ??= error;
    // A FIN that comes after our own is not told apart from the close it leads to.
    else if (this.error === null) this.onEnd();
    this.finish();
  }

  private finish(): void {
    if (this.gone) return;
    const why = this.why();
    this.gone = true;
    this.silent = true;
    this.ended = true;
    this.forget();
    this.handler.onClose(why);
  }

  private why(): Failure | null {
    if (this.wasReset || (this.silent && this.error === null)) return null;
    return goneFailure(this.error, this.target, this.native !== null, this.peer);
  }
}

const HIDDEN_RESET = Object.assign(new Error('write ECONNRESET'), { code: 'ECONNRESET' });

/** One set of functions for all connections: a native socket knows whose it is. */
const CALLBACKS: Callbacks<BunSocket> = {
  data: (native, bytes) => native.data.onData(bytes),
  drain: (native) => native.data.onDrain(),
  end: (native) => native.data.onEnd(),
  close: (native, error) => native.data.onClose(error),
};
