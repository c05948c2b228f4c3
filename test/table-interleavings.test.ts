/**
 * The table under every order of accesses: two workers against the control thread, with death at
 * every step. What the workers do beside the table is what `engine.ts` does, and what the control
 * thread does is what `drains.ts` and `fleet.ts` do, in their order.
 */
import { describe, expect, it } from 'vitest';
import { State, statesOf, Table } from '../src/core/table/table.ts';
import {
  exploreInterleavings,
  type Moment,
  type Party,
  type Post,
} from './fixtures/interleavings.ts';

const SIZE = { capacity: 1, workers: 2 };
const WORKERS = [0, 1] as const;
const SLOT = 0;
/** What the workers take the slot for. */
const GENERATION = 0;
const STATES = statesOf(State.up, State.checking, State.suspect);

// Letters to the control thread: 0 and 1 are the deaths of these workers.
const RELEASED = 2;
const LOOK_AGAIN = 3;

type Operation = 'enter' | 'enter kept' | 'leave' | 'suspect' | 'tunnel';
type Script = readonly Operation[];

/** Every way to spend three operations; what is still open after them is left at the end. */
const SCRIPTS: readonly Script[] = [
  ['enter', 'enter', 'enter'],
  ['enter', 'enter', 'suspect'],
  ['enter', 'enter', 'tunnel'],
  ['enter', 'leave', 'enter'],
  ['enter', 'suspect', 'enter'],
  ['enter', 'suspect', 'suspect'],
  ['enter', 'suspect', 'tunnel'],
  ['enter', 'tunnel', 'enter'],
];

interface WorkerState {
  /** How far it is in its script. */
  readonly at: number;
  readonly exchanges: number;
  readonly tunnels: number;
  /** How often it was the one that moved the state to suspect. */
  readonly wins: number;
  /** What has to follow the call before. */
  readonly owes: null | 'leave' | 'sum' | 'sum of tunnels' | 'state';
}

class Worker implements Party<WorkerState> {
  readonly begin: WorkerState = { at: 0, exchanges: 0, tunnels: 0, wins: 0, owes: null };
  readonly death: number;
  private readonly table: Table;
  private readonly script: Script;

  constructor(table: Table, script: Script, death: number) {
    this.table = table;
    this.script = script;
    this.death = death;
  }

  next(state: WorkerState, post: Post): WorkerState | null {
    if (state.owes !== null) return this.goOn(state, post);
    const { at, exchanges, tunnels } = state;
    if (at < this.script.length) return this.operate(this.script[at], { ...state, at: at + 1 });
    if (exchanges > 0) return this.leave(state);
    if (tunnels === 0) return null;
    this.table.leaveTunnel(SLOT);
    return { ...state, tunnels: tunnels - 1, owes: 'sum of tunnels' };
  }

  private operate(operation: Operation, state: WorkerState): WorkerState {
    const { table } = this;
    const { exchanges, tunnels, wins } = state;
    if (operation === 'enter' || operation === 'enter kept') {
      const isIn =
        operation === 'enter'
          ? table.enter(SLOT, GENERATION, STATES)
          : table.enterKept(SLOT, GENERATION);
      return isIn ? { ...state, exchanges: exchanges + 1 } : state;
    }
    // It was not let in.
    if (exchanges === 0) return state;
    if (operation === 'leave') return this.leave(state);
    if (operation === 'suspect') return table.suspect(SLOT) ? { ...state, wins: wins + 1 } : state;
    table.enterTunnel(SLOT);
    return { ...state, tunnels: tunnels + 1, owes: 'leave' };
  }

  private leave(state: WorkerState): WorkerState {
    this.table.leave(SLOT);
    return { ...state, exchanges: state.exchanges - 1, owes: 'sum' };
  }

