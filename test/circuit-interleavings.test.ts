/**
 * The circuit of a pool under every order of accesses: workers whose exchanges come and are told in
 * any order, and a control thread that looks at it, with death at every step. The workers do what
 * `pool.ts` and `outcome.ts` do, the control thread what `circuits.ts` does when it is always time.
 */
import { describe, expect, it } from 'vitest';
import { Circuit, CircuitState, NO_TRIAL } from '../src/core/resilience/circuit.ts';
import {
  exploreInterleavings,
  type Moment,
  type Party,
  type Post,
  watchPlain,
} from './fixtures/interleavings.ts';

// Letters to the control thread; the other one says that a worker is dead, which it is not told.
const DEAD = 0;
const LOOK = 1;

/** `come`: an exchange begins, the first one in place 0; `find nobody`: no backend takes it. */
type Operation =
  | 'come'
  | 'find nobody'
  | { readonly answered: number }
  | { readonly failed: number };
type Script = readonly Operation[];

interface WorkerState {
  readonly at: number;
  /** Of each exchange that came, its trial; null: it was not let in. */
  readonly trials: readonly (number | null)[];
}

type CircuitOf = new (...args: ConstructorParameters<typeof Circuit>) => Circuit;

class Worker implements Party<WorkerState> {
  readonly begin: WorkerState = { at: 0, trials: [] };
  readonly death = DEAD;
  readonly script: Script;
  private readonly open: () => Circuit;

  constructor(open: () => Circuit, script: Script) {
    this.open = open;
    this.script = script;
  }

  next({ at, trials }: WorkerState): WorkerState | null {
    if (at === this.script.length) return null;
    const operation = this.script[at];
    // From one call to the next it keeps nothing.
    const circuit = this.open();
    const next = { at: at + 1, trials };
    if (operation === 'come') {
      const trial = circuit.admits() ? circuit.beginTrial() : null;
      return { ...next, trials: [...trials, trial] };
    }
    if (operation === 'find nobody') {
      if (circuit.admits()) circuit.giveBack();
      return next;
    }
    const trial = trials[told(operation)] ?? null;
    if (trial !== null) circuit.ended(trial, 'failed' in operation);
    return next;
  }
}

const told = (operation: Exclude<Operation, string>): number =>
  'failed' in operation ? operation.failed : operation.answered;

interface ControlState {
  readonly looks: number;
}

class Control implements Party<ControlState> {
  readonly begin: ControlState = { looks: 0 };
  readonly death = null;
  private readonly circuit: Circuit;
  /** How often it looks by itself. */
  private readonly looks: number;

  constructor(circuit: Circuit, looks: number) {
    this.circuit = circuit;
    this.looks = looks;
  }

  next({ looks }: ControlState, post: Post): ControlState {
    if (looks >= this.looks && post.receive() !== LOOK) return { looks };
    this.look();
    return { looks: looks + 1 };
  }

  private look(): void {
    const { circuit } = this;
    const { state } = circuit;
    // Whatever the share of failures is, it may be too large.
    if (state === CircuitState.closed || state === CircuitState.failed) {
      circuit.set(CircuitState.open, 1);
    } else if (state === CircuitState.passed) circuit.set(CircuitState.closed);
    else if (state !== CircuitState.trial) circuit.set(CircuitState.trial);
  }
}

type AnyState = WorkerState | ControlState;
type Now = Moment<AnyState>;

const WORDS = Circuit.BYTES / 4;
// Behind the words of the circuit is what checks remember of the way to a moment.
/** Who is on trial: 10 * worker + the number of his exchange, or NOBODY. */
const TAKER = WORDS;
/** How often a trial was taken, and not given back. */
const TAKEN = WORDS + 1;
const NOBODY = -1;

const stateOf = ({ words }: Now): number => words[0] & 7;
const workerAt = ({ places }: Now, worker: number): WorkerState =>
  places[worker].state as WorkerState;

