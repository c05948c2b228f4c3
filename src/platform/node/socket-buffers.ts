/**
 * Who owns which bytes while they pass through a socket, so that reading allocates nothing and a
 * relay copies nothing that is big.
 *
 * The port lets a reader keep bytes only during `onData` and lets a writer reuse them after
 * `write`; the stream below wants to keep what it is given until the kernel has taken it. Hence:
 * - Small reads land in one buffer shared by all outgoing connections of the thread. A socket tells
 *   the kernel where to read to *before* it reads, so that buffer can never be given away.
 * - A connection in bulk transfer reads into a buffer of its own. A view of it may be written to
 *   another connection without a copy; when the kernel does not take it at once, the buffer is
 *   left to the stream and the reader goes on with another.
 * - Everything else is copied once, into a slab that is used again when the kernel took the bytes
 *   during the call, which is the rule.
 */
import type { SocketHandler } from '../../core/base/transport.ts';
import { beginEvent, endEvent } from './clock.ts';

const BUFFER_BYTES = 64 * 1024;
/** A read of this size promises more: the next one gets a buffer of its own. */
const BULK_BYTES = 16 * 1024;
/** Buffers for bulk reads kept for the next transfer: at most 1 MiB a thread. */
const SPARE_BUFFERS = 16;

const shared = Buffer.allocUnsafeSlow(BUFFER_BYTES);
const spare: Uint8Array[] = [];
/** What `nextReadBuffer` gives out; other than `shared` only between a read and the next call. */
let next: Uint8Array = shared;

/** The memory being delivered, if it may be left to a stream; and whether it was. */
let lendable: ArrayBufferLike | null = null;
let lent = false;

let slab = Buffer.allocUnsafeSlow(BUFFER_BYTES);
let slabUsed = 0;

/** For `onread.buffer`: asked at the start of a connection and right after each of its reads. */
export function nextReadBuffer(): Uint8Array {
  const buffer = next;
  next = shared;
  return buffer;
}

/** Delivers a read into a buffer of `nextReadBuffer`, and decides on that connection's next. */
export function deliverRead(handler: SocketHandler, buffer: Uint8Array, length: number): void {
  const own = buffer.buffer !== shared.buffer;
  deliver(handler, buffer.subarray(0, length), own ? buffer.buffer : null);
  const kept = own && !lent;
  if (length >= BULK_BYTES) {
    next = kept ? buffer : (spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES));
  } else if (kept && spare.length < SPARE_BUFFERS) {
    spare.push(buffer);
  }
}

/** Delivers a 'data' event's chunk: memory of its own, which nobody reads into again. */
export function deliverChunk(handler: SocketHandler, chunk: Uint8Array): void {
  deliver(handler, chunk, chunk.buffer);
}

function deliver(handler: SocketHandler, bytes: Uint8Array, memory: ArrayBufferLike | null): void {
  lendable = memory;
  lent = false;
  beginEvent();
  try {
    handler.onData(bytes);
  } finally {
    endEvent();
    lendable = null;
  }
}

/** A stream, or what is below it. What it was given must not change until it has no length. */
export interface Sink {
  readonly writableLength: number;
  write(bytes: Uint8Array): boolean;
}

/** Writes so that the caller may reuse `bytes` at once. False: the sink asks for a pause. */
export function writeBytes(socket: Sink, bytes: Uint8Array): boolean {
  if (bytes.buffer === lendable) {
    const more = socket.write(bytes);
    if (socket.writableLength !== 0) lent = true;
    return more;
  }
  const length = bytes.length;
  if (length > BUFFER_BYTES) return socket.write(Buffer.from(bytes));
  if (slabUsed + length > BUFFER_BYTES) {
    slab = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    slabUsed = 0;
  }
  const copy = slab.subarray(slabUsed, slabUsed + length);
  copy.set(bytes);
  const more = socket.write(copy);
  if (socket.writableLength !== 0) slabUsed += length;
  return more;
}