  private goOn(state: WorkerState, post: Post): WorkerState {
    const { table } = this;
    if (state.owes === 'leave') return this.leave(state);
    if (state.owes === 'state') {
      if (table.state(SLOT) === State.draining) post.send(RELEASED);
      return { ...state, owes: null };
    }
    const left = state.owes === 'sum' ? table.inFlight(SLOT) : table.tunnels(SLOT);
    return { ...state, owes: left === 0 ? 'state' : null };
  }
}

interface ControlState {
  readonly step: number;
  /** The slot was given to another backend. */
  readonly freed: boolean;
}

/** Sets these states in turn, and clears away what died. */
class Control implements Party<ControlState> {
  readonly begin: ControlState = { step: 0, freed: false };
  readonly death = null;
  protected readonly table: Table;
  private readonly verdicts: readonly State[];

  constructor(table: Table, verdicts: readonly State[]) {
    this.table = table;
    this.verdicts = verdicts;
  }

  next(state: ControlState, post: Post): ControlState {
    const { step } = state;
    if (step < this.verdicts.length) this.table.setState(SLOT, this.verdicts[step]);
    else {
      const letter = post.receive();
      if (letter < SIZE.workers) this.table.clearLedger(letter);
    }
    return this.settle({ ...state, step: Math.min(step + 1, this.verdicts.length) });
  }

  protected settle(state: ControlState): ControlState {
    return state;
  }
}

/** Takes the backend out, and gives its slot to another when nothing is on it. */
class Drainer extends Control {
  constructor(table: Table) {
    super(table, [State.draining]);
  }

  protected override settle(state: ControlState): ControlState {
    const { table } = this;
    if (state.freed || table.keeps(SLOT) || table.inFlight(SLOT) > 0 || table.tunnels(SLOT) > 0)
      return state;
    table.free(SLOT);
    table.claim(1, State.up);
    return { ...state, freed: true };
  }
}

/** The same, but the backend keeps its clients until a deadline. */
class Keeper extends Drainer {
  override next(state: ControlState, post: Post): ControlState {
    if (state.step === 0) {
      this.table.setKeeps(SLOT, true);
      return super.next(state, post);
    }
    if (this.table.keeps(SLOT)) {
      this.table.setKeeps(SLOT, false);
      return this.settle(state);
    }
    return super.next(state, post);
  }
}

type AnyState = WorkerState | ControlState;
type Now = Moment<AnyState>;

/** Of one slot, before the ledgers. */
const COLUMN_WORDS = Table.bytesFor({ capacity: 1, workers: 0 }) / 4;

/** The words of a table of this size, as `table.ts` lays them out. */
const ledgers = ({ words }: Now): Int32Array => words.subarray(COLUMN_WORDS);
const stateOf = ({ words }: Now): number => words[0] & 7;
const generationOf = ({ words }: Now): number => words[0] >>> 4;
const workerAt = ({ places }: Now, worker: number) => places[worker].state as WorkerState;
const wins = (now: Now): number => workerAt(now, 0).wins + workerAt(now, 1).wins;

/** How many exchanges and tunnels living workers have there. */
const onBoard = (now: Now): number =>
  WORKERS.filter((worker) => now.places[worker].status !== 'dead')
    .map((worker) => workerAt(now, worker))
    // What becomes a tunnel is counted as both for a moment.
    .reduce((sum, w) => sum + w.exchanges + w.tunnels - (w.owes === 'leave' ? 1 : 0), 0);

function check(before: Now, now: Now): void {
  if (ledgers(now).some((count) => count < 0)) throw new Error('a count is below zero');
  if (generationOf(now) !== GENERATION) {
    for (const worker of WORKERS) {
      const { exchanges, tunnels } = workerAt(now, worker);
      if (now.places[worker].status === 'alive' && exchanges + tunnels > 0) {
        throw new Error('a worker is on a slot that was freed');
      }
    }
  }
  const becameSuspect = stateOf(before) !== State.suspect && stateOf(now) === State.suspect;
  if (wins(now) - wins(before) !== Number(becameSuspect)) {
    throw new Error('a suspicion is not that of one worker');
  }
}

