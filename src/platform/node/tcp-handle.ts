/**
 * What Node has below its streams: TCP handles, as `process.binding` shows them. Nothing of this is
 * promised by Node, so it is looked at before it is used; where anything is missing, connections
 * are streams. docs/decisions/below-the-stream.md has the reasons and the measurements.
 */
import type net from 'node:net';
import { getSystemErrorName } from 'node:util';

/** A TCP connection of libuv. Methods that return a number return 0, or the error's. */
export interface TcpHandle {
  /** How much was read, or why not, is in `Binding.lastRead`. */
  onread: (this: TcpHandle) => void;
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: Request, bytes: Uint8Array): number;
  shutdown(request: Request): number;
  connect(request: Request, address: string, port: number): number;
  connect6(request: Request, address: string, port: number): number;
  setNoDelay(on: boolean): number;
  getpeername(into: { address?: string; port?: number }): number;
  close(closed: (this: TcpHandle) => void): void;
  reset(closed: (this: TcpHandle) => void): number;
}

/** Something on its way. */
export interface Request {
  oncomplete?: (this: Request, status: number, handle: TcpHandle) => void;
  /** Bytes that must live as long. */
  buffer?: Uint8Array;
}

export interface Binding {
  newHandle(): TcpHandle;
  newConnectRequest(): Request;
  newWriteRequest(): Request;
  newShutdownRequest(): Request;
  /** Within `onread`: how many bytes came, 0 for nothing, or the error's number. */
  lastRead(): number;
  /** Right after `writeBuffer`: libuv goes on with it, and has the request and the bytes. */
  lastWriteGoesOn(): boolean;
  /** `lastRead` when the other side has sent its FIN. */
  readonly endOfFile: number;
}

interface StreamWrap {
  readonly WriteWrap: new () => Request;
  readonly ShutdownWrap: new () => Request;
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

interface TcpWrap {
  readonly TCP: (new (kind: number) => TcpHandle) & { readonly prototype: object };
  readonly TCPConnectWrap: new () => Request;
  readonly constants: { readonly SOCKET: number };
}

type Lookup = (name: string) => object;

/** What this runtime shows; null: not all that is needed. */
export function findBinding(
  lookUp = (process as unknown as { binding?: Lookup }).binding,
): Binding | null {
  if (process.versions.bun !== undefined || typeof lookUp !== 'function') return null;
  try {
    return bind(lookUp('stream_wrap'), lookUp('tcp_wrap'), lookUp('uv'));
  } catch {
    // Not to be had: a runtime without it, or one that was told not to give it.
    return null;
  }
}

function bind(stream: object, tcp: object, uv: object): Binding | null {
  const { WriteWrap, ShutdownWrap, streamBaseState, ...at } = stream as StreamWrap;
  const { kReadBytesOrError, kLastWriteWasAsync } = at;
  const { TCP, TCPConnectWrap, constants } = tcp as TcpWrap;
  const { SOCKET } = constants;
  const binding: Binding = {
    newHandle: () => new TCP(SOCKET),
    newConnectRequest: () => new TCPConnectWrap(),
    newWriteRequest: () => new WriteWrap(),
    newShutdownRequest: () => new ShutdownWrap(),
    lastRead: () => streamBaseState[kReadBytesOrError],
    lastWriteGoesOn: () => streamBaseState[kLastWriteWasAsync] !== 0,
    endOfFile: (uv as { UV_EOF: number }).UV_EOF,
  };
  return isUsable(binding, TCP.prototype) ? binding : null;
}

const METHODS = [
  ...['useUserBuffer', 'readStart', 'readStop', 'writeBuffer', 'shutdown', 'close', 'reset'],
  ...['connect', 'connect6', 'setNoDelay', 'getpeername'],
];

function isUsable(binding: Binding, prototype: object): boolean {
  const { lastRead, lastWriteGoesOn, endOfFile } = binding;
  return (
    METHODS.every((name) => typeof (prototype as Record<string, unknown>)[name] === 'function') &&
    'writeQueueSize' in prototype &&
    'onread' in prototype &&
    typeof lastRead() === 'number' &&
    typeof lastWriteGoesOn() === 'boolean' &&
    endOfFile < 0 &&
    [binding.newConnectRequest, binding.newWriteRequest, binding.newShutdownRequest].every(
      (make) => typeof make() === 'object',
    )
  );
}

interface ListeningHandle {
  onconnection?: unknown;
  setNoDelay?(on: boolean): number;
}

/**
 * Has a server that listens hand over the handles of its connections instead of making streams of
 * them. False: it cannot.
 */
export function takeHandles(server: net.Server, accept: (handle: TcpHandle) => void): boolean {
  const handle = (server as unknown as { _handle?: ListeningHandle | null })._handle;
  if (typeof handle?.onconnection !== 'function' || typeof handle.setNoDelay !== 'function') {
    return false;
  }
  // Connections have it from their listener.
  handle.setNoDelay(true);
  handle.onconnection = (status: number, client: TcpHandle | undefined): void => {
    // A failed accept: the connection concerned is gone, others come.
    if (status === 0 && client !== undefined) accept(client);
  };
  return true;
}

/** The error that a stream would have had. */
export function systemError(status: number, call: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`${call} ${code}`), { code, errno: status, syscall: call });
}
