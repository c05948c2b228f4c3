/**
 * Views of one piece of memory, kept for the next time: most messages are as long as one before
 * them, and a view costs more to make than a few hundred bytes to copy.
 */

/** Views kept, of different lengths. */
const KEPT = 256;

export class Views {
  private readonly memory: Uint8Array;
  private readonly kept: Uint8Array[];

  constructor(memory: Uint8Array) {
    this.memory = memory;
    this.kept = new Array<Uint8Array>(KEPT).fill(memory);
  }

  /** memory[start, start + length), which lies inside it. Whoever asks may get one array twice. */
  of(start: number, length: number): Uint8Array {
    const known = this.kept[length % KEPT]!;
    const isIt = known.length === length && known.byteOffset === this.memory.byteOffset + start;
    return isIt ? known : this.make(start, length);
  }

  private make(start: number, length: number): Uint8Array {
    const fresh = this.memory.subarray(start, start + length);
    this.kept[length % KEPT] = fresh;
    return fresh;
  }
}
