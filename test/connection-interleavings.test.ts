/**
 * Places for connections (`max_connections`) under every order of accesses: workers that take them,
 * want them and give them back, with death at every step. What is not taken is wanted, as
 * `connection-places.ts` says it.
 */
import { describe, expect, it } from 'vitest';
import { State, Table } from '../src/core/table/table.ts';
import {
  exploreInterleavings,
  type Moment,
  type Party,
  type Post,
} from './fixtures/interleavings.ts';

const SLOT = 0;
type Operation = 'open' | 'close';
type Script = readonly Operation[];

interface WorkerState {
  readonly at: number;
  readonly open: number;
  /** How often there was no place. */
  readonly refused: number;
}

class Worker implements Party<WorkerState> {
  readonly begin: WorkerState = { at: 0, open: 0, refused: 0 };
  readonly death: number;
  private readonly table: Table;
  private readonly script: Script;
  private readonly most: number;

  constructor(table: Table, script: Script, most: number) {
    this.table = table;
    this.script = script;
    this.most = most;
    this.death = table.me;
  }

  next(state: WorkerState): WorkerState | null {
    const { table, most } = this;
    const { at, open, refused } = state;
    const next = { ...state, at: at + 1 };
    if (this.script[at] === 'open') {
      if (table.openConnection(SLOT, most)) return { ...next, open: open + 1 };
      table.wantConnections(SLOT, 1);
      return { ...next, refused: refused + 1 };
    }
    if (at >= this.script.length && open === 0) return null;
    if (open === 0) return next;
    table.closeConnection(SLOT);
    return { ...next, open: open - 1 };
  }
}

class Control implements Party<WorkerState> {
  readonly begin: WorkerState = { at: 0, open: 0, refused: 0 };
  readonly death = null;
  private readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  next(state: WorkerState, post: Post): WorkerState {
    this.table.clearLedger(post.receive());
    return state;
  }
}

type TableOf = new (...args: ConstructorParameters<typeof Table>) => Table;

const COLUMN_WORDS = Table.bytesFor({ capacity: 1, workers: 0 }) / 4;

/** Every order of turns; returns the number of different moments. */
function explore(scripts: readonly Script[], most: number, TableKind: TableOf = Table): number {
  const size = { capacity: 1, workers: scripts.length };
  const buffer = new ArrayBuffer(Table.bytesFor(size));
  const own = new TableKind(size, buffer);
  own.claim(1, State.up);
  const workers = scripts.map((script, worker) => {
    return new Worker(new TableKind(size, buffer, worker), script, most);
  });
  const livingAt = ({ places }: Moment<WorkerState>) =>
    places.slice(0, size.workers).filter(({ status }) => status !== 'dead');
  return exploreInterleavings<WorkerState>({
    memories: [new Int32Array(buffer)],
    parties: [...workers, new Control(own)],
    writerOf: (word) => (word < COLUMN_WORDS ? -1 : (word - COLUMN_WORDS) % size.workers),
    check: (_, now) => {
      const open = livingAt(now).reduce((sum, { state }) => sum + state.open, 0);
      if (open > most) throw new Error('there are more connections than may be');
      const counts = now.words.subarray(COLUMN_WORDS);
      if (counts.some((count) => count < 0)) throw new Error('a count is below zero');
    },
    atEnd: (end) => {
      if (countOf(own, end) !== 0) throw new Error('a place is not given back');
      const wants = livingAt(end).some(({ state }) => state.refused > 0);
      if (wantedIn(end, size.workers) !== wants) throw new Error('the dead still want something');
      return null;
    },
  });
}

/** Where a column of the ledgers begins: what is written there by the table itself tells. */
function ledgerAt(write: (table: Table) => void): number {
  const buffer = new ArrayBuffer(Table.bytesFor({ capacity: 1, workers: 1 }));
  write(new Table({ capacity: 1, workers: 1 }, buffer));
  return new Int32Array(buffer).indexOf(1) - COLUMN_WORDS;
}

const CONNECTIONS = ledgerAt((table) => table.openConnection(SLOT, 0));
const WANTED = ledgerAt((table) => table.wantConnections(SLOT, 1));

function sumOf({ words }: Moment<WorkerState>, ledger: number, workers: number): number {
  const from = COLUMN_WORDS + ledger * workers;
  return words.subarray(from, from + workers).reduce((a, b) => a + b, 0);
}

const countOf = ({ workers }: Table, end: Moment<WorkerState>): number =>
  sumOf(end, CONNECTIONS, workers);

const wantedIn = (end: Moment<WorkerState>, workers: number): boolean =>
  sumOf(end, WANTED, workers) > 0;

// What is pure comes out the same on every runtime: once is enough.
const isFirst = process.env.EVENKEEL_RUNTIME === undefined;

const SCRIPTS: readonly Script[] = [
  ['open', 'open', 'open'],
  ['open', 'open', 'close'],
  ['open', 'close', 'open'],
];

describe.skipIf(!isFirst)('places for connections, in every order and with every death', () => {
  it.each([1, 2])('are never more than %i of two workers, and all given back', (most) => {
    for (const one of SCRIPTS) {
      for (const other of SCRIPTS) explore([one, other], most);
    }
  });

  it('nor of three', () => {
    const [, , busy] = SCRIPTS;
    expect(explore([['open', 'close'], ['open', 'close'], busy], 1)).toBeGreaterThan(1000);
    explore([['open', 'close'], ['open'], busy], 2);
  });
});

describe('a mistake that is caught', () => {
  const scripts = [SCRIPTS[2], SCRIPTS[2]];

  it('is to look for a place first and to count then', () => {
    class Hasty extends Table {
      override openConnection(slot: number, most: number): boolean {
        return this.connections(slot) < most && super.openConnection(slot, 0);
      }
    }
    expect(() => explore(scripts, 1, Hasty)).toThrow('there are more connections than may be');
  });

  it('is to keep the place that was not free', () => {
    class Greedy extends Table {
      override openConnection(slot: number, most: number): boolean {
        super.openConnection(slot, 0);
        return this.connections(slot) <= most;
      }
    }
    expect(() => explore(scripts, 1, Greedy)).toThrow('a place is not given back');
  });

  it('is to forget what the dead had', () => {
    class Forgetful extends Table {
      override clearLedger(): void {}
    }
    expect(() => explore(scripts, 1, Forgetful)).toThrow('a place is not given back');
  });
});
