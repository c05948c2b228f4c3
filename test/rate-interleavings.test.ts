/**
 * Rate limits under every order of accesses: workers that ask for one key at once, in a bucket
 * where places come free meanwhile, with death at every step.
 */
import { describe, expect, it } from 'vitest';
import { createRng } from '../src/core/base/rng.ts';
import { createRateMemory, NO_ROOM, RateTable } from '../src/core/table/rate-table.ts';
import { exploreInterleavings, type Moment, type Party } from './fixtures/interleavings.ts';

const NOON = 1_767_268_800_000;
/** A tick is a millisecond, a request costs ten. */
const RATE = { requests: 100, periodMs: 1000, burst: 2 };
const KEY = 7;
const OTHER = 8;

/** A request: of which key, and how much later than noon. */
type Ask = readonly [key: number, afterMs: number];

interface WorkerState {
  readonly at: number;
  readonly admitted: number;
  readonly refused: number;
  readonly uncounted: number;
}

class Worker implements Party<WorkerState> {
  readonly begin: WorkerState = { at: 0, admitted: 0, refused: 0, uncounted: 0 };
  readonly death: number;
  private readonly table: RateTable;
  private readonly asks: readonly Ask[];

  constructor(table: RateTable, asks: readonly Ask[], death: number) {
    this.table = table;
    this.asks = asks;
    this.death = death;
  }

  next(state: WorkerState): WorkerState | null {
    if (state.at === this.asks.length) return null;
    const [key, afterMs] = this.asks[state.at];
    const waitMs = this.table.take(0, key, NOON + afterMs);
    const next = { ...state, at: state.at + 1 };
    if (waitMs === NO_ROOM) return { ...next, uncounted: state.uncounted + 1 };
    // Only the key that is fought for is counted.
    if (key !== KEY) return next;
    return waitMs === 0
      ? { ...next, admitted: state.admitted + 1 }
      : { ...next, refused: state.refused + 1 };
  }
}

type Now = Moment<WorkerState>;
const sum = ({ places }: Now, of: keyof WorkerState): number =>
  places.reduce((total, { state }) => total + state[of], 0);

/** In how many places the key is in use at this time, as `rate-table.ts` lays them out. */
function places({ words }: Now, wallMs: number): number {
  let alive = 0;
  for (let at = 2; at < words.length; at += 2) {
    const time = (words[at] & 0x7f) * 0x100000000 + (words[at + 1] >>> 0);
    const isUsed = (words[at] & 0x80) === 0 && time > wallMs % 0x8000000000;
    if (words[at] >>> 8 === KEY && isUsed) alive++;
  }
  return alive;
}

type TableOf = new (...args: ConstructorParameters<typeof RateTable>) => RateTable;

interface Cast {
  readonly asks: readonly (readonly Ask[])[];
  /** Asked by one alone, before the others begin. */
  readonly before?: readonly Ask[];
  /** How many of the key's requests may be admitted at most, and are if nobody dies. */
  readonly fits: number;
  readonly table?: TableOf;
}

/** Every order of turns; returns the number of different moments. */
function explore(cast: Cast): number {
  const { asks, before = [], fits, table: TableKind = RateTable } = cast;
  const memory = createRateMemory(1, createRng(1), (bytes) => new ArrayBuffer(bytes));
  const first = new TableKind(memory, RATE);
  for (const [key, afterMs] of before) first.take(0, key, NOON + afterMs);
  const earliest = NOON + Math.min(...asks.flat().map(([, afterMs]) => afterMs));
  const isAtOnce = asks.flat().every(([, afterMs]) => NOON + afterMs === earliest);
  return exploreInterleavings<WorkerState>({
    memories: [new Int32Array(memory)],
    parties: asks.map((each, worker) => {
      return new Worker(new TableKind(memory, RATE), each, worker);
    }),
    check: (_, now) => {
      if (sum(now, 'admitted') > fits) throw new Error('more was admitted than fits');
      if (places(now, earliest) > 1) throw new Error('a key is in use in two places');
    },
    atEnd: (end) => {
      // Clocks that differ refuse what came in another order than their times.
      if (!isAtOnce || end.places.some(({ status }) => status === 'dead')) return null;
      const asked = asks.flat().filter(([key]) => key === KEY).length;
      if (sum(end, 'uncounted') === 0 && sum(end, 'admitted') !== Math.min(fits, asked)) {
        throw new Error('less was admitted than fits');
      }
      return null;
    },
  });
}

