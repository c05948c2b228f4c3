/**
 * A plain TCP connection on the handle below a stream: one object where a stream has a dozen, and
 * one call into the runtime for each thing that is done.
 */
import type { Failure } from '../../core/base/failure.ts';
import type { Peer, Socket, SocketHandler, Target } from '../../core/base/transport.ts';
import { beginEvent, endEvent } from './clock.ts';
import { endedByReset, HIDDEN_RESET, UNHEARD, withoutMapping } from './connections.ts';
import { deliverRead, giveBack, keepWritten, readBuffer, toWrite } from './socket-buffers.ts';
import { goneFailure } from './socket-failures.ts';
import {
  type Binding,
  findBinding,
  type Request,
  systemError,
  type TcpHandle,
} from './tcp-handle.ts';

const binding = findBinding();
/** Whether this runtime shows what is below its streams. Without it nothing else here is used. */
export const hasHandles = binding !== null;

const below = binding as Binding;
/** Used for one write after another, as long as none of them goes on after its call. */
let writeRequest = binding?.newWriteRequest() ?? {};

/** How a handle knows its socket. */
const owner = Symbol('owner');

interface OwnedHandle extends TcpHandle {
  [owner]: HandleSocket;
}

/** A connection that was accepted. */
export function acceptHandle(
  handle: TcpHandle,
  accept: (socket: Socket, peer: Peer) => SocketHandler,
): void {
  const name: { address?: string; port?: number } = {};
  if (handle.getpeername(name) !== 0) {
    // It was reset before we came to it, so there is nobody to be named or answered.
    handle.close(nothing);
    return;
  }
  const peer: Peer = { address: withoutMapping(name.address ?? ''), port: name.port ?? 0 };
  const socket = new HandleSocket(handle, UNHEARD, null, peer);
  beginEvent();
  try {
    socket.accepted();
    socket.handler = accept(socket, peer);
  } finally {
    endEvent();
  }
}

/** Opens a connection. */
export function connectHandle(to: Target, handler: SocketHandler): Socket {
  const socket = new HandleSocket(below.newHandle(), handler, to, null);
  socket.connect(to);
  return socket;
}

class HandleSocket implements Socket {
  handler: SocketHandler;
  private readonly handle: OwnedHandle;
  /** Null: accepted. */
  private readonly target: Target | null;
  private readonly peer: Peer | null;
  private opened = false;
  private paused = false;
  /** The other side has sent its FIN. */
  private heardEnd = false;
  /** After `close` or `reset`: only `onClose` is still to come. */
  private silent = false;
  /** Nothing more may be written; the FIN follows what was. */
  private ended = false;
  /** The FIN is on its way, for which a RST has to wait. */
  private finishing = false;
  private finished = false;
  /** A write did not go out whole, and `onDrain` has not been called since. */
  private blocked = false;
  private wasReset = false;
  /** The handle closes, or has closed. */
  private closing = false;
  private error: NodeJS.ErrnoException | null = null;

  constructor(handle: TcpHandle, handler: SocketHandler, target: Target | null, peer: Peer | null) {
    this.handle = handle as OwnedHandle;
    this.handler = handler;
    this.target = target;
    this.peer = peer;
    this.handle[owner] = this;
    handle.onread = onRead;
  }

  accepted(): void {
    this.opened = true;
    this.beginReading();
  }

  connect({ address, port }: Target): void {
    const { handle } = this;
    const request = below.newConnectRequest();
    request.oncomplete = onConnected;
    // It goes into effect when the descriptor is made, which is now.
    handle.setNoDelay(true);
    const status = address.includes(':')
      ? handle.connect6(request, address, port)
      : handle.connect(request, address, port);
    if (status !== 0) this.onFailed(status, 'connect');
  }

  private beginReading(): void {
    this.handle.useUserBuffer(readBuffer);
    if (!this.paused) this.handle.readStart();
  }

  // ---- the port ---------------------------------------------------------------------------------

  write(bytes: Uint8Array, following?: Uint8Array): boolean {
    if (this.ended || this.closing) return true;
    const own = toWrite(bytes, following);
    if (own.length === 0) return !this.blocked;
    const request = writeRequest;
    const status = this.handle.writeBuffer(request, own);
    if (status === 0 && !below.lastWriteGoesOn()) return !this.blocked;
    // libuv has the request; it must not see it a second time.
    writeRequest = below.newWriteRequest();
    if (status !== 0) {
      this.onFailed(status, 'write');
      return true;
    }
    request.buffer = own;
    request.oncomplete = onWritten;
    keepWritten();
    this.blocked = true;
    return false;
  }

