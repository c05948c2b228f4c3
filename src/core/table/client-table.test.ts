import { describe, expect, it } from 'vitest';
import {
  exploreInterleavings,
  type Party,
  type Post,
} from '../../../test/fixtures/interleavings.ts';
import { createRng } from '../base/rng.ts';
import { ClientTable, createClientMemory, NOT_COUNTED, TOO_MANY } from './client-table.ts';

const memoryFor = (clients: number, workers: number): ArrayBufferLike =>
  createClientMemory(clients, workers, createRng(1), (bytes) => new ArrayBuffer(bytes));

function tables(clients: number, workers: number): ClientTable[] {
  const memory = memoryFor(clients, workers);
  return Array.from({ length: workers }, (_, me) => new ClientTable(memory, workers, me));
}

describe('the connections of a client', () => {
  it('are counted over all workers', () => {
    const [one, other] = tables(64, 2);
    const [a, b, c] = [one.enter(5, 7, 3), other.enter(5, 7, 3), other.enter(5, 7, 3)];
    expect([a, b, c].every((at) => at >= 0)).toBe(true);
    expect([one.enter(5, 7, 3), other.enter(5, 7, 3)]).toEqual([TOO_MANY, TOO_MANY]);
    other.leave(b);
    expect(one.enter(5, 7, 3)).toBe(a);
    expect(other.enter(5, 7, 3)).toBe(TOO_MANY);
    expect(other.enter(5, 8, 1)).toBeGreaterThanOrEqual(0);
  });

  it('are given back when their worker dies, however often that is said', () => {
    const [one, other] = tables(64, 2);
    for (let n = 0; n < 3; n++) one.enter(5, 7, 4);
    other.enter(5, 7, 4);
    other.clear(0);
    other.clear(0);
    for (let n = 0; n < 3; n++) expect(other.enter(5, 7, 4)).toBeGreaterThanOrEqual(0);
    expect(other.enter(5, 7, 4)).toBe(TOO_MANY);
  });

  it('are not counted when there is no room for another client, until one has gone', () => {
    const [table] = tables(8, 1);
    const places = Array.from({ length: 16 }, (_, i) => table.enter(0, i + 1, 1));
    expect(places.every((at) => at >= 0)).toBe(true);
    expect(table.enter(0, 17, 1)).toBe(NOT_COUNTED);
    expect(table.enter(0, 3, 1)).toBe(TOO_MANY);
    table.leave(places[2]);
    expect(table.enter(0, 17, 1)).toBe(places[2]);
    expect(table.enter(0, 3, 1)).toBe(NOT_COUNTED);
  });

  it('are told apart by a secret of each memory, in both of its halves', () => {
    const rng = createRng(1);
    const memories = [0, 1].map(() =>
      createClientMemory(8, 1, rng, (bytes) => new ArrayBuffer(bytes)),
    );
    const secrets = memories.map((memory) => new ClientTable(memory, 1, 0));
    const halves = secrets.flatMap(({ secret0, secret1 }) => [secret0, secret1]);
    expect(new Set([0, ...halves]).size).toBe(5);
  });

  it('end once each', () => {
    const [table] = tables(8, 1);
    const at = table.enter(0, 1, 1);
    table.leave(at);
    expect(() => table.leave(at)).toThrow('a connection is counted until it closes');
  });
});

interface State {
  readonly step: number;
  readonly open: readonly number[];
}

/** Connections come (a client's number) and the oldest goes (0). */
class Worker implements Party<State> {
  readonly begin: State = { step: 0, open: [] };
  readonly death: number;
  private readonly table: ClientTable;
  private readonly script: readonly number[];

  constructor(table: ClientTable, script: readonly number[], death: number) {
    this.table = table;
    this.script = script;
    this.death = death;
  }

  next({ step, open }: State): State | null {
    if (step === this.script.length) return null;
    const client = this.script[step];
    if (client === 0) {
      if (open.length === 0) return { step: step + 1, open };
      this.table.leave(open[0]);
      return { step: step + 1, open: open.slice(1) };
    }
    const at = this.table.enter(0, client, 1);
    return { step: step + 1, open: at >= 0 ? [...open, at] : open };
  }
}

class Control implements Party<State> {
  readonly begin: State = { step: 0, open: [] };
  readonly death = null;
  private readonly table: ClientTable;

  constructor(table: ClientTable) {
    this.table = table;
  }

  next(state: State, post: Post): State {
    this.table.clear(post.receive());
    return state;
  }
}

/** Two workers with these scripts, in every order, with death at every step. */
function explore(...scripts: readonly (readonly number[])[]): void {
  const memory = memoryFor(1, 2);
  const [one, other] = [0, 1].map((me) => new ClientTable(memory, 2, me));
  exploreInterleavings<State>({
    memories: [new Int32Array(memory)],
    parties: [new Worker(one, scripts[0], 0), new Worker(other, scripts[1], 1), new Control(one)],
    check: (_, { places, words }) => {
      const open = (worker: number): number =>
        places[worker].status === 'dead' ? 0 : places[worker].state.open.length;
      if (open(0) + open(1) > 1 && scripts.flat().every((client) => client < 2)) {
        throw new Error('a client has more connections than it may');
      }
      if (words.some((word, at) => at > 1 && word < 0)) throw new Error('a count is below zero');
    },
    atEnd: ({ places, words }) => {
      let counted = 0;
      for (let at = 3; at < words.length; at += 2) counted += words[at];
      const open = places.slice(0, 2).filter(({ status }) => status !== 'dead');
      const expected = open.reduce((sum, { state }) => sum + state.open.length, 0);
      if (counted !== expected) throw new Error('what is open is not what is counted');
      return null;
    },
  });
}

describe('two workers, in every order, with death at every step', () => {
  it('never let a client have more than it may', () => {
    explore([1, 0, 1], [1, 0, 1]);
  });

  it('count on when a place goes from one client to another', () => {
    explore([1, 0, 2, 0, 3], [2, 0, 1]);
  });
});