type TableOf = new (...args: ConstructorParameters<typeof Table>) => Table;

interface Cast {
  readonly scripts: readonly [Script, Script];
  readonly table?: TableOf;
  /** Null: it drains. */
  readonly verdicts?: readonly State[] | null;
  /** How many may be there at once; 0: any number. */
  readonly limit?: number;
  /** It keeps its clients while it drains. */
  readonly keeps?: boolean;
  /** Off: the control thread believes what it was told, and never looks by itself. */
  readonly looksAgain?: boolean;
}

/** Every order of turns; returns the number of different moments. */
function explore(cast: Cast): number {
  const { scripts, table: TableKind = Table, verdicts = null, looksAgain = true, limit = 0 } = cast;
  const DrainerKind = cast.keeps === true ? Keeper : Drainer;
  const buffer = new ArrayBuffer(Table.bytesFor(SIZE));
  const own = new TableKind(SIZE, buffer);
  own.claim(1, State.up);
  own.setLimit(SLOT, limit);
  const workers = WORKERS.map((worker) => {
    return new Worker(new TableKind(SIZE, buffer, worker), scripts[worker], worker);
  });
  const control = verdicts === null ? new DrainerKind(own) : new Control(own, verdicts);
  return exploreInterleavings<AnyState>({
    memories: [new Int32Array(buffer)],
    parties: [...workers, control] as readonly Party<AnyState>[],
    writerOf: (word) => (word < COLUMN_WORDS ? null : (word - COLUMN_WORDS) % SIZE.workers),
    check: (before, now) => {
      check(before, now);
      if (limit > 0 && onBoard(now) > limit) throw new Error('there are more than may be');
    },
    atEnd: (end) => {
      if (ledgers(end).some((count) => count !== 0)) throw new Error('a count is not zero');
      const { freed } = end.places[SIZE.workers].state as ControlState;
      if (verdicts !== null || freed) return null;
      if (looksAgain && end.late === 0) return LOOK_AGAIN;
      throw new Error('the slot was never freed');
    },
  });
}

// What is pure comes out the same on every runtime: once is enough.
const isFirst = process.env.EVENKEEL_RUNTIME === undefined;

describe.skipIf(!isFirst)('two workers and a control thread that drains, in every order', () => {
  for (const [index, one] of SCRIPTS.entries()) {
    it(`keep their word when one does ${one.join(', ')}`, () => {
      // What is the same with the workers exchanged is looked at once.
      for (const other of SCRIPTS.slice(index)) explore({ scripts: [one, other] });
    });
  }
});

describe.skipIf(!isFirst)('a limit', () => {
  it('of one is kept by two workers in every order, whoever dies', () => {
    const scripts: readonly Script[] = [
      ['enter', 'leave', 'enter'],
      ['enter', 'tunnel', 'enter'],
    ];
    for (const one of scripts) {
      for (const other of scripts) explore({ scripts: [one, other], limit: 1, verdicts: [] });
    }
  });

  it('would not be kept by a table that looks first and counts then', () => {
    class Hasty extends OpenTable {
      override enter(): boolean {
        if (this.inFlight(SLOT) >= 1) return false;
        Atomics.add(this.words, this.entry, 1);
        return true;
      }
    }
    const scripts: Cast['scripts'] = [['enter'], ['enter']];
    expect(() => explore({ scripts, table: Hasty, limit: 1, verdicts: [] })).toThrow(
      'there are more than may be',
    );
  });
});

describe('a suspicion', () => {
  it('is that of one worker, while the control thread has verdicts of its own', () => {
    for (const verdicts of [
      [State.checking, State.up],
      [State.down, State.up],
      [State.up, State.down],
      [State.draining],
    ]) {
      explore({
        scripts: [
          ['enter', 'suspect', 'suspect'],
          ['enter', 'suspect', 'suspect'],
        ],
        verdicts,
      });
    }
  });
});

