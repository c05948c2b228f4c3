/**
 * Who owns which bytes while they pass through a socket, so that reading and writing allocate
 * nothing.
 *
 * The port lets a reader keep bytes only during `onData` and lets a writer reuse them after
 * `write`; the runtime wants to keep what it is given until the kernel has taken it. Hence:
 * - Every read of the thread lands in one buffer. A socket tells the kernel where to read to
 *   *before* it reads, so that buffer can never be given away.
 * - What is written is copied once, into memory that is used again when the kernel took the bytes
 *   during the call, which is the rule. Both stay in the processor's cache: for bulk this costs
 *   less than a cold buffer for each connection, which could be handed on without a copy.
 * - What the kernel does not take stays where it is. Small writes share a slab; a large one has a
 *   block, which comes back when it is written.
 */
import type { SocketHandler } from '../../core/base/transport.ts';
import { Views } from '../../core/base/views.ts';
import { beginEvent, endEvent } from './clock.ts';

/** An answer of 64 KiB and its head are one read; twice as much gains little and costs memory. */
export const READ_BYTES = 96 * 1024;
/** A read, and a head before it. A client that stops reading holds one, of 256 KiB at most. */
const BLOCK_BYTES = READ_BYTES + 16 * 1024;
/** Blocks kept for the next time: at most 1 MiB a thread. */
const SPARE_BLOCKS = 8;
const SLAB_BYTES = 64 * 1024;
/** Up to here a write goes to the slab, so that many slow clients do not hold a block each. */
const SMALL_BYTES = 16 * 1024;

const freshMemory = (size: number): Uint8Array =>
  new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);

/** What the kernel reads into, for every connection of the thread. */
export const readBuffer = freshMemory(READ_BYTES);
const readViews = new Views(readBuffer);

let slab = freshMemory(SLAB_BYTES);
let slabViews = new Views(slab);
let slabUsed = 0;

let block = freshMemory(BLOCK_BYTES);
const spareBlocks: Uint8Array[] = [];

/** Where what `toWrite` has returned last lies, and its length. */
let place: 'slab' | 'block' | 'its own' = 'its own';
let placed = 0;

/** Delivers the first `length` bytes of the read buffer. */
export function deliverRead(handler: SocketHandler, length: number): void {
  deliverChunk(handler, readViews.of(0, length));
}

/** Delivers bytes that lie anywhere. The clocks of this thread stand still meanwhile. */
export function deliverChunk(handler: SocketHandler, bytes: Uint8Array): void {
  beginEvent();
  try {
    handler.onData(bytes);
  } finally {
    endEvent();
  }
}

/**
 * `bytes`, and `following` behind them, in memory that may be left to the runtime: the caller of
 * `write` may reuse its own at once. It stands until the next call, or after `keepWritten` until
 * `giveBack`.
 */
export function toWrite(bytes: Uint8Array, following?: Uint8Array): Uint8Array {
  const copy = reserve(bytes.length + (following?.length ?? 0));
  copy.set(bytes);
  if (following !== undefined) copy.set(following, bytes.length);
  return copy;
}

function reserve(length: number): Uint8Array {
  placed = length;
  if (length <= SMALL_BYTES) {
    place = 'slab';
    if (slabUsed + length > SLAB_BYTES) {
      slab = freshMemory(SLAB_BYTES);
      slabViews = new Views(slab);
      slabUsed = 0;
    }
    return slabViews.of(slabUsed, length);
  }
  if (length <= BLOCK_BYTES) {
    place = 'block';
    return block.subarray(0, length);
  }
  place = 'its own';
  return new Uint8Array(length);
}

/** The kernel did not take all of what `toWrite` has returned. */
export function keepWritten(): void {
  if (place === 'slab') slabUsed += placed;
  else if (place === 'block') block = spareBlocks.pop() ?? freshMemory(BLOCK_BYTES);
}

/** The runtime is done with `bytes`, which were kept: written, or never to be. */
export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer.byteLength !== BLOCK_BYTES || spareBlocks.length === SPARE_BLOCKS) return;
  spareBlocks.push(new Uint8Array(buffer));
}
