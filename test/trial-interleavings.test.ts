/**
 * The trial of an ejected backend under every order of accesses: one exchange is let through,
 * whoever asks at once, and another one if that comes to nothing or its worker dies. The workers do
 * what `pool.ts` and `outcome.ts` do, the control thread what `passive-watch.ts` does.
 */
import { describe, expect, it } from 'vitest';
import { State, statesOf, Table } from '../src/core/table/table.ts';
import {
  exploreInterleavings,
  type Moment,
  type Party,
  type Post,
  watchPlain,
} from './fixtures/interleavings.ts';

const SLOT = 0;
const STATES = statesOf(State.up, State.trial);

// Letters to the control thread: below these, the number of a worker that is dead.
const PASSED = 10;
const FAILED = 11;
const LOOK = 12;

/** How an exchange ends: `goes`: nobody waits for its answer any more. */
type End = 'answered' | 'failed' | 'goes';

interface WorkerState {
  readonly at: number;
  /** It is on its way: it was let in. */
  readonly isIn: boolean;
  /** Its outcome is told. */
  readonly isTold: boolean;
  /** How often it was let in. */
  readonly trials: number;
}

const FRESH: WorkerState = { at: 0, isIn: false, isTold: false, trials: 0 };

/** What is tried: by workers, and by the control thread. */
interface Tried {
  enter(): boolean;
  /** True: this has decided the trial. */
  tell(end: End): boolean;
  leave(): void;
}

class Worker implements Party<WorkerState> {
  readonly begin = FRESH;
  readonly death: number;
  private readonly tried: Tried;
  private readonly ends: readonly End[];

  constructor(tried: Tried, ends: readonly End[], death: number) {
    this.tried = tried;
    this.ends = ends;
    this.death = death;
  }

  next(state: WorkerState, post: Post): WorkerState | null {
    const { at, isIn, isTold, trials } = state;
    if (at === this.ends.length) return null;
    const end = this.ends[at];
    if (!isIn) {
      if (!this.tried.enter()) return { ...state, at: at + 1 };
      return { ...state, isIn: true, trials: trials + 1 };
    }
    if (!isTold && end !== 'goes') {
      if (this.tried.tell(end)) post.send(end === 'failed' ? FAILED : PASSED);
      return { ...state, isTold: true };
    }
    this.tried.leave();
    return { at: at + 1, isIn: false, isTold: false, trials };
  }
}

interface ControlState {
  /** How often a trial was offered. */
  readonly offers: number;
  readonly verdict: 'none' | 'passed' | 'failed';
}

class Control implements Party<ControlState> {
  readonly begin: ControlState = { offers: 1, verdict: 'none' };
  readonly death = null;
  private readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  next(state: ControlState, post: Post): ControlState {
    const { table } = this;
    const letter = post.receive();
    if (letter < PASSED) table.clearLedger(letter);
    else if (letter === LOOK) {
      // Who took it is gone without an outcome.
      const isTaken = state.verdict === 'none' && table.state(SLOT) === State.ejected;
      if (!isTaken || table.inFlight(SLOT) > 0) return state;
      table.offerTrial(SLOT);
      return { ...state, offers: state.offers + 1 };
    } else if (state.verdict === 'none') {
      if (letter === PASSED) table.clearStreak(SLOT);
      table.setState(SLOT, letter === PASSED ? State.up : State.ejected);
      return { ...state, verdict: letter === PASSED ? 'passed' : 'failed' };
    }
    return state;
  }
}

type TableOf = new (...args: ConstructorParameters<typeof Table>) => Table;
type AnyState = WorkerState | ControlState;

const COLUMN_WORDS = Table.bytesFor({ capacity: 1, workers: 0 }) / 4;

const triedIn = (table: Table): Tried => ({
  enter: () => table.enter(SLOT, 0, STATES),
  tell: (end) => (end === 'answered' ? table.noteAnswer(SLOT, 1) : table.noteFailure(SLOT) === 0),
  leave: () => table.leave(SLOT),
});

/** Every order of turns at an ejected backend; returns the number of different moments. */
function explore(ends: readonly (readonly End[])[], TableKind: TableOf = Table): number {
  const size = { capacity: 1, workers: ends.length };
  const buffer = new ArrayBuffer(Table.bytesFor(size));
  const own = new TableKind(size, buffer);
  own.claim(1, State.ejected);
  own.offerTrial(SLOT);
  const workers = ends.map((each, worker) => {
    return new Worker(triedIn(watchPlain(new TableKind(size, buffer, worker))), each, worker);
  });
  const workerAt = ({ places }: Moment<AnyState>, worker: number): WorkerState =>
    places[worker].state as WorkerState;
  const controlAt = ({ places }: Moment<AnyState>): ControlState =>
    places[size.workers].state as ControlState;
  const all = ends.map((_, worker) => worker);
  return exploreInterleavings<AnyState>({
    memories: [new Int32Array(buffer)],
    parties: [...workers, new Control(own)] as readonly Party<AnyState>[],
    deaths: 1,
    writerOf: (word) => (word < COLUMN_WORDS ? null : (word - COLUMN_WORDS) % size.workers),
    check: (_, now) => {
      const isUp = (now.words[0] & 7) === State.up;
      const { offers, verdict } = controlAt(now);
      const trials = all.reduce((sum, worker) => sum + workerAt(now, worker).trials, 0);
      // An offer that is being made can be taken before the control thread goes on.
      const isOffering = now.places[size.workers].results.length > 1;
      if (!isUp && verdict !== 'passed' && trials > offers + Number(isOffering)) {
        throw new Error('one trial has let two in');
      }
    },
    atEnd: (end) => {
      const state = end.words[0] & 7;
      const { verdict } = controlAt(end);
      if (verdict === 'passed' && state !== State.up) throw new Error('a pass was for nothing');
      if (verdict === 'failed' && state !== State.ejected) {
        throw new Error('who failed the trial is not ejected');
      }
      if (verdict !== 'none' || state === State.trial) return null;
      if (end.late === 0) return LOOK;
      throw new Error('the trial is lost');
    },
  });
}

// What is pure comes out the same on every runtime: once is enough.
const isFirst = process.env.EVENKEEL_RUNTIME === undefined;

describe.skipIf(!isFirst)('the trial of an ejected backend, in every order', () => {
  it('lets in one of two workers, and decides, or is offered again', () => {
    for (const one of ['answered', 'failed', 'goes'] as const) {
      for (const other of ['answered', 'failed', 'goes'] as const) {
        explore([
          [one, one],
          [other, other],
        ]);
      }
    }
  });

  it('also of three', () => {
    expect(explore([['answered'], ['failed'], ['goes']])).toBeGreaterThan(1000);
  });
});

describe('a mistake that is caught', () => {
  it('is to take a trial without a look at who has taken it', () => {
    class Blunt extends Table {}
    Object.defineProperty(Blunt.prototype, 'takeTrial', {
      value(this: Table) {
        this.setState(SLOT, State.ejected);
        return true;
      },
    });
    expect(() => explore([['goes'], ['goes']], Blunt)).toThrow('one trial has let two in');
  });

  it('is to forget what the dead had', () => {
    class Forgetful extends Table {
      override clearLedger(): void {}
    }
    expect(() => explore([['answered'], ['failed']], Forgetful)).toThrow('the trial is lost');
  });
});
