/**
 * HalfSipHash-2-4 of 64 bits (Aumasson and Bernstein, 2012): whoever does not know its key cannot
 * find inputs whose hashes meet. Bytes are added one at a time.
 */

/** One hash at a time; between `begin` and `end` nobody else may use it. Allocates nothing. */
export class HalfSipHash {
  /** The second half of what `end` returned. 0 .. 2^32 - 1. */
  other = 0;
  private readonly key0: number;
  private readonly key1: number;
  private v0 = 0;
  private v1 = 0;
  private v2 = 0;
  private v3 = 0;
  private length = 0;
  private word = 0;

  /** Two halves of a key of 64 bits, which chance has made. */
  constructor(key0: number, key1: number) {
    this.key0 = key0 | 0;
    this.key1 = key1 | 0;
  }

  begin(): void {
    this.v0 = this.key0;
    this.v1 = this.key1 ^ 0xee;
    this.v2 = this.key0 ^ 0x6c796765;
    this.v3 = this.key1 ^ 0x74656462;
    this.length = this.word = 0;
  }

  add(byte: number): void {
    const shift = 8 * (this.length & 3);
    this.word |= byte << shift;
    this.length++;
    if (shift === 24) this.take();
  }

  /** The first half; the second is in `other`. 0 .. 2^32 - 1. */
  end(): number {
    this.word |= this.length << 24;
    this.take();
    this.v2 ^= 0xee;
    this.rounds(4);
    const first = (this.v1 ^ this.v3) >>> 0;
    this.v1 ^= 0xdd;
    this.rounds(4);
    this.other = (this.v1 ^ this.v3) >>> 0;
    return first;
  }

  private take(): void {
    this.v3 ^= this.word;
    this.rounds(2);
    this.v0 ^= this.word;
    this.word = 0;
  }

  private rounds(count: number): void {
    let { v0, v1, v2, v3 } = this;
    for (let round = 0; round < count; round++) {
      v0 = (v0 + v1) | 0;
      v1 = rotate(v1, 5) ^ v0;
      v0 = rotate(v0, 16);
      v2 = (v2 + v3) | 0;
      v3 = rotate(v3, 8) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = rotate(v3, 7) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = rotate(v1, 13) ^ v2;
      v2 = rotate(v2, 16);
    }
    this.v0 = v0;
    this.v1 = v1;
    this.v2 = v2;
    this.v3 = v3;
  }
}

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));