const times = (count: number, ask: Ask): Ask[] => new Array(count).fill(ask);

// What is pure comes out the same on every runtime: once is enough.
const isFirst = process.env.EVENKEEL_RUNTIME === undefined;

describe.skipIf(!isFirst)('workers that ask for one key at once, in every order', () => {
  it('are admitted together as often as one alone would be', () => {
    const twice = times(2, [KEY, 0]);
    expect(explore({ asks: [twice, twice], fits: 2 })).toBeGreaterThan(100);
    explore({ asks: [times(1, [KEY, 0]), times(3, [KEY, 0])], fits: 2 });
  });

  it('also when the entry is there already, and partly used', () => {
    const before: Ask[] = [[KEY, 0]];
    explore({ asks: [times(2, [KEY, 0]), times(2, [KEY, 0])], before, fits: 1 });
  });

  it('also when a place before that of the key comes free in the eyes of one of them', () => {
    // The other key is first; for who comes 11 ms later its place is free.
    const before: Ask[] = [[OTHER, 0]];
    explore({ asks: [times(3, [KEY, 0]), times(1, [KEY, 1])], before, fits: 2 });
    explore({ asks: [times(2, [KEY, 9]), times(2, [KEY, 11])], before, fits: 2 });
  });

  it('also when other keys come and take what is free', () => {
    const before: Ask[] = [[OTHER, 0]];
    const asks = [times(2, [KEY, 11]), [[9, 11] as const, [KEY, 11] as const]];
    explore({ asks, before, fits: 2 });
  });

  it('also when what was there of the key has passed', () => {
    const before: Ask[] = [
      [OTHER, 0],
      [KEY, 0],
    ];
    explore({ asks: [times(2, [KEY, 30]), times(2, [KEY, 30])], before, fits: 2 });
  });
});

/** What is private, for its mistakes. */
interface Inner {
  readonly entries: BigInt64Array;
  replace(at: number, entry: bigint, tag: number, time: number, unused?: number): boolean;
}

describe('a mistake that is caught', () => {
  const before: Ask[] = [[OTHER, 0]];
  const cast: Cast = { asks: [times(2, [KEY, 9]), times(2, [KEY, 11])], before, fits: 2 };

  it('is not to look for the key in other places', () => {
    class Hasty extends RateTable {}
    Object.defineProperty(Hasty.prototype, 'isAlone', { value: () => true });
    const run = (): unknown => explore({ ...cast, table: Hasty });
    expect(run).toThrow(/in two places|more was admitted/);
  });

  it('is to take what was only entered for used', () => {
    class Credulous extends RateTable {}
    const { replace } = RateTable.prototype as unknown as Inner;
    Object.defineProperty(Credulous.prototype, 'replace', {
      value(this: Inner, at: number, entry: bigint, tag: number, time: number) {
        return replace.call(this, at, entry, tag, time);
      },
    });
    const run = (): unknown => explore({ ...cast, table: Credulous });
    expect(run).toThrow(/in two places|more was admitted/);
  });

  it('is to write over what another one has written', () => {
    class Blunt extends RateTable {}
    const { replace } = RateTable.prototype as unknown as Inner;
    Object.defineProperty(Blunt.prototype, 'replace', {
      value(this: Inner, at: number, _: bigint, ...rest: [number, number, number]) {
        return replace.call(this, at, Atomics.load(this.entries, at), ...rest);
      },
    });
    const run = (): unknown => explore({ ...cast, table: Blunt });
    expect(run).toThrow(/in two places|more was admitted/);
  });
});
