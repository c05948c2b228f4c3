/**
 * Bytes on their way out that are held back for a moment, so that a head and what follows it in the
 * same turn leave in one write. One per worker and direction; whoever claims it next lets the one
 * before send first.
 */
import { copy } from '../base/bytes.ts';
import { assert } from '../base/failure.ts';
import { Views } from '../base/views.ts';

/** Larger parts of a body are not worth the copy. */
export const COALESCE_BYTES = 16 * 1024;

export class WriteBuffer {
  readonly bytes: Uint8Array;
  length = 0;
  private owner: { flush(): void } | null = null;
  private readonly views: Views;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.views = new Views(this.bytes);
  }

  claim(owner: { flush(): void }): void {
    if (this.owner !== null) this.owner.flush();
    this.owner = owner;
    this.length = 0;
  }

  isHeldBy(owner: object): boolean {
    return this.owner === owner;
  }

  /** False: too much to be worth it; nothing was taken. */
  append(source: Uint8Array, start: number, end: number): boolean {
    const room = end - start;
    if (room > COALESCE_BYTES || this.length + room > this.bytes.length) return false;
    this.length = copy(source, start, end, this.bytes, this.length);
    return true;
  }

  /** What is held for this owner is never sent: it has closed. */
  drop(owner: object): void {
    if (this.owner === owner) this.owner = null;
  }

  /** What was held; the buffer is free again. The bytes stand until the next claim. */
  take(): Uint8Array {
    // Beyond the end of an array bytes vanish without a word.
    assert(this.length <= this.bytes.length, 'what was written had room');
    this.owner = null;
    return this.views.of(0, this.length);
  }
}
