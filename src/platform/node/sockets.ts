/**
 * Real connections: the Transport port on Node's handles where they can be had, which is in
 * `handle-socket.ts`, else on the streams of `node:net` and `node:tls`, also on Bun.
 *
 * What it promises beyond the port: no 'error' event ever goes unheard, and nothing waits for
 * Nagle. Who owns which bytes is told in `socket-buffers.ts`, what error codes mean in
 * `socket-failures.ts`.
 */
import net from 'node:net';
import tls from 'node:tls';
import { CLOSED_EARLY, type Failure } from '../../core/base/failure.ts';
import type {
  ListenAddress,
  Listener,
  Peer,
  Socket,
  SocketHandler,
  Target,
  TlsTarget,
  Transport,
} from '../../core/base/transport.ts';
import { HIDDEN_RESET, streamEndedByReset, UNHEARD, withoutMapping } from './connections.ts';
import { acceptHandle, connectHandle, hasHandles } from './handle-socket.ts';
import { deliverChunk, deliverRead, keepWritten, readBuffer, toWrite } from './socket-buffers.ts';
import { goneFailure, listenFailure } from './socket-failures.ts';
import { takeHandles } from './tcp-handle.ts';

/** Connections the kernel may hold before we accept them; it lowers this to its own limit. */
const BACKLOG = 4096;
/** TLS contexts kept, one for each set of CAs; above it the oldest goes. */
const TLS_CONTEXTS = 64;

/**
 * The transport of this thread. `sharesPorts`: other threads listen on the same ports.
 * `belowStreams`: plain connections use the handles below their streams.
 */
export function createNodeTransport(sharesPorts = false, belowStreams = hasHandles): Transport {
  const connectTcp = belowStreams ? connectHandle : connectStream;
  return {
    listen: (at, accept, ready) => listen(at, accept, ready, sharesPorts, belowStreams),
    connect: (to, handler) =>
      to.tls === null ? connectTcp(to, handler) : connectTls(to, to.tls, handler),
  };
}

/**
 * Whether `onread` makes the kernel write into our buffer. Bun accepts the option and copies, which
 * costs more than the memory it saves; it shows after the first connection of the thread.
 */
let readsInPlace = true;

function connectStream(to: Target, handler: SocketHandler): Socket {
  if (!readsInPlace) {
    const stream = net.connect(streamOptions(to));
    const socket = new StreamSocket(stream, stream, handler, to, null);
    stream.on('connect', onOpen);
    stream.on('data', onChunk);
    return socket;
  }
  const onread = {
    buffer: readBuffer,
    // Not every runtime calls it with the stream as `this`, so it has to know its socket.
    callback: (length: number): boolean => {
      if (!socket.silent) deliverRead(handler, length);
      return true;
    },
  };
  const stream = net.connect(streamOptions(to, onread));
  const socket = new StreamSocket(stream, stream, handler, to, null);
  stream.on('connect', onOpen);
  readsInPlace = typeof (stream as WithHandle)._handle?.useUserBuffer === 'function';
  return socket;
}

/**
 * TLS over a TCP socket of our own: only that one can be reset, a TLS socket on Node refuses.
 * The name is checked here because a runtime would not check an IP literal it does not send.
 */
function connectTls(to: Target, target: TlsTarget, handler: SocketHandler): Socket {
  const tcp = net.connect(streamOptions(to));
  const options: tls.ConnectionOptions & { allowHalfOpen: boolean } = {
    socket: tcp,
    allowHalfOpen: true,
    secureContext: tlsContext(target.caPem),
    rejectUnauthorized: target.verify,
    ALPNProtocols: ['http/1.1'],
    host: target.serverName,
    checkServerIdentity: (_host, certificate) =>
      tls.checkServerIdentity(target.serverName, certificate),
  };
  if (net.isIP(target.serverName) === 0) options.servername = target.serverName;
  const stream = tls.connect(options);
  const socket = new StreamSocket(stream, tcp, handler, to, null);
  // A refused connection is an error of the TCP socket; not every runtime passes it on.
  own(tcp, socket);
  tcp.on('error', onError);
  stream.on('secureConnect', onOpen);
  stream.on('data', onChunk);
  return socket;
}

/** What Node's streams have below them; looked at only to find out what the runtime can do. */
interface WithHandle {
  readonly _handle?: { useUserBuffer?: unknown } | null;
}

interface StreamOptions extends net.TcpSocketConnectOpts {
  allowHalfOpen: boolean;
}

