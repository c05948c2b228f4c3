/** Bytes under way in one direction, in the segments in which they were sent. */

interface Segment {
  readonly bytes: Uint8Array;
  readonly atMs: number;
}

/** Used segments at the front before the row is made shorter. */
const MOST_USED = 64;

export class Segments {
  private row: Segment[] = [];
  private first = 0;
  private firstUsed = 0;

  push(bytes: Uint8Array, atMs: number): void {
    this.row.push({ bytes, atMs });
  }

  clear(): void {
    this.row = [];
    this.first = 0;
    this.firstUsed = 0;
  }

  /** When the first of them arrives. There must be one. */
  get firstAtMs(): number {
    return this.row[this.first].atMs;
  }

  /** What is left of the first. There must be one. */
  get firstLength(): number {
    return this.row[this.first].bytes.length - this.firstUsed;
  }

  /** Bytes that have arrived by then, the first segment taken for granted. */
  readyLength(nowMs: number): number {
    let ready = this.firstLength;
    for (let i = this.first + 1; i < this.row.length; i++) {
      if (this.row[i].atMs > nowMs) break;
      ready += this.row[i].bytes.length;
    }
    return ready;
  }

  /** Takes `size` bytes off the front; so many there must be. */
  take(size: number): Uint8Array {
    const segment = this.row[this.first].bytes;
    if (this.firstUsed + size <= segment.length) {
      const piece = segment.subarray(this.firstUsed, this.firstUsed + size);
      this.used(size);
      return piece;
    }
    const joined = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const from = this.row[this.first].bytes;
      const part = from.subarray(this.firstUsed, this.firstUsed + size - at);
      joined.set(part, at);
      at += part.length;
      this.used(part.length);
    }
    return joined;
  }

  private used(size: number): void {
    this.firstUsed += size;
    if (this.firstUsed < this.row[this.first].bytes.length) return;
    this.firstUsed = 0;
    this.first += 1;
    if (this.first === this.row.length || this.first === MOST_USED) {
      this.row.splice(0, this.first);
      this.first = 0;
    }
  }
}
