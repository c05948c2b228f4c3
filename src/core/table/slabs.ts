/**
 * What each worker tells about itself, in shared memory: a slab of words per worker, written by it
 * alone. The control thread reads without asking, however busy the worker is.
 */

/** What is open on the clients' side. */
export interface OpenCounts {
  /** Still accepting, or being emptied. */
  readonly listeners: number;
  readonly connections: number;
  readonly exchanges: number;
  readonly tunnels: number;
}

const BEATS = 0;
const CONNECTIONS = 1;
const EXCHANGES = 2;
const TUNNELS = 3;
const LISTENERS = 4;
/** Bytes of log text handed over and not taken yet. */
const LOG_BYTES = 5;
/** A cache line, so that workers do not write into each other's. */
const WORDS = 16;

export class Slabs {
  readonly workers: number;
  readonly buffer: ArrayBufferLike;
  private readonly words: Int32Array;

  /** `buffer`: memory that threads share, of `Slabs.bytesFor(workers)`; else plain memory. */
  constructor(workers: number, buffer: ArrayBufferLike = new ArrayBuffer(Slabs.bytesFor(workers))) {
    this.workers = workers;
    this.buffer = buffer;
    this.words = new Int32Array(buffer, 0, workers * WORDS);
  }

  static bytesFor(workers: number): number {
    return workers * WORDS * 4;
  }

  /**
   * This worker lives, and has so much open. `listeners` is written last: who reads it as 0 reads
   * counts that no newcomer can raise any more.
   */
  beat(worker: number, open: OpenCounts): void {
    const at = worker * WORDS;
    Atomics.store(this.words, at + CONNECTIONS, open.connections);
    Atomics.store(this.words, at + EXCHANGES, open.exchanges);
    Atomics.store(this.words, at + TUNNELS, open.tunnels);
    Atomics.store(this.words, at + LISTENERS, open.listeners);
    Atomics.add(this.words, at + BEATS, 1);
  }

  /** Changes while the worker lives. */
  beats(worker: number): number {
    return Atomics.load(this.words, worker * WORDS + BEATS);
  }

  /** As of its last beat. */
  open(worker: number): OpenCounts {
    const at = worker * WORDS;
    // Read first what is written last.
    const listeners = Atomics.load(this.words, at + LISTENERS);
    return {
      listeners,
      connections: Atomics.load(this.words, at + CONNECTIONS),
      exchanges: Atomics.load(this.words, at + EXCHANGES),
      tunnels: Atomics.load(this.words, at + TUNNELS),
    };
  }

  /** The worker hands over so much log text. False: more would wait than may; it keeps it. */
  handOverLog(worker: number, bytes: number, most: number): boolean {
    const at = worker * WORDS + LOG_BYTES;
    if (Atomics.load(this.words, at) + bytes > most) return false;
    Atomics.add(this.words, at, bytes);
    return true;
  }

  /** Bytes of its log text that wait. */
  logWaiting(worker: number): number {
    return Atomics.load(this.words, worker * WORDS + LOG_BYTES);
  }

  /** The control thread has taken so much of it. */
  takeLog(worker: number, bytes: number): void {
    Atomics.sub(this.words, worker * WORDS + LOG_BYTES, bytes);
  }

  /** The worker is dead: nothing of it is open any more. Control thread only. */
  clear(worker: number): void {
    for (let word = 0; word < WORDS; word++) Atomics.store(this.words, worker * WORDS + word, 0);
  }
}
