/**
 * How much of a rate each key has used, in memory that all workers share: GCRA, which is a token
 * bucket that needs one number, the "theoretical arrival time" (ITU-T I.371, annex A). A request
 * moves its key's time by 1/rate; it is refused if that would be more than burst/rate from now.
 *
 * An entry is a key's tag and its time in one word of 64 bits, changed by compare-and-swap, so that
 * no worker can charge one key for another's request. A time that has passed says no more than no
 * entry at all: the entry is then free, and nothing ever has to be swept.
 *
 * A key may lie in any place of its bucket, so two workers might enter it twice. Therefore it is
 * entered without being used, and who finds it so, or with a time that has passed, looks through
 * the whole bucket before it is used: of two it takes one out. Times of an entry only rise, so what
 * was read never comes back. `docs/decisions/rate-limits.md` says why that is enough.
 */

import type { Rng } from '../base/rng.ts';
import type { RateConfig } from '../config.ts';

/** No place for another key: all in its bucket are in use. */
export const NO_ROOM = -1;

/** Places where a key may lie: with them half full, fewer than 1 in 200 keys finds none. */
const WAYS = 16;
/** Before the entries: two words of a secret for the hash of keys. */
const HEAD_WORDS = 2;
const WORD_BYTES = 4;
const ENTRY_BYTES = 8;

/** Times are counted modulo this, in 39 bits: 17 years of milliseconds. A tag has 24 bits. */
const TIMES = 0x8000000000;
const HALF = TIMES / 2;
const LOW = 0x100000000;
/** The bit between tag and time: the key has only been entered. A late clock cannot tell. */
const UNUSED = 0x80;
/** The most ticks a burst may last. */
const LONGEST = TIMES / 4;
/**
 * A clock that was set back by less than this leaves who was at the limit there for so much
 * longer; by more, and what was counted is forgotten. No worker is silent for so long and lives.
 */
const SET_BACK_MS = 10_000;

const EMPTY = 0n;

/** One entry as a whole, and in halves. */
const whole = new BigInt64Array(1);
const halves = new Int32Array(whole.buffer);

export class RateTable {
  /** Secret words, for the hash of keys. */
  readonly secret0: number;
  readonly secret1: number;
  private readonly entries: BigInt64Array;
  private readonly words: Int32Array;
  private readonly ways: number;
  private readonly lastBucket: number;
  /** What a request costs, in ticks: a tick is at most a millisecond, unless the burst is long. */
  private readonly cost: number;
  private readonly burst: number;
  private readonly ticksPerMs: number;
  /** A time further ahead than this is one from before the clock was set back. */
  private readonly furthest: number;

  /** Over memory that `createRateMemory` made. */
  constructor(memory: ArrayBufferLike, { requests, periodMs, burst }: RateConfig) {
    this.words = new Int32Array(memory);
    this.entries = new BigInt64Array(memory, HEAD_WORDS * WORD_BYTES);
    this.secret0 = this.words[0]!;
    this.secret1 = this.words[1]!;
    this.ways = Math.min(WAYS, this.entries.length);
    this.lastBucket = this.entries.length / this.ways - 1;
    const most = Math.floor(LONGEST / burst);
    this.cost = Math.max(1, Math.min(Math.ceil(periodMs / requests), most));
    this.burst = burst * this.cost;
    this.ticksPerMs = (this.cost * requests) / periodMs;
    this.furthest = this.burst + Math.ceil(SET_BACK_MS * this.ticksPerMs);
  }

  /**
   * A request of a key comes at this time. 0: it may go on, and is counted; else it is not counted,
   * and the milliseconds until it could be, or NO_ROOM. `place`: whole, 0 or more; `tag`: 1 to
   * 2^24 - 1; both from the key's hash.
   */
  take(place: number, tag: number, wallMs: number): number {
    const now = this.ticksOf(wallMs);
    const bucket = this.bucketOf(place);
    for (;;) {
      const at = this.find(bucket, tag);
      if (at === -1) {
        if (!this.enter(bucket, tag, now)) return NO_ROOM;
        continue;
      }
      const entry = this.read(at);
      if (tagRead() !== tag) continue;
      const time = timeRead();
      const used = isUnused() ? 0 : this.used(time, now);
      const after = used + this.cost;
      if (after > this.burst) return (after - this.burst) / this.ticksPerMs;
      if (used === 0 && !this.isAlone(bucket, at, tag)) this.replace(at, entry, 0, time + 1);
      else if (this.replace(at, entry, tag, now + after)) return 0;
    }
  }

