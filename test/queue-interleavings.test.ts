/**
 * The queue under every order of accesses: workers whose exchanges enter a backend that has a
 * limit, wait for room there, are told of it and leave, with death at every step. A worker does
 * what `exchange.ts` and `engine.ts` do; the control thread does what `fleet.ts` does.
 */
import { describe, expect, it } from 'vitest';
import { createRng } from '../src/core/base/rng.ts';
import type { TimerWheel } from '../src/core/base/timer-wheel.ts';
import { Place, Queue } from '../src/core/engine/queue.ts';
import { Waiting } from '../src/core/resilience/waiting.ts';
import { State, statesOf, Table } from '../src/core/table/table.ts';
import {
  exploreInterleavings,
  type Moment,
  type Party,
  type Post,
  type World,
  walkInterleavings,
} from './fixtures/interleavings.ts';

const SLOT = 0;
const UP = statesOf(State.up);
/** When everybody looks again: no line of who is dead counts any more. */
const LATE_MS = 1000;

// Letters to the control thread, with the number of a worker: it is dead; somebody waits there who
// may go now; time passes for it.
const DEAD = 0;
const RING = 10;
const LOOK = 20;
// Letters to a worker.
const RUNG = 1;
const TIME = 2;

/**
 * `come`: an exchange begins. `go`: the one that is at the backend ends; if none is, the client of
 * the first that waits goes away.
 */
type Operation = 'come' | 'go';
type Script = readonly Operation[];

const COMES: Script = ['come', 'come', 'come'];
const GOES: Script = ['come', 'go', 'come'];
const CROWDS: Script = ['come', 'come', 'go'];

type QueueOf = new (...args: ConstructorParameters<typeof Queue>) => Queue;
type WaitingOf = new (...args: ConstructorParameters<typeof Waiting>) => Waiting;
type TableOf = new (...args: ConstructorParameters<typeof Table>) => Table;

interface Cast {
  readonly scripts: readonly Script[];
  readonly limit?: number;
  /** So much later comes each operation. */
  readonly apartMs?: number;
  /** What is put off until the next turn comes when the script is over; else at once. */
  readonly isLazy?: boolean;
  /** How many may wait. */
  readonly size?: number;
  readonly queue?: QueueOf;
  readonly waiting?: WaitingOf;
  readonly table?: TableOf;
}

/** In the place of a step: the script is over. */
const OVER = -1;

/** What there is of a worker that matters to what comes. */
interface Life {
  readonly step: number;
  readonly nowMs: number;
  /** How many are at the backend. */
  readonly there: number;
  /** Since when each waits, the first one first. */
  readonly waiting: readonly number[];
  readonly isSoon: boolean;
}

interface Note {
  readonly there: number;
  readonly waiting: number;
}

const UNBORN: Life = { step: 0, nowMs: 0, there: 0, waiting: [], isSoon: false };

/** A worker's loop, its queue, and what is at the backend. */
class Loop {
  nowMs = 0;
  private there = 0;
  private readonly queue: Queue;
  private readonly waits = new Set<Place>();
  private readonly table: Table;
  private readonly post: Post;
  private alarm: (() => void) | null = null;
  private turns: (() => void)[] = [];

  constructor(table: Table, waiting: Waiting, post: Post, { queue: Kind = Queue, size = 9 }: Cast) {
    this.table = table;
    this.post = post;
    const clock = {
      nowMs: () => this.nowMs,
      wallMs: () => this.nowMs,
      nextTurn: (turn: () => void) => void this.turns.push(turn),
      wakeAt: (_: number, wake: () => void) => {
        this.alarm = wake;
        return { cancel: () => this.sleep() };
      },
    };
    const wheel = clock as unknown as TimerWheel;
    const ring = (worker: number): void => post.send(RING + worker);
    this.queue = new Kind(
      { size, timeoutMs: 60_000, order: 'fifo' },
      { clock, wheel, waiting, ring },
    );
  }

  operate(operation: Operation): void {
    if (operation === 'come') this.come();
    else if (!this.leave()) this.giveUp();
  }

  private come(): void {
    if (!this.queue.hasTurns && this.enter()) return;
    let isComing = true;
    const place = new Place({
      isChoosy: false,
      awaited: null,
      tryAgain: () => {
        const waits = this.waits.has(place);
        if (!waits && !isComing) throw new Error('somebody is served twice');
        if (!this.enter()) return false;
        if (waits) this.forget(place);
        isComing = false;
        return true;
      },
      giveUp: () => {
        throw new Error('somebody waited in vain');
      },
    });
    // Where no place is left it may have gone on.
    if (this.queue.join(place) !== null || !isComing) return;
    isComing = false;
    this.waits.add(place);
    this.tell();
  }

  /** For checks at any moment. */
  private tell(): void {
    this.post.note({ there: this.there, waiting: this.waits.size } satisfies Note);
  }

