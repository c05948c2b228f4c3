/**
 * Bytes that wait: appended at one end, taken from the other, in one growing array. Memory goes
 * back when it runs empty, so an idle connection holds none.
 */
import { copy } from './bytes.ts';

const EMPTY = new Uint8Array(0);
const FIRST_BYTES = 1024;

export class ByteQueue {
  /** What waits is bytes[start, end); valid until the next call that changes the queue. */
  bytes: Uint8Array = EMPTY;
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  append(source: Uint8Array, from: number, to: number): void {
    const room = to - from;
    if (this.end + room > this.bytes.length) this.makeRoom(room);
    this.end = copy(source, from, to, this.bytes, this.end);
  }

  /** Takes `count` bytes off the front. */
  drop(count: number): void {
    this.start += count;
    if (this.start === this.end) this.clear();
  }

  clear(): void {
    this.bytes = EMPTY;
    this.start = 0;
    this.end = 0;
  }

  private makeRoom(room: number): void {
    const needed = this.length + room;
    // Moving to the front must win back half of the array, or a full queue moves at every step.
    const wanted = this.start === 0 ? needed : 2 * needed;
    let size = Math.max(this.bytes.length, FIRST_BYTES);
    while (size < wanted) size *= 2;
    const target = size === this.bytes.length ? this.bytes : new Uint8Array(size);
    if (target === this.bytes) target.copyWithin(0, this.start, this.end);
    else copy(this.bytes, this.start, this.end, target, 0);
    this.end = this.length;
    this.start = 0;
    this.bytes = target;
  }
}
