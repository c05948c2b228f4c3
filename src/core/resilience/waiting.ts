/**
 * Who waits for room at the backends of a pool, in which worker, since when: words that all workers
 * share, so that whoever has waited longest goes first, wherever it waits. A worker writes its own
 * line only, and a line that was not renewed for a while counts for nothing: nobody waits for a
 * worker that is dead or stuck.
 */
const SINCE = 0;
const SEEN = 1;
const COUNT = 2;
const WORDS = 3;

/** A line older than this is of a worker that does not look after it. */
const STALE_MS = 250;

/**
 * Over the memory of one pool. Times are of a clock that all workers share, in milliseconds; should
 * it jump, order suffers until everybody has shown itself again, and nothing else.
 */
export class Waiting {
  private readonly words: Int32Array;
  private readonly me: number;

  /** `memory`: of `bytesFor`, all zero at first; `me`: which worker looks at it. */
  constructor(memory: ArrayBufferLike, me: number) {
    this.words = new Int32Array(memory);
    this.me = me;
  }

  static bytesFor(workers: number): number {
    return workers * WORDS * 4;
  }

  /** `count` wait here, the first of them since `sinceMs`. */
  show(count: number, sinceMs: number, nowMs: number): void {
    const at = this.me * WORDS;
    Atomics.store(this.words, at + SINCE, sinceMs | 0);
    Atomics.store(this.words, at + SEEN, nowMs | 0);
    Atomics.store(this.words, at + COUNT, count);
  }

  /** The worker where somebody has waited longest, and since before `sinceMs`; -1: nowhere. */
  longer(sinceMs: number, nowMs: number): number {
    const { words, me } = this;
    let longest = -1;
    let longestMs = sinceMs | 0;
    for (let worker = 0; worker * WORDS < words.length; worker++) {
      if (worker === me || this.countOf(worker, nowMs) === 0) continue;
      const since = Atomics.load(words, worker * WORDS + SINCE);
      if (((since - longestMs) | 0) >= 0) continue;
      longest = worker;
      longestMs = since;
    }
    return longest;
  }

  /** How many wait, in all workers. */
  total(nowMs: number): number {
    let total = 0;
    for (let worker = 0; worker * WORDS < this.words.length; worker++) {
      total += this.countOf(worker, nowMs);
    }
    return total;
  }

  private countOf(worker: number, nowMs: number): number {
    const count = Atomics.load(this.words, worker * WORDS + COUNT);
    if (count === 0) return 0;
    const age = ((nowMs | 0) - Atomics.load(this.words, worker * WORDS + SEEN)) | 0;
    return Math.abs(age) > STALE_MS ? 0 : count;
  }
}
