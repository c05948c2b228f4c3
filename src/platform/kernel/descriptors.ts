/**
 * Which descriptors a thread has opened itself, in memory that it shares with the one that started
 * it: nobody else would close them when it is ended from outside, and the kernel would go on giving
 * connections to its listeners.
 */

/** Those above are not written down; a process has as many only where somebody allowed it more. */
const MOST = 1 << 20;

export class Descriptors {
  static readonly bytes = MOST / 8;
  private readonly bits: Int32Array;

  constructor(memory: ArrayBufferLike = new ArrayBuffer(Descriptors.bytes)) {
    this.bits = new Int32Array(memory);
  }

  /** Right after a call that has opened it. */
  opened(fd: number): void {
    if (fd < MOST) this.bits[fd >> 5] |= 1 << (fd & 31);
  }

  /** Right before it is closed: from then on it may be another thread's. */
  closes(fd: number): void {
    if (fd < MOST) this.bits[fd >> 5] &= ~(1 << (fd & 31));
  }

  /** Those still open, which are forgotten. The thread is gone. */
  take(): number[] {
    const open: number[] = [];
    for (const [index, word] of this.bits.entries()) {
      if (word === 0) continue;
      for (let bit = 0; bit < 32; bit++) if (word & (1 << bit)) open.push(index * 32 + bit);
      this.bits[index] = 0;
    }
    return open;
  }
}