  unsentBytes(): number {
    return this.blocked && !this.closing ? this.handle.writeQueueSize : 0;
  }

  pause(): void {
    if (this.silent || this.paused) return;
    this.paused = true;
    if (this.opened && !this.closing) this.handle.readStop();
  }

  resume(): void {
    if (this.silent || !this.paused) return;
    this.paused = false;
    this.readOn();
  }

  private readOn(): void {
    if (this.opened && !this.closing && !this.heardEnd) this.handle.readStart();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.opened && !this.blocked) this.finish();
  }

  close(): void {
    if (this.silent) return;
    this.silent = true;
    this.ended = true;
    if (!this.blocked) {
      // With nothing left to send, closing the descriptor sends the FIN.
      this.shut();
      return;
    }
    // What still comes in is thrown away: unread bytes would turn the FIN into a RST.
    if (this.paused) this.readOn();
  }

  reset(): void {
    if (this.wasReset) return;
    this.silent = true;
    this.ended = true;
    this.wasReset = true;
    // libuv resets nothing that is still to be opened, or is about to send its FIN.
    if (!this.opened) this.shut();
    else if (!this.finishing) this.shutHard();
  }

  // ---- what the handle tells --------------------------------------------------------------------

  onConnected(status: number): void {
    if (this.closing) return;
    if (status !== 0) {
      this.onFailed(status, 'connect');
      return;
    }
    this.opened = true;
    this.beginReading();
    if (this.silent) return;
    beginEvent();
    try {
      this.handler.onOpen();
    } finally {
      endEvent();
    }
    if (this.ended && !this.blocked) this.finish();
  }

  onRead(length: number): void {
    if (!this.silent) deliverRead(this.handler, length);
  }

  onEnd(): void {
    if (this.closing) return;
    this.heardEnd = true;
    // Once we have sent a FIN ourselves, an orderly end leaves the same state as a reset.
    if (!this.ended && endedByReset(this.handle)) {
      this.error = HIDDEN_RESET;
      this.shut();
      return;
    }
    if (!this.silent) this.handler.onEnd();
    if (this.finished) this.shut();
  }

  /** The error's number, and what failed with it. */
  onFailed(status: number, call: string): void {
    if (this.closing) return;
    this.error ??= systemError(status, call);
    this.shut();
  }

  onWritten(status: number): void {
    if (this.closing) return;
    if (status < 0) {
      this.onFailed(status, 'write');
      return;
    }
    if (this.handle.writeQueueSize !== 0) return;
    this.blocked = false;
    if (this.silent) this.shut();
    else if (this.ended) this.finish();
    if (this.silent || !this.opened) return;
    this.handler.onDrain();
  }

  onFinished(): void {
    this.finishing = false;
    this.finished = true;
    if (this.wasReset) this.shutHard();
    else if (this.heardEnd) this.shut();
  }

  onClosed(): void {
    const why = this.why();
    this.silent = true;
    this.ended = true;
    this.handler.onClose(why);
  }

  // ---- ends -------------------------------------------------------------------------------------

  /** Sends the FIN. */
  private finish(): void {
    if (this.closing) return;
    const request = below.newShutdownRequest();
    request.oncomplete = onFinished;
    this.finishing = true;
    // Not 0: there is nobody left to hear of it.
    if (this.handle.shutdown(request) !== 0) this.onFinished();
  }

  private shut(): void {
    if (this.closing) return;
    this.closing = true;
    this.handle.close(onClosed);
  }

  private shutHard(): void {
    if (this.closing) return;
    this.closing = true;
    if (this.handle.reset(onClosed) !== 0) this.handle.close(onClosed);
  }

  private why(): Failure | null {
    if (this.wasReset || (this.silent && this.error === null)) return null;
    return goneFailure(this.error, this.target, this.opened, this.peer);
  }
}

const nothing = (): void => {};

function onRead(this: TcpHandle): void {
  const socket = (this as OwnedHandle)[owner];
  const length = below.lastRead();
  if (length > 0) socket.onRead(length);
  else if (length === below.endOfFile) socket.onEnd();
  else if (length < 0) socket.onFailed(length, 'read');
}

function onConnected(status: number, handle: TcpHandle): void {
  (handle as OwnedHandle)[owner].onConnected(status);
}

function onWritten(this: Request, status: number, handle: TcpHandle): void {
  if (this.buffer !== undefined) giveBack(this.buffer);
  (handle as OwnedHandle)[owner].onWritten(status);
}

function onFinished(_status: number, handle: TcpHandle): void {
  (handle as OwnedHandle)[owner].onFinished();
}

function onClosed(this: TcpHandle): void {
  (this as OwnedHandle)[owner].onClosed();
}