  private enter(): boolean {
    if (!this.table.enter(SLOT, 0, UP)) return false;
    this.there++;
    this.tell();
    return true;
  }

  private giveUp(): void {
    const [first] = this.waits;
    if (first !== undefined) this.forget(first);
  }

  private forget(place: Place): void {
    this.waits.delete(place);
    this.tell();
    this.queue.leave(place);
  }

  /** One that is at the backend ends. False: none is. */
  leave(): boolean {
    if (this.there === 0) return false;
    this.there--;
    this.tell();
    this.table.leave(SLOT);
    this.queue.room();
    return true;
  }

  endTurn(): void {
    for (const turn of this.turns.splice(0)) turn();
  }

  hear(letter: number): void {
    if (letter === RUNG) {
      this.queue.rung();
      return;
    }
    this.nowMs = LATE_MS;
    const { alarm } = this;
    this.alarm = null;
    alarm?.();
  }

  private sleep(): void {
    this.alarm = null;
  }

  at(step: number): Life {
    const { waits, alarm, nowMs, there } = this;
    if (this.queue.length !== waits.size) throw new Error('somebody is lost');
    if (waits.size > 0 && alarm === null) throw new Error('somebody sleeps, and nobody looks');
    const waiting = [...waits].map(({ sinceMs }) => sinceMs);
    return { step, nowMs, there, waiting, isSoon: this.turns.length > 0 };
  }
}

class Worker implements Party<null> {
  readonly begin = null;
  readonly death: number;
  private readonly me: number;
  private readonly table: Table;
  private readonly waiting: Waiting;
  private readonly cast: Cast;

  constructor(me: number, table: Table, waiting: Waiting, cast: Cast) {
    this.me = me;
    this.death = DEAD + me;
    this.table = table;
    this.waiting = waiting;
    this.cast = cast;
  }

  next(_: null, post: Post): null {
    const { me, cast } = this;
    const { scripts, apartMs = 0, isLazy = false } = cast;
    const loop = new Loop(this.table, this.waiting, post, cast);
    for (const [step, operation] of scripts[me].entries()) {
      loop.nowMs = step * apartMs;
      loop.operate(operation);
      if (!isLazy) loop.endTurn();
      post.milestone(loop.at(step + 1));
    }
    for (;;) {
      loop.endTurn();
      post.milestone(loop.at(OVER));
      // What has begun ends at last.
      if (!loop.leave()) loop.hear(post.receive(me));
    }
  }
}

class Control implements Party<null> {
  readonly begin = null;
  readonly death = null;
  private readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  next(_: null, post: Post): null {
    for (;;) {
      post.milestone(null);
      const letter = post.receive();
      if (letter >= LOOK) post.send(TIME, letter - LOOK);
      else if (letter >= RING) post.send(RUNG, letter - RING);
      else this.table.clearLedger(letter);
    }
  }
}

const lifeOf = ({ places }: Moment<null>, worker: number): Life =>
  (places[worker].milestone as Life | null) ?? UNBORN;

const noteOf = ({ places }: Moment<null>, worker: number): Note =>
  (places[worker].note as Note | null) ?? { there: 0, waiting: 0 };

const isAlive = ({ places }: Moment<null>, worker: number): boolean =>
  places[worker].status === 'alive';

/** Of one slot, before the ledgers, of which that of exchanges is the first. */
const COLUMN_WORDS = Table.bytesFor({ capacity: 1, workers: 0 }) / 4;

/** Of one worker. */
const LINE_WORDS = Waiting.bytesFor(1) / 4;

function worldOf(cast: Cast): World<null> {
  const {
    scripts,
    limit = 1,
    size: most = 9,
    table: TableKind = Table,
    waiting: Line = Waiting,
  } = cast;
  const workers = scripts.length;
  const size = { capacity: 1, workers };
  const buffer = new ArrayBuffer(Table.bytesFor(size));
  const lines = new ArrayBuffer(Waiting.bytesFor(workers));
  const own = new TableKind(size, buffer);
  own.claim(1, State.up);
  own.setLimit(SLOT, limit);
  const tableWords = buffer.byteLength / 4;
  const all = scripts.map((_, worker) => worker);
  const parties = all.map((worker): Party<null> => {
    const table = new TableKind(size, buffer, worker);
    return new Worker(worker, table, new Line(lines, worker), cast);
  });
  return {
    memories: [new Int32Array(buffer), new Int32Array(lines)],
    parties: [...parties, new Control(own)],
    deaths: 1,
    writerOf: (word) => {
      if (word >= tableWords) return Math.floor((word - tableWords) / LINE_WORDS);
      // What else there is stays as it is.
      const worker = word - COLUMN_WORDS;
      return worker >= 0 && worker < workers ? worker : -1;
    },
    check: (_, now) => {
      const notes = all.flatMap((worker) => (isAlive(now, worker) ? noteOf(now, worker) : []));
      const sum = (of: keyof Note): number => notes.reduce((total, note) => total + note[of], 0);
      if (sum('there') > limit) throw new Error('there are more than may be');
      // Each looks how many wait before it says that it does.
      if (sum('waiting') > most + workers - 1) throw new Error('more wait than may');
      const ledgers = now.words.subarray(COLUMN_WORDS, COLUMN_WORDS + workers);
      if (ledgers.some((count) => count < 0)) throw new Error('a count is below zero');
    },
    atEnd: (end) => {
      const ledgers = end.words.subarray(COLUMN_WORDS, COLUMN_WORDS + workers);
      if (ledgers.some((count) => count !== 0)) throw new Error('a place is not given back');
      const sleepers = all.filter((worker) => {
        return isAlive(end, worker) && lifeOf(end, worker).waiting.length > 0;
      });
      if (sleepers.length === 0) return null;
      // Twice each: who looks before his turn has come, is told when it has.
      if (end.late < 2 * workers) return LOOK + (end.late % workers);
      throw new Error('somebody waits for ever');
    },
  };
}

