/**
 * Who owns which bytes while they pass through a socket, so that reading allocates nothing and a
 * relay copies nothing that is big.
 *
 * The port lets a reader keep bytes only during `onData` and lets a writer reuse them after
 * `write`; the stream below wants to keep what it is given until the kernel has taken it. Hence:
 * - Small reads land in one buffer shared by the connections of the thread. A socket tells the
 *   kernel where to read to *before* it reads, so that buffer can never be given away.
 * - A connection in bulk transfer reads into a buffer of its own. A view of it may be written to
 *   another connection without a copy; when the kernel does not take it at once, the buffer is
 *   left to the stream and the reader goes on with another.
 * - Everything else is copied once, into a slab that is used again when the kernel took the bytes
 *   during the call, which is the rule.
 */
import type { SocketHandler } from '../../core/base/transport.ts';
import { Views } from '../../core/base/views.ts';
import { beginEvent, endEvent } from './clock.ts';

const BUFFER_BYTES = 64 * 1024;
/** Room for a read and for a head that goes before it. */
const SLAB_BYTES = 2 * BUFFER_BYTES;
/** A read of this size promises more: the next one gets a buffer of its own. */
const BULK_BYTES = 16 * 1024;
/** Buffers for bulk reads kept for the next transfer: at most 1 MiB a thread. */
const SPARE_BUFFERS = 16;

const freshMemory = (size: number): Uint8Array =>
  new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);

const shared = freshMemory(BUFFER_BYTES);
const sharedViews = new Views(shared);
const spare: Uint8Array[] = [];
/** What `nextReadBuffer` gives out; other than `shared` only between a read and the next call. */
let next: Uint8Array = shared;

/** The memory being delivered, if it may be left to a stream; and whether it was. */
let lendable: ArrayBufferLike | null = null;
let lent = false;

let slab = freshMemory(SLAB_BYTES);
let slabViews = new Views(slab);
let slabUsed = 0;

/** What `toWrite` has handed out last. */
let toKeep: 'lent' | 'slab' | 'copy' = 'copy';
let toKeepBytes = 0;

/** Where to read to: asked at the start of a connection and right after each of its reads. */
export function nextReadBuffer(): Uint8Array {
  const buffer = next;
  next = shared;
  return buffer;
}

/** Delivers a read into a buffer of `nextReadBuffer`, and decides on that connection's next. */
export function deliverRead(handler: SocketHandler, buffer: Uint8Array, length: number): void {
  const own = buffer !== shared;
  if (own) deliver(handler, buffer.subarray(0, length), buffer.buffer);
  else deliver(handler, sharedViews.of(0, length), null);
  const kept = own && !lent;
  if (length >= BULK_BYTES) {
    next = kept ? buffer : (spare.pop() ?? freshMemory(BUFFER_BYTES));
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

/**
 * `bytes` in memory that may be left to a stream: the caller of `write` may reuse its own at once.
 * It stands until the next call, and for good after `keepWritten`.
 */
export function toWrite(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer === lendable) {
    toKeep = 'lent';
    return bytes;
  }
  const copy = reserve(bytes.length);
  copy.set(bytes);
  return copy;
}

/** The same for `first` with `second` behind it: one copy costs less than a write of its own. */
export function toWriteJoined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const copy = reserve(first.length + second.length);
  copy.set(first);
  copy.set(second, first.length);
  return copy;
}

function reserve(length: number): Uint8Array {
  if (length > SLAB_BYTES) {
    toKeep = 'copy';
    return new Uint8Array(length);
  }
  if (slabUsed + length > SLAB_BYTES) {
    slab = freshMemory(SLAB_BYTES);
    slabViews = new Views(slab);
    slabUsed = 0;
  }
  toKeep = 'slab';
  toKeepBytes = length;
  return slabViews.of(slabUsed, length);
}

/** The kernel did not take all of what `toWrite` has returned. */
export function keepWritten(): void {
  if (toKeep === 'lent') lent = true;
  else if (toKeep === 'slab') slabUsed += toKeepBytes;
}
