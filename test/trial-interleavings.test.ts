/**
 * The trial of an ejected backend under every order of accesses: one exchange is let through,
 * whoever asks at once, and another one if that comes to nothing or its worker dies. The workers do
 * what `pool.ts` and `outcome.ts` do, the control thread what `passive-watch.ts` does.
 */
import { describe, expect, it } from 'vitest';
import { TRIAL_FAILED } from '../src/core/table/streaks.ts';
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
  /** How often it was let in on trial. */
  readonly trials: number;
  /** The trial that the one on its way is on; 0: it was there before. */
  readonly trial: number;
}

const FRESH: WorkerState = { at: 0, isIn: false, isTold: false, trials: 0, trial: 0 };

/** What is tried: by workers, and by the control thread. */
interface Tried {
  /** The trial that it is on; null: it is not let in. */
  enter(): number | null;
  /** True: this has decided the trial. */
  tell(end: End, trial: number): boolean;
  leave(trial: number): void;
}

class Worker implements Party<WorkerState> {
  readonly begin: WorkerState;
  readonly death: number;
  private readonly tried: Tried;
  private readonly ends: readonly End[];

  /** `wasThere`: its first exchange came before the ejection. */
  constructor(tried: Tried, ends: readonly End[], death: number, wasThere: boolean) {
    this.begin = { ...FRESH, isIn: wasThere };
    this.tried = tried;
    this.ends = ends;
    this.death = death;
  }

  next(state: WorkerState, post: Post): WorkerState | null {
    const { at, isIn, isTold, trials, trial } = state;
    if (at === this.ends.length) return null;
    const end = this.ends[at];
    if (!isIn) {
      const taken = this.tried.enter();
      if (taken === null) return { ...state, at: at + 1 };
      return { ...state, isIn: true, trials: trials + 1, trial: taken };
    }
    if (!isTold && end !== 'goes') {
      const decides = this.tried.tell(end, trial);
      if (decides && trials === 0) throw new Error('what was there before decides the trial');
      if (decides) post.send(end === 'failed' ? FAILED : PASSED);
      return { ...state, isTold: true };
    }
    this.tried.leave(trial);
    return { ...FRESH, at: at + 1, trials };
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
    const isTaken = state.verdict === 'none' && table.state(SLOT) === State.ejected;
    if (letter < PASSED) {
      table.clearLedger(letter);
      if (isTaken) table.streaks.clear(SLOT);
    } else if (letter === LOOK) {
      // Whoever took it gave it back.
      if (!isTaken || table.streaks.trial(SLOT) !== 0) return state;
      table.offerTrial(SLOT);
      return { ...state, offers: state.offers + 1 };
    } else if (state.verdict === 'none') {
      if (letter === PASSED) table.streaks.clear(SLOT);
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
  enter: () => (table.enter(SLOT, 0, STATES) ? table.beginTrial() : null),
  tell: (end, trial) =>
    end === 'answered'
      ? table.noteAnswer(SLOT, 1, trial)
      : table.noteFailure(SLOT, trial) === TRIAL_FAILED,
  leave: (trial) => table.leave(SLOT, trial),
});

/**
 * Every order of turns at an ejected backend; returns the number of different moments. `there`: how
 * many of the workers have been there since before the ejection.
 */
function explore(ends: readonly (readonly End[])[], TableKind: TableOf = Table, there = 0): number {
  const size = { capacity: 1, workers: ends.length };
  const buffer = new ArrayBuffer(Table.bytesFor(size));
  const own = new TableKind(size, buffer);
  own.claim(1, State.up);
  for (let worker = 0; worker < there; worker++) {
    new TableKind(size, buffer, worker).enter(SLOT, 0, STATES);
  }
  own.setState(SLOT, State.ejected);
  own.offerTrial(SLOT);
  const workers = ends.map((each, worker) => {
    const table = watchPlain(new TableKind(size, buffer, worker));
    watchPlain(table.streaks);
    const tried = triedIn(table);
    return new Worker(tried, each, worker, worker < there);
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

  it('is not decided by what was there before, whatever becomes of that', () => {
    for (const one of ['answered', 'failed', 'goes'] as const) {
      for (const other of ['answered', 'failed', 'goes'] as const) {
        explore([[one, one], [other]], Table, 1);
        explore([[one], [other]], Table, 2);
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
        const taken = this.streaks.trial(SLOT);
        this.setState(SLOT, State.ejected);
        Object.assign(this, { taken });
        return true;
      },
    });
    expect(() => explore([['goes'], ['goes']], Blunt)).toThrow('one trial has let two in');
  });

  it('is to let whoever is answered decide', () => {
    class Eager extends Table {
      override noteAnswer(slot: number, headMs: number): boolean {
        return super.noteAnswer(slot, headMs, this.streaks.trial(slot));
      }
    }
    expect(() => explore([['answered'], ['goes']], Eager, 1)).toThrow(
      'what was there before decides the trial',
    );
  });

  it('is not to give back what was not decided', () => {
    class Greedy extends Table {
      override leave(slot: number): void {
        super.leave(slot);
      }
    }
    expect(() => explore([['answered'], ['goes']], Greedy)).toThrow('the trial is lost');
  });

  it('is to forget what the dead had', () => {
    class Forgetful extends Table {
      constructor(...args: ConstructorParameters<typeof Table>) {
        super(...args);
        Object.assign(this.streaks, { clear() {} });
      }
    }
    expect(() => explore([['answered'], ['failed']], Forgetful)).toThrow('the trial is lost');
  });
});
