/**
 * What Node has below its streams. A stream makes some ten calls and objects of its own around each
 * read and write; the handle below does the same with one. Nothing of this is promised by Node, so
 * it is looked at before it is used, and the stream is the way where anything is missing:
 * - Writing: `writeBuffer` hands bytes to the kernel at once. Each call has a request object of its
 *   own: that the kernel took all the bytes does not say that libuv is done with the request.
 * - Reading: the public `onread` of outgoing connections, given to accepted ones as well.
 *
 * docs/decisions/below-the-stream.md has the measurements.
 */
import type net from 'node:net';
import { getSystemErrorName } from 'node:util';
import { nextReadBuffer } from './socket-buffers.ts';

/** A write on its way; `oncomplete` is called if the kernel did not take it at once. */
interface WriteRequest {
  oncomplete?: (status: number) => void;
  /** Kept alive until then. */
  buffer?: Uint8Array;
}

interface Handle {
  /** 0, or the error's number. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number;
  useUserBuffer(buffer: Uint8Array): void;
}

interface WithHandle {
  readonly _handle?: Partial<Handle> | null;
}

/** What `onread` is kept under, by what Node calls these symbols. */
const READ_SYMBOLS = ['kBuffer', 'kBufferCb', 'kBufferGen'] as const;
type ReadSymbols = readonly [symbol, symbol, symbol];

/** Undefined: not looked yet; null: this runtime has none of that. */
let readSymbols: ReadSymbols | null | undefined;
let requestClass: (new () => WriteRequest) | null = null;

/** Has an accepted connection read as an outgoing one with `onread` does. False: it cannot. */
export function readInPlace(
  stream: net.Socket,
  onRead: (this: net.Socket, length: number, buffer: Uint8Array) => boolean,
): boolean {
  if (readSymbols === undefined) readSymbols = findReadSymbols(stream);
  const handle = (stream as WithHandle)._handle;
  if (readSymbols === null || typeof handle?.useUserBuffer !== 'function') return false;
  const [buffer, callback, generate] = readSymbols;
  const first = nextReadBuffer();
  const fields = stream as unknown as Record<symbol, unknown>;
  fields[buffer] = first;
  fields[callback] = onRead;
  fields[generate] = nextReadBuffer;
  handle.useUserBuffer(first);
  return true;
}

function findReadSymbols(stream: net.Socket): ReadSymbols | null {
  const own = Object.getOwnPropertySymbols(stream);
  const found = READ_SYMBOLS.map((name) => own.find((each) => each.description === name));
  return found.every((each) => each !== undefined) ? (found as unknown as ReadSymbols) : null;
}

/** Looks how the stream itself writes, the first time it does, so that we can do the same. */
export function learnToWrite(stream: net.Socket): void {
  const handle = (stream as WithHandle)._handle;
  if (requestClass !== null || handle === undefined || handle === null) return;
  const { writeBuffer } = handle;
  if (typeof writeBuffer !== 'function' || typeof handle.writeQueueSize !== 'number') return;
  handle.writeBuffer = (request, bytes) => {
    delete handle.writeBuffer;
    requestClass = request.constructor as new () => WriteRequest;
    return writeBuffer.call(handle, request, bytes);
  };
}

/** Writes to the handle of a stream that is open and has nothing to write itself. */
export class DirectWriter {
  private readonly stream: net.Socket;
  private readonly handle: Handle;
  /** All that was written has been taken, after some of it was not. */
  private readonly flushed: () => void;

  private constructor(stream: net.Socket, handle: Handle, flushed: () => void) {
    this.stream = stream;
    this.handle = handle;
    this.flushed = flushed;
  }

  /** Null: the stream has to do it. */
  static for(stream: net.Socket, flushed: () => void): DirectWriter | null {
    const handle = (stream as WithHandle)._handle;
    if (requestClass === null || handle === undefined || handle === null) return null;
    return new DirectWriter(stream, handle as Handle, flushed);
  }

  /** Bytes that the kernel has not taken yet. */
  get writableLength(): number {
    return this.stream.destroyed ? 0 : this.handle.writeQueueSize;
  }

  /** `bytes` must not change until they are gone. False: not all of them are yet. */
  write(bytes: Uint8Array): boolean {
    const { handle } = this;
    const request = new requestClass!();
    const status = handle.writeBuffer(request, bytes);
    if (status !== 0) {
      this.fail(status);
      return false;
    }
    if (handle.writeQueueSize === 0) return true;
    request.buffer = bytes;
    request.oncomplete = (given) => this.completed(given);
    return false;
  }

  private completed(status: number): void {
    if (this.stream.destroyed) return;
    if (status < 0) this.fail(status);
    else if (this.handle.writeQueueSize === 0) this.flushed();
  }

  private fail(status: number): void {
    const code = getSystemErrorName(status);
    const error = new Error(`write ${code}`);
    this.stream.destroy(Object.assign(error, { code, errno: status, syscall: 'write' }));
  }
}
