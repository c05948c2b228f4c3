/**
 * Sessions under every order of accesses: workers that remember, move and look up sessions at once
 * in one bucket, with death at every step.
 */
import { describe, expect, it } from 'vitest';
import { createRng } from '../src/core/base/rng.ts';
import { createSessionMemory, SessionTable } from '../src/core/table/session-table.ts';
import { exploreInterleavings, type Moment, type Party } from './fixtures/interleavings.ts';

const NOON = 1_767_268_800_000;
const IDLE = 60_000;
const [ONE, OTHER, THIRD] = [7, 8, 9];

/** `put`: this session belongs there from now on; `find`: where does it belong? */
type Act =
  | { readonly put: number; readonly slot: number; readonly generation: number }
  | { readonly find: number };

const put = (session: number, slot: number, generation: number): Act => ({
  put: session,
  slot,
  generation,
});
const find = (session: number): Act => ({ find: session });

interface WorkerState {
  readonly at: number;
  /** What was found, in order. */
  readonly seen: readonly string[];
}

class Worker implements Party<WorkerState> {
  readonly begin: WorkerState = { at: 0, seen: [] };
  readonly death: number;
  private readonly table: SessionTable;
  private readonly acts: readonly Act[];

  constructor(table: SessionTable, acts: readonly Act[], death: number) {
    this.table = table;
    this.acts = acts;
    this.death = death;
  }

  next({ at, seen }: WorkerState): WorkerState | null {
    if (at === this.acts.length) return null;
    const act = this.acts[at];
    if ('put' in act) {
      this.table.put(0, act.put, act.slot, act.generation, NOON);
      return { at: at + 1, seen };
    }
    const there = this.table.find(0, act.find, NOON);
    const { slot, generation } = this.table;
    const what = there ? `${act.find} at ${slot}/${generation}` : `${act.find} nowhere`;
    return { at: at + 1, seen: [...seen, what] };
  }
}

type TableOf = new (...args: ConstructorParameters<typeof SessionTable>) => SessionTable;

interface Cast {
  readonly before?: readonly Act[];
  readonly acts: readonly (readonly Act[])[];
  readonly table?: TableOf;
}

const said = (acts: readonly Act[]): string[] =>
  acts.flatMap((act) =>
    'put' in act ? [`${act.put} at ${act.slot}/${act.generation}`] : [`${act.find} nowhere`],
  );

/** Every order of turns; returns what can be found, of all that may be. */
function explore({ before = [], acts, table: TableKind = SessionTable }: Cast): Set<string> {
  const memory = createSessionMemory(1, createRng(1), (bytes) => new ArrayBuffer(bytes));
  const first = new TableKind(memory, IDLE);
  for (const act of before) if ('put' in act) first.put(0, act.put, act.slot, act.generation, NOON);
  const possible = new Set([...said(before), ...said(acts.flat())]);
  const all = new Set<string>();
  exploreInterleavings<WorkerState>({
    memories: [new Int32Array(memory)],
    parties: acts.map((each, at) => new Worker(new TableKind(memory, IDLE), each, at)),
    check: (_: unknown, { places }: Moment<WorkerState>) => {
      for (const what of places.flatMap(({ state }) => state.seen)) {
        all.add(what);
        if (!possible.has(what)) throw new Error(`${what} is what nobody has ever said`);
      }
    },
    atEnd: () => null,
  });
  return all;
}

const isFirst = process.env.EVENKEEL_RUNTIME === undefined;

describe.skipIf(!isFirst)('workers at one bucket, in every order and with every death', () => {
  it('find a session where somebody has put it, or nowhere, and never half of two', () => {
    const moves = [[put(ONE, 1, 10)], [put(ONE, 2, 20)], [find(ONE)]];
    const before = [put(ONE, 3, 30)];
    expect([...explore({ before, acts: moves })].sort()).toEqual([
      '7 at 1/10',
      '7 at 2/20',
      '7 at 3/30',
      '7 nowhere',
    ]);
  });

  it('also when others take the place', () => {
    // Two places, both taken: the next one drives one of them out.
    const before = [put(ONE, 1, 10), put(OTHER, 2, 20)];
    const acts = [[put(THIRD, 3, 30)], [put(10, 4, 40)], [find(THIRD), find(ONE)]];
    expect(explore({ before, acts })).toContain('9 at 3/30');
  });

  it('find it afterwards where they have found it before, when nobody moves it', () => {
    const acts = [[put(ONE, 1, 10), find(ONE), find(ONE)], [find(ONE)]];
    expect([...explore({ acts })].sort()).toEqual(['7 at 1/10', '7 nowhere']);
  });
});

describe('a mistake that is caught', () => {
  it('is to believe an entry that does not fit together', () => {
    class Credulous extends SessionTable {
      override find(place: number, tag: number): boolean {
        const { words } = this as unknown as { words: Int32Array };
        for (let at = 2 + 0 * place; at < words.length; at += 5) {
          if (Atomics.load(words, at) !== tag) continue;
          this.slot = Atomics.load(words, at + 1);
          this.generation = Atomics.load(words, at + 2);
          return true;
        }
        return false;
      }
    }
    const acts = [[put(ONE, 1, 10)], [find(ONE)]];
    const run = (): unknown => explore({ before: [put(ONE, 3, 30)], acts, table: Credulous });
    expect(run).toThrow('is what nobody has ever said');
  });
});
