/**
 * Which session belongs to which backend, in memory that all workers share. A backend is a slot
 * with its generation, so that nobody is sent to whoever has the slot now. What has not been used
 * for long is forgotten; what is new takes the place of what was not used for longest.
 *
 * Nobody waits for anybody: an entry is several words, and two workers may write one at once, or
 * one may die while it writes. So an entry carries a hash of its other words (Hyatt and Mann, "A
 * Lock-less Transposition Table Implementation for Parallel Search", 2002): what was not written by
 * one writer, whole, does not fit together, and is taken for nothing. Then that session has been
 * forgotten, and is remembered again by its next answer.
 */
import { mixWith } from '../base/hash.ts';
import type { Rng } from '../base/rng.ts';

/** Places where a session may lie. */
const WAYS = 16;
/** Before the entries: two words of a secret for the hash of sessions. */
const HEAD_WORDS = 2;
/** Words of an entry: its session's tag (0: free), and the others at these offsets. */
const ENTRY_WORDS = 5;
const SLOT = 1;
const GENERATION = 2;
const CHECK = 3;
/** When it was used last; seconds since 1970, of which 32 bits. */
const USED = 4;

export class SessionTable {
  /** Secret words, for the hash of sessions. */
  readonly secret0: number;
  readonly secret1: number;
  /** Whom `find` has found. */
  slot = -1;
  generation = -1;
  private readonly words: Int32Array;
  private readonly ways: number;
  private readonly lastBucket: number;
  private readonly idleS: number;

  /** Over memory of `createSessionMemory`. `idleMs`: after so long without use it is over. */
  constructor(memory: ArrayBufferLike, idleMs: number) {
    this.words = new Int32Array(memory);
    this.secret0 = this.words[0]!;
    this.secret1 = this.words[1]!;
    const entries = (this.words.length - HEAD_WORDS) / ENTRY_WORDS;
    this.ways = Math.min(WAYS, entries);
    this.lastBucket = entries / this.ways - 1;
    this.idleS = Math.ceil(idleMs / 1000);
  }

  /**
   * Looks a session up, which is a use of it. True: `slot` and `generation` say where it belongs.
   * `place`: whole, 0 or more; `tag`: any 32 bits but 0; both from its hash.
   */
  find(place: number, tag: number, wallMs: number): boolean {
    const { words, ways } = this;
    const nowS = secondsOf(wallMs);
    const from = this.bucketAt(place);
    const end = from + ways * ENTRY_WORDS;
    for (let at = from; at < end; at += ENTRY_WORDS) {
      if (Atomics.load(words, at) !== tag) continue;
      const slot = Atomics.load(words, at + SLOT);
      const generation = Atomics.load(words, at + GENERATION);
      if (Atomics.load(words, at + CHECK) !== checkOf(tag, slot, generation)) continue;
      const idleS = this.idleFor(at, nowS);
      if (idleS > this.idleS) continue;
      if (idleS !== 0) Atomics.store(words, at + USED, nowS);
      this.slot = slot;
      this.generation = generation;
      return true;
    }
    return false;
  }

  /**
   * From now on the session belongs there. Of two workers that say so of one session at once, all
   * believe the same one, or neither, until it is said again.
   */
  put(place: number, tag: number, slot: number, generation: number, wallMs: number): void {
    const { words, ways } = this;
    const nowS = secondsOf(wallMs);
    const from = this.bucketAt(place);
    const end = from + ways * ENTRY_WORDS;
    let isThere = false;
    for (let at = from; at < end; at += ENTRY_WORDS) {
      if (Atomics.load(words, at) !== tag) continue;
      // Two may have entered it at once, each in another place.
      this.write(at, tag, slot, generation, nowS);
      isThere = true;
    }
    if (!isThere) this.write(this.leastUsed(from, end, nowS), tag, slot, generation, nowS);
  }

  private write(at: number, tag: number, slot: number, generation: number, nowS: number): void {
    const { words } = this;
    Atomics.store(words, at + USED, nowS);
    Atomics.store(words, at + SLOT, slot);
    Atomics.store(words, at + GENERATION, generation);
    Atomics.store(words, at + CHECK, checkOf(tag, slot, generation));
    Atomics.store(words, at, tag);
  }

  /** A free place, or that which was not used for longest. */
  private leastUsed(from: number, end: number, nowS: number): number {
    let least = from;
    let longestS = -1;
    for (let at = from; at < end; at += ENTRY_WORDS) {
      if (Atomics.load(this.words, at) === 0) return at;
      const idleS = this.idleFor(at, nowS);
      if (idleS <= longestS) continue;
      least = at;
      longestS = idleS;
    }
    return least;
  }

  /** Seconds; 0 also for what another clock, or ours before it was set back, has used later. */
  private idleFor(at: number, nowS: number): number {
    return Math.max(0, (nowS - Atomics.load(this.words, at + USED)) | 0);
  }

  private bucketAt(place: number): number {
    return HEAD_WORDS + (place & this.lastBucket) * this.ways * ENTRY_WORDS;
  }
}

const secondsOf = (wallMs: number): number => Math.floor(wallMs / 1000) | 0;

const checkOf = (tag: number, slot: number, generation: number): number =>
  mixWith(slot, tag, generation) | 0;

/** Memory in which so many sessions have room, with a secret of its own. Control thread only. */
export function createSessionMemory(
  sessions: number,
  rng: Rng,
  allocate: (bytes: number) => ArrayBufferLike,
): ArrayBufferLike {
  let entries = 2;
  while (entries < 2 * sessions) entries *= 2;
  const memory = allocate((HEAD_WORDS + entries * ENTRY_WORDS) * 4);
  const words = new Int32Array(memory);
  words[0] = rng.next() | 0;
  words[1] = rng.next() | 0;
  return memory;
}