function streamOptions(to: Target, onread?: net.OnReadOpts): StreamOptions {
  const options: StreamOptions = {
    host: to.address,
    port: to.port,
    noDelay: true,
    allowHalfOpen: true,
    autoSelectFamily: false,
  };
  if (onread !== undefined) options.onread = onread;
  return options;
}

const tlsContexts = new Map<string | null, tls.SecureContext>();

/** Parsing certificates takes milliseconds, so it is done once for each set of CAs. */
function tlsContext(caPem: string | null): tls.SecureContext {
  const known = tlsContexts.get(caPem);
  if (known !== undefined) return known;
  const context = tls.createSecureContext(caPem === null ? {} : { ca: caPem });
  for (const oldest of tlsContexts.keys()) {
    if (tlsContexts.size < TLS_CONTEXTS) break;
    tlsContexts.delete(oldest);
  }
  tlsContexts.set(caPem, context);
  return context;
}

function listen(
  at: ListenAddress,
  accept: (socket: Socket, peer: Peer) => SocketHandler,
  ready: (failure: Failure | null) => void,
  sharesPorts: boolean,
  belowStreams: boolean,
): Listener {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true });
  const listener = new NodeListener(server, ready);
  server.on('connection', (stream) => acceptStream(stream, accept));
  server.on('listening', () => {
    if (belowStreams) takeHandles(server, (handle) => acceptHandle(handle, accept));
    listener.onListening();
  });
  // After `ready` an error is a failed accept; the connection concerned is gone, others come.
  server.on('error', (error) => listener.settle(listenFailure(error, at)));
  const options: net.ListenOptions & { reusePort: boolean } = {
    port: at.port,
    backlog: BACKLOG,
    reusePort: sharesPorts,
  };
  // Without a host, the runtime binds `::` for both families, or 0.0.0.0 where IPv6 is absent.
  if (at.host !== null) options.host = at.host;
  server.listen(options);
  return listener;
}

function acceptStream(
  stream: net.Socket,
  accept: (socket: Socket, peer: Peer) => SocketHandler,
): void {
  const address = stream.remoteAddress;
  if (address === undefined) {
    // It was reset before we came to it, so there is nobody to be named or answered.
    stream.on('error', () => {});
    stream.destroy();
    return;
  }
  const peer: Peer = { address: withoutMapping(address), port: stream.remotePort ?? 0 };
  const socket = new StreamSocket(stream, stream, UNHEARD, null, peer);
  stream.on('data', onChunk);
  socket.handler = accept(socket, peer);
}

class NodeListener implements Listener {
  port = 0;
  private readonly server: net.Server;
  private readonly ready: (failure: Failure | null) => void;
  private settled = false;
  private closed = false;

  constructor(server: net.Server, ready: (failure: Failure | null) => void) {
    this.server = server;
    this.ready = ready;
  }

  onListening(): void {
    if (this.closed) {
      // The name was still being looked up when `close` was called.
      this.server.close();
      return;
    }
    const address = this.server.address();
    if (address !== null && typeof address === 'object') this.port = address.port;
    this.settle(null);
  }

  settle(why: Failure | null): void {
    if (this.settled) return;
    this.settled = true;
    this.ready(why);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    // A server that never came to listen closes with an error, which it hands to this callback.
    this.server.close(() => this.settle(CLOSED_EARLY));
  }
}

const EMPTY = Buffer.alloc(0);

class StreamSocket implements Socket {
  handler: SocketHandler;
  /** After `close` or `reset`: only `onClose` is still to come. */
  silent = false;
  private readonly stream: net.Socket;
  /** The same as `stream`, or what is below its TLS. */
  private readonly tcp: net.Socket;
  /** Null: accepted. */
  private readonly target: Target | null;
  private readonly peer: Peer | null;
  private opened: boolean;
  private ended = false;
  private wasReset = false;
  private gone = false;
  private error: NodeJS.ErrnoException | null = null;
  /** A write returned false and `onDrain` has not been called since. */
  private blocked = false;
  private flushed: (() => void) | null = null;

  constructor(
    stream: net.Socket,
    tcp: net.Socket,
    handler: SocketHandler,
    target: Target | null,
    peer: Peer | null,
  ) {
    this.stream = stream;
    this.tcp = tcp;
    this.handler = handler;
    this.target = target;
    this.peer = peer;
    this.opened = target === null;
    own(stream, this);
    stream.on('end', onEnd);
    stream.on('error', onError);
    stream.on('close', onClose);
  }

