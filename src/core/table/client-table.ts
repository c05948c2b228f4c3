/**
 * How many connections each client has, in memory that all workers share. Each worker counts in a
 * part of its own, where nobody else writes; a client's connections are the sum over all parts. So
 * a worker that dies takes nothing with it: its part is cleared.
 *
 * A newcomer is counted first, and the sum is looked at then: of two workers at the last place at
 * least one sees the other, and both may turn theirs away.
 */
import { assert } from '../base/failure.ts';
import type { Rng } from '../base/rng.ts';

/** The client has as many connections as it may have. */
export const TOO_MANY = -1;
/** No place for another client: all in its bucket are in use. */
export const NOT_COUNTED = -2;

/** Places where a client may lie, in each worker's part. */
const WAYS = 16;
/** Before the parts: two words of a secret for the hash of clients. */
const HEAD_WORDS = 2;
/** Of an entry: the client's tag, and how many connections it has. */
const ENTRY_WORDS = 2;

export class ClientTable {
  /** Secret words, for the hash of clients. */
  readonly secret0: number;
  readonly secret1: number;
  private readonly words: Int32Array;
  private readonly workers: number;
  private readonly me: number;
  /** In each part. */
  private readonly entries: number;
  private readonly ways: number;

  /** Over memory that `createClientMemory` made for so many workers. `me`: which of them it is. */
  constructor(memory: ArrayBufferLike, workers: number, me: number) {
    this.words = new Int32Array(memory);
    this.secret0 = this.words[0]!;
    this.secret1 = this.words[1]!;
    this.workers = workers;
    this.me = me;
    this.entries = (this.words.length - HEAD_WORDS) / ENTRY_WORDS / workers;
    this.ways = Math.min(WAYS, this.entries);
  }

  /**
   * One more connection of a client that may have `limit` over all workers. Where it is counted,
   * for `leave`; or TOO_MANY, or NOT_COUNTED. `place`: whole, 0 or more; `tag`: 1 to 2^31 - 1.
   */
  enter(place: number, tag: number, limit: number): number {
    const bucket = (place & (this.entries / this.ways - 1)) * this.ways;
    const own = this.ownEntry(bucket, tag);
    if (own === NOT_COUNTED) return NOT_COUNTED;
    Atomics.add(this.words, own + 1, 1);
    if (this.sum(bucket, tag) <= limit) return own;
    Atomics.sub(this.words, own + 1, 1);
    return TOO_MANY;
  }

  /** A connection that was counted there is closed. */
  leave(entry: number): void {
    const before = Atomics.sub(this.words, entry + 1, 1);
    assert(before > 0, 'a connection is counted until it closes');
  }

  /** A worker is dead: it has no connections any more. Control thread only; idempotent. */
  clear(worker: number): void {
    const from = this.entryAt(worker, 0);
    const end = this.entryAt(worker + 1, 0);
    for (let word = from; word < end; word++) Atomics.store(this.words, word, 0);
  }

  private entryAt(worker: number, entry: number): number {
    return HEAD_WORDS + (worker * this.entries + entry) * ENTRY_WORDS;
  }

  /** That of the client in this worker's part, or one that nobody uses, which it gets. */
  private ownEntry(bucket: number, tag: number): number {
    const { words, ways, me } = this;
    let free = NOT_COUNTED;
    for (let way = 0; way < ways; way++) {
      const at = this.entryAt(me, bucket + way);
      if (Atomics.load(words, at) === tag) return at;
      if (free === NOT_COUNTED && Atomics.load(words, at + 1) === 0) free = at;
    }
    if (free !== NOT_COUNTED) Atomics.store(words, free, tag);
    return free;
  }

  private sum(bucket: number, tag: number): number {
    const { words, workers, ways } = this;
    let total = 0;
    for (let worker = 0; worker < workers; worker++) {
      for (let way = 0; way < ways; way++) {
        const at = this.entryAt(worker, bucket + way);
        if (Atomics.load(words, at) !== tag) continue;
        const count = Atomics.load(words, at + 1);
        // Its worker may have given it to another client in between.
        if (Atomics.load(words, at) === tag) total += count;
      }
    }
    return total;
  }
}

/**
 * Memory in which each worker has room for so many clients at once, with a secret of its own.
 * Control thread only.
 */
export function createClientMemory(
  clients: number,
  workers: number,
  rng: Rng,
  allocate: (bytes: number) => ArrayBufferLike,
): ArrayBufferLike {
  let entries = 2;
  while (entries < 2 * clients) entries *= 2;
  const memory = allocate((HEAD_WORDS + entries * ENTRY_WORDS * workers) * 4);
  const words = new Int32Array(memory);
  words[0] = rng.next() | 0;
  words[1] = rng.next() | 0;
  return memory;
}