const KEPT_SCRIPTS: readonly Script[] = [
  ['enter kept', 'leave', 'enter kept'],
  ['enter', 'enter kept', 'leave'],
  ['enter kept', 'tunnel'],
];

describe.skipIf(!isFirst)('a backend that keeps its clients while it drains', () => {
  for (const [index, one] of KEPT_SCRIPTS.entries()) {
    it(`is not freed under one that does ${one.join(', ')}`, () => {
      for (const other of KEPT_SCRIPTS.slice(index))
        explore({ scripts: [one, other], keeps: true });
    });
  }
});

/** A table with its words within reach of its mistakes. */
class OpenTable extends Table {
  protected readonly words: Int32Array;
  protected readonly entry: number;

  constructor(...[size, buffer, worker = 0]: ConstructorParameters<typeof Table>) {
    super(size, buffer, worker);
    this.words = new Int32Array(this.buffer);
    // Behind the columns, of which each has one word here.
    this.entry = COLUMN_WORDS + worker;
  }
}

const busy: Cast['scripts'] = [
  ['enter', 'leave', 'enter'],
  ['enter', 'suspect', 'suspect'],
];

describe('a mistake that is caught', () => {
  it('is to look at the state before counting', () => {
    class Hasty extends OpenTable {
      override enter(slot: number, generation: number, states: number): boolean {
        const word = Atomics.load(this.words, slot);
        if ((states & (1 << (word & 7))) === 0 || word >>> 4 !== generation) return false;
        Atomics.add(this.words, this.entry, 1);
        return true;
      }
    }
    const run = (): unknown => explore({ scripts: busy, table: Hasty });
    expect(run).toThrow('a worker is on a slot that was freed');
  });

  it('is to ask whether clients are kept before they are counted', () => {
    class Hasty extends Table {
      override enterKept(slot: number, generation: number): boolean {
        return this.keeps(slot) && this.enter(slot, generation, statesOf(State.draining));
      }
    }
    const [kept] = KEPT_SCRIPTS;
    const run = (): unknown => explore({ scripts: [kept, kept], table: Hasty, keeps: true });
    expect(run).toThrow('a worker is on a slot that was freed');
  });

  it('is to write a suspicion over whatever is there', () => {
    class Blunt extends OpenTable {
      override suspect(slot: number): boolean {
        const word = Atomics.load(this.words, slot);
        if ((word & 7) !== State.up) return false;
        Atomics.store(this.words, slot, (word & ~7) | State.suspect);
        return true;
      }
    }
    const scripts = [busy[1], busy[1]] as const;
    const run = (): unknown => explore({ scripts, table: Blunt, verdicts: [] });
    expect(run).toThrow('a suspicion is not that of one worker');
  });

  it('is to take who only looks for one who is in, and to insist that nobody is', () => {
    class Strict extends Table {
      override free(slot: number): void {
        if (this.inFlight(slot) > 0) throw new Error('somebody is on a freed slot');
        super.free(slot);
      }
    }
    const run = (): unknown => explore({ scripts: busy, table: Strict });
    expect(run).toThrow('somebody is on a freed slot');
  });

  it('is to wait for the letter of one who was never in', () => {
    const run = (): unknown => explore({ scripts: busy, looksAgain: false });
    expect(run).toThrow('the slot was never freed');
  });

  it('is to forget the ledger of the dead', () => {
    class Forgetful extends Table {
      override clearLedger(): void {}
    }
    const run = (): unknown => explore({ scripts: busy, table: Forgetful });
    expect(run).toThrow('a count is not zero');
  });

  it('is to clear more than the ledger of the dead', () => {
    class Thorough extends Table {
      override clearLedger(): void {
        for (const worker of WORKERS) super.clearLedger(worker);
      }
    }
    const run = (): unknown => explore({ scripts: busy, table: Thorough });
    expect(run).toThrow('somebody writes where another one alone should');
  });
});