interface Cast {
  readonly scripts: readonly Script[];
  readonly looks: number;
  readonly circuit?: CircuitOf;
  /** At the beginning; else half open. */
  readonly from?: CircuitState;
}

/** Every order of turns; returns the number of different moments. */
function explore({ scripts, looks, circuit: Kind = Circuit, from = CircuitState.trial }: Cast) {
  const memory = new ArrayBuffer(Circuit.BYTES);
  const memories = [new Int32Array(memory), new Int32Array([NOBODY, 0])];
  const own = new Kind(memory);
  own.set(from);
  const parties = scripts.map((script) => new Worker(() => watchPlain(new Kind(memory)), script));
  const check = (before: Now, now: Now): void => {
    const turn = now.places.findIndex((place, index) => place !== before.places[index]);
    const worker = parties[turn] as Worker | undefined;
    if (worker === undefined) forgetTrial(before, now);
    else checkMove(before, now, turn, worker.script);
    // Counted when its exchange is there; when it dies before, it is not.
    const trials = parties.flatMap((_, index) => workerAt(now, index).trials);
    const onTrial = trials.filter((trial) => trial !== null && trial !== NO_TRIAL);
    if (onTrial.length > now.words[TAKEN]) throw new Error('one trial has let two in');
  };
  return exploreInterleavings<AnyState>({
    memories,
    parties: [...parties, new Control(own, looks)] as readonly Party<AnyState>[],
    check,
    atEnd: (end) => {
      if (end.late === 0) return LOOK;
      const state = stateOf(end);
      const isKnown = state === CircuitState.closed || state === CircuitState.open;
      // Who is gone keeps nobody from being the next.
      if (!isKnown && state !== CircuitState.trial) throw new Error('the trial is lost');
      return null;
    },
  });
}

/** The control thread: another trial is nobody's. */
function forgetTrial(before: Now, now: Now): void {
  const isOffered = stateOf(now) === CircuitState.trial && before.words[0] !== now.words[0];
  if (isOffered) now.words[TAKER] = NOBODY;
}

/** A worker moves the circuit only by the trial that it has taken, and that is waited for. */
function checkMove(before: Now, now: Now, turn: number, script: Script): void {
  const [was, is] = [stateOf(before), stateOf(now)];
  if (was === is) return;
  const { at, trials } = workerAt(before, turn);
  const operation = script[at];
  const isTold = typeof operation !== 'string';
  const exchange = 10 * turn + (isTold ? told(operation) : trials.length);
  if (was === CircuitState.trial && is === CircuitState.tried) {
    now.words[TAKER] = exchange;
    now.words[TAKEN]++;
    return;
  }
  if (was !== CircuitState.tried) throw new Error('a worker moves what is not on trial');
  if (before.words[TAKER] !== exchange) throw new Error('somebody else decides the trial');
  now.words[TAKER] = NOBODY;
  if (is === CircuitState.trial) {
    if (operation !== 'find nobody') throw new Error('the trial of an attempt is given back');
    now.words[TAKEN]--;
    return;
  }
  const outcome = isTold && 'failed' in operation ? CircuitState.failed : CircuitState.passed;
  if (!isTold || is !== outcome) throw new Error('the trial ends as no exchange did');
}

const ANSWERED: Script = ['come', { answered: 0 }];
const FAILED: Script = ['come', { failed: 0 }];
const GOES: Script = ['come'];
const LOST: Script = ['find nobody', 'find nobody'];
/** What came first is told last. */
const SLOW: Script = ['come', 'come', { failed: 1 }, { answered: 0 }];
const BUSY: Script = ['come', { answered: 0 }, 'come', { failed: 1 }];
const PICKY: Script = ['come', 'find nobody', { answered: 0 }];
const SCRIPTS = { ANSWERED, FAILED, GOES, LOST, SLOW, BUSY, PICKY };

// What is pure comes out the same on every runtime: once is enough.
const isFirst = process.env.EVENKEEL_RUNTIME === undefined;