const explore = (cast: Cast): number => exploreInterleavings(worldOf(cast));

// What is pure comes out the same on every runtime: once is enough.
const isFirst = process.env.EVENKEEL_RUNTIME === undefined;

const SCRIPTS = [COMES, GOES, CROWDS];

describe.skipIf(!isFirst)('two workers with a queue each, in every order', () => {
  // What is the same with the workers exchanged is looked at once.
  const pairs = SCRIPTS.flatMap((one, i) => SCRIPTS.slice(i).map((other) => [one, other] as const));
  it.each(pairs)('serve everybody, and never too many at once: %j and %j', (...scripts) => {
    explore({ scripts });
  });

  it('also when some have waited longer than others', () => {
    explore({ scripts: [CROWDS, CROWDS], apartMs: 10 });
  });

  it('also when what is put off comes late', () => {
    explore({ scripts: [CROWDS, CROWDS], isLazy: true });
    explore({ scripts: [GOES, CROWDS], isLazy: true, apartMs: 10 });
  });

  it('also when there is room for two', () => {
    explore({ scripts: [COMES, CROWDS], limit: 2 });
  });

  it('also when fewer may wait than would', () => {
    explore({ scripts: [COMES, CROWDS], size: 1 });
  });
});

describe.skipIf(!isFirst)('three workers with a queue each', () => {
  it('serve everybody in orders drawn at random when each has many', () => {
    const rng = createRng(1);
    for (let seed = 0; seed < 20; seed++) {
      const draw = (): Operation => (rng.below(3) === 0 ? 'go' : 'come');
      const scripts = [0, 1, 2].map(() => Array.from({ length: 6 }, draw));
      const cast = { scripts, limit: 1 + rng.below(2), apartMs: 5 * rng.below(3) };
      walkInterleavings(worldOf({ ...cast, isLazy: rng.below(2) === 0 }), rng, 10, 400);
    }
  });
});

/** What is private, for its mistakes. */
interface Inner {
  watch(): void;
  expire(): void;
}

describe('a mistake that is caught', () => {
  const cast: Cast = { scripts: [CROWDS, CROWDS] };

  it('is to look for room first and to count then', () => {
    class Hasty extends Table {
      override enter(...[slot, generation, states]: Parameters<Table['enter']>): boolean {
        return this.inFlight(slot) === 0 && super.enter(slot, generation, states);
      }

      override setLimit(): void {}
    }
    expect(() => explore({ ...cast, table: Hasty })).toThrow('there are more than may be');
  });

  it('is to rely on being told', () => {
    class Trusting extends Queue {}
    Object.defineProperty(Trusting.prototype, 'look', {
      value(this: Inner & { alarm: null }) {
        this.alarm = null;
        this.watch();
      },
    });
    expect(() => explore({ ...cast, queue: Trusting })).toThrow('somebody waits for ever');
  });

  it('is to look only once', () => {
    class Tired extends Queue {}
    Object.defineProperty(Tired.prototype, 'watch', { value: () => {} });
    expect(() => explore({ ...cast, queue: Tired })).toThrow('somebody sleeps, and nobody looks');
  });

  it('is to wait for the dead', () => {
    class Faithful extends Waiting {}
    Object.defineProperty(Faithful.prototype, 'countOf', {
      value(this: { words: Int32Array }, worker: number) {
        return Atomics.load(this.words, worker * LINE_WORDS + 2);
      },
    });
    const run = (): unknown => explore({ ...cast, apartMs: 10, waiting: Faithful });
    expect(run).toThrow('somebody waits for ever');
  });

  it('is to forget what the dead had', () => {
    class Forgetful extends Table {
      override clearLedger(): void {}
    }
    expect(() => explore({ ...cast, table: Forgetful })).toThrow('a place is not given back');
  });
});