  write(bytes: Uint8Array, following?: Uint8Array): boolean {
    const stream = this.stream;
    if (this.ended || stream.destroyed) return true;
    const own = toWrite(bytes, following);
    if (own.length === 0) return !this.blocked;
    const more = stream.write(own);
    if (stream.writableLength === 0) return true;
    keepWritten();
    if (stream.destroyed) return true;
    // TLS finishes every write later, even one that the kernel takes at once: there the stream's
    // own measure counts, or each record would cost a pause.
    if (more && stream !== this.tcp) return true;
    this.block();
    return false;
  }

  unsentBytes(): number {
    if (this.gone || this.wasReset) return 0;
    return this.stream.writableLength;
  }

  pause(): void {
    if (!this.silent) this.stream.pause();
  }

  resume(): void {
    if (!this.silent) this.stream.resume();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.blocked && this.flushed !== null) this.stream.end(this.flushed);
    else this.stream.end();
  }

  close(): void {
    if (this.silent || this.gone) return;
    this.silent = true;
    this.ended = true;
    // With nothing left to send, closing the descriptor sends the FIN; TLS has a notice to send.
    if (this.stream === this.tcp && this.unsentBytes() === 0) this.stream.destroy();
    else this.stream.destroySoon();
    // What still comes in is thrown away: unread bytes would turn the FIN into a RST.
    this.stream.resume();
  }

  reset(): void {
    if (this.wasReset || this.gone) return;
    this.silent = true;
    this.ended = true;
    this.wasReset = true;
    // A connection not yet open would be reset only once it is, which may be never. The end of
    // the TCP socket ends TLS above it; ending that too would call back from inside this call.
    if (this.tcp.connecting) this.tcp.destroy();
    else this.tcp.resetAndDestroy();
  }

  /** Asks to be told when all that was written is gone; costs nothing while the kernel keeps up. */
  private block(): void {
    if (this.blocked) return;
    this.blocked = true;
    this.flushed ??= () => this.onFlushed();
    this.stream.write(EMPTY, this.flushed);
  }

  private onFlushed(): void {
    if (!this.blocked || !this.opened || this.silent || this.stream.destroyed) return;
    if (this.stream.writableLength === 0) {
      this.blocked = false;
      this.handler.onDrain();
    } else if (!this.ended && this.flushed !== null) {
      // More was written behind the marker; after `end` the stream itself calls once more.
      this.stream.write(EMPTY, this.flushed);
    }
  }

  onOpen(): void {
    if (this.silent) return;
    this.opened = true;
    this.handler.onOpen();
    // What was written early may have gone out before the handshake was judged.
    if (this.stream.writableLength === 0) this.onFlushed();
  }

  onChunk(chunk: Uint8Array): void {
    if (!this.silent) deliverChunk(this.handler, chunk);
  }

  onEnd(): void {
    if (this.silent || !this.opened) return;
    // Once we have sent a FIN ourselves, an orderly end leaves the same state as a reset.
    if (!this.ended && streamEndedByReset(this.tcp)) {
      this.error ??= HIDDEN_RESET;
      this.stream.destroy();
      return;
    }
    this.handler.onEnd();
  }

  onError(error: NodeJS.ErrnoException): void {
    this.error ??= error;
  }

  onClose(): void {
    if (this.gone) return;
    const why = this.why();
    this.gone = true;
    this.silent = true;
    this.ended = true;
    this.handler.onClose(why);
  }

  private why(): Failure | null {
    if (this.wasReset || (this.silent && this.error === null)) return null;
    return goneFailure(this.error, this.target, this.opened, this.peer);
  }
}

/** How a stream knows its socket: its listeners are functions of the module, not closures. */
const owner = Symbol('owner');

interface Owned extends net.Socket {
  [owner]: StreamSocket;
}

function own(stream: net.Socket, socket: StreamSocket): void {
  (stream as Owned)[owner] = socket;
}

function onOpen(this: net.Socket): void {
  (this as Owned)[owner].onOpen();
}

function onChunk(this: net.Socket, chunk: Uint8Array): void {
  (this as Owned)[owner].onChunk(chunk);
}

function onEnd(this: net.Socket): void {
  (this as Owned)[owner].onEnd();
}

function onError(this: net.Socket, error: NodeJS.ErrnoException): void {
  (this as Owned)[owner].onError(error);
}

function onClose(this: net.Socket): void {
  (this as Owned)[owner].onClose();
}