  /** What `take` would say, but nothing is counted; 0 if there is no room. */
  wait(place: number, tag: number, wallMs: number): number {
    const now = this.ticksOf(wallMs);
    const bucket = this.bucketOf(place);
    for (let at = bucket; at < bucket + this.ways; at++) {
      this.read(at);
      if (tagRead() !== tag) continue;
      const over = this.used(timeRead(), now) + this.cost - this.burst;
      if (over > 0 && !isUnused()) return over / this.ticksPerMs;
    }
    return 0;
  }

  private bucketOf(place: number): number {
    return (place & this.lastBucket) * this.ways;
  }

  private ticksOf(wallMs: number): number {
    return Math.floor(wallMs * this.ticksPerMs) % TIMES;
  }

  /** How many ticks of the burst are used by a key with this time. */
  private used(time: number, now: number): number {
    const ahead = difference(time, now);
    return ahead <= 0 || ahead > this.furthest ? 0 : Math.min(ahead, this.burst);
  }

  /** The first place of the bucket with this tag; -1: none. */
  private find(bucket: number, tag: number): number {
    for (let at = bucket; at < bucket + this.ways; at++) if (this.tagAt(at) === tag) return at;
    return -1;
  }

  private isAlone(bucket: number, own: number, tag: number): boolean {
    for (let at = bucket; at < bucket + this.ways; at++) {
      if (at !== own && this.tagAt(at) === tag) return false;
    }
    return true;
  }

  /** Enters the tag with a time that has passed. False: there is no room. */
  private enter(bucket: number, tag: number, now: number): boolean {
    for (let at = bucket; at < bucket + this.ways; at++) {
      const entry = this.read(at);
      const ahead = difference(timeRead(), now);
      // One of this very tick is not free, for the time in it must rise.
      if (entry !== EMPTY && ahead >= 0 && ahead <= this.furthest) continue;
      this.replace(at, entry, tag, now, UNUSED);
      // If another one came first, that may have been the same key.
      return true;
    }
    return false;
  }

  private tagAt(at: number): number {
    return Atomics.load(this.words, HEAD_WORDS + 2 * at) >>> 8;
  }

  /** Reads an entry for `tagRead` and `timeRead`. */
  private read(at: number): bigint {
    const entry = Atomics.load(this.entries, at);
    whole[0] = entry;
    return entry;
  }

  private replace(at: number, entry: bigint, tag: number, time: number, unused = 0): boolean {
    const rest = time % TIMES;
    halves[0] = (tag << 8) | unused | Math.floor(rest / LOW);
    halves[1] = rest | 0;
    return Atomics.compareExchange(this.entries, at, entry, whole[0]!) === entry;
  }
}

const tagRead = (): number => halves[0]! >>> 8;

const isUnused = (): boolean => (halves[0]! & UNUSED) !== 0;

const timeRead = (): number => (halves[0]! & (UNUSED - 1)) * LOW + (halves[1]! >>> 0);

/** How far `time` is ahead of `now`; both are counted modulo TIMES. */
function difference(time: number, now: number): number {
  const ahead = time - now;
  if (ahead >= HALF) return ahead - TIMES;
  return ahead < -HALF ? ahead + TIMES : ahead;
}

/** Memory for a table of so many keys at once, with a secret of its own. Control thread only. */
export function createRateMemory(
  keys: number,
  rng: Rng,
  allocate: (bytes: number) => ArrayBufferLike,
): ArrayBufferLike {
  let entries = 2;
  while (entries < 2 * keys) entries *= 2;
  const memory = allocate(HEAD_WORDS * WORD_BYTES + entries * ENTRY_BYTES);
  const words = new Int32Array(memory);
  words[0] = rng.next() | 0;
  words[1] = rng.next() | 0;
  return memory;
}