describe.skipIf(!isFirst)('the circuit of two workers, in every order', () => {
  const all = Object.entries(SCRIPTS);
  for (const [index, [name, one]] of all.entries()) {
    it(`is decided by the one that is on trial, when one is ${name}`, () => {
      // What is the same with the workers exchanged is looked at once.
      for (const [, other] of all.slice(index)) {
        explore({ scripts: [one, other], looks: 4 });
        explore({ scripts: [one, other], looks: 5, from: CircuitState.closed });
      }
    });
  }

  it('also of three', () => {
    expect(explore({ scripts: [ANSWERED, FAILED, LOST], looks: 2 })).toBeGreaterThan(1000);
  });
});

/** A circuit with its words within reach of its mistakes. */
class OpenCircuit extends Circuit {
  protected readonly shared: Int32Array;

  constructor(memory: ArrayBufferLike) {
    super(memory);
    this.shared = new Int32Array(memory);
  }

  protected moveFrom(state: CircuitState, to: CircuitState): boolean {
    const word = Atomics.load(this.shared, 0);
    if ((word & 7) !== state) return false;
    return Atomics.compareExchange(this.shared, 0, word, (word & ~7) | to) === word;
  }
}

describe('a mistake that is caught', () => {
  it('is to take all trials for the same one', () => {
    class Forgetful extends OpenCircuit {
      override set(state: CircuitState, untilWallMs = 0): void {
        super.set(state, untilWallMs);
        Atomics.store(this.shared, 0, state);
      }
    }
    const scripts = [ANSWERED, FAILED];
    const run = (): unknown => explore({ scripts, looks: 2, circuit: Forgetful });
    expect(run).toThrow('somebody else decides the trial');
  });

  it('is to let whoever has been on trial decide', () => {
    class Careless extends OpenCircuit {
      override ended(trial: number, failed: boolean): void {
        const to = failed ? CircuitState.failed : CircuitState.passed;
        if (trial !== NO_TRIAL) this.moveFrom(CircuitState.tried, to);
      }
    }
    const scripts = [SLOW, FAILED];
    const run = (): unknown => explore({ scripts, looks: 3, circuit: Careless });
    expect(run).toThrow('somebody else decides the trial');
  });

  it('is to let what came while it was closed decide', () => {
    class Eager extends OpenCircuit {
      override ended(_: number, failed: boolean): void {
        this.moveFrom(CircuitState.tried, failed ? CircuitState.failed : CircuitState.passed);
      }
    }
    const cast: Cast = { scripts: [ANSWERED, GOES], looks: 3, from: CircuitState.closed };
    expect(() => explore({ ...cast, circuit: Eager })).toThrow('somebody else decides the trial');
  });

  it('is to give back what another one has taken', () => {
    class Generous extends OpenCircuit {
      override giveBack(): void {
        this.moveFrom(CircuitState.tried, CircuitState.trial);
      }
    }
    const cast: Cast = { scripts: [LOST, GOES], looks: 3, from: CircuitState.closed };
    const run = (): unknown => explore({ ...cast, circuit: Generous });
    expect(run).toThrow('somebody else decides the trial');
  });

  it('is to take a trial without a look at who has taken it', () => {
    class Blunt extends OpenCircuit {}
    Object.defineProperty(Blunt.prototype, 'move', {
      value(this: { shared: Int32Array }, _: number, to: number) {
        Atomics.store(this.shared, 0, to);
        return true;
      },
    });
    const run = (): unknown => explore({ scripts: [GOES, GOES], looks: 1, circuit: Blunt });
    expect(run).toThrow('one trial has let two in');
  });

  it('is to leave a trial to who may be dead', () => {
    class Patient extends Circuit {
      override set(state: CircuitState, untilWallMs = 0): void {
        if (this.state !== CircuitState.tried) super.set(state, untilWallMs);
      }
    }
    const run = (): unknown => explore({ scripts: [ANSWERED, GOES], looks: 2, circuit: Patient });
    expect(run).toThrow('the trial is lost');
  });
});
