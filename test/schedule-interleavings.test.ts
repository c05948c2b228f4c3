/**
 * The cursor of a schedule where it comes round, under every order of accesses: workers that draw
 * from it, with death at every step. Whoever comes, and whoever dies, turns go on in strict order.
 */
import { describe, expect, it } from 'vitest';
import { identitySchedule, LONGEST_CYCLE, Schedule } from '../src/core/balancing/schedule.ts';
import { exploreInterleavings, type Moment, type Party } from './fixtures/interleavings.ts';

/** What each draw of a worker has given. */
type Drawn = readonly number[];

class Worker implements Party<Drawn> {
  readonly begin: Drawn = [];
  readonly death = 0;
  private readonly schedule: Schedule;
  private readonly draws: number;

  constructor(schedule: Schedule, draws: number) {
    this.schedule = schedule;
    this.draws = draws;
  }

  next(drawn: Drawn): Drawn | null {
    return drawn.length === this.draws ? null : [...drawn, this.schedule.draw()];
  }
}

/** A number that 2^31 is no multiple of: its cycle does not end where the numbers end. */
const SLOTS = [0, 1, 2];

const turnAt = (cursor: number): number => (cursor >>> 0) % SLOTS.length;

/** Every order of turns, so many draws before the end; returns the number of different moments. */
function explore(draws: readonly number[], before: number, ScheduleKind = Schedule): number {
  const plain = identitySchedule(SLOTS, (bytes) => new ArrayBuffer(bytes));
  plain.setCursor(LONGEST_CYCLE - before);
  const { words } = plain;
  const cursorAt = words.indexOf((LONGEST_CYCLE - before) | 0);
  const cursorOf = (moment: Moment<Drawn>): number => moment.words[cursorAt];
  const parties = draws.map((count) => new Worker(new ScheduleKind(words.buffer), count));
  return exploreInterleavings<Drawn>({
    memories: [words],
    parties,
    check: (then, now) => {
      const turn = turnAt(cursorOf(then));
      const passed = (turnAt(cursorOf(now)) - turn + SLOTS.length) % SLOTS.length;
      if (passed > 1) throw new Error('the cursor has left the order');
      now.places.forEach((place, worker) => {
        const earlier = then.places[worker];
        const [began] = earlier.results;
        const [beginsNow] = place.results;
        if (began === undefined && beginsNow !== undefined) is(turnAt(Number(beginsNow)), turn);
        if (place.state.length === earlier.state.length) return;
        is(place.state.at(-1), began === undefined ? turn : turnAt(Number(began)));
      });
    },
    atEnd: (end) => {
      const isWhole = end.places.every(({ status }) => status !== 'dead');
      const isHigh = cursorOf(end) >>> 0 > LONGEST_CYCLE;
      if (isWhole && isHigh) throw new Error('the cursor was not moved');
      return null;
    },
  });
}

function is(slot: number | undefined, turn: number): void {
  if (slot !== turn) throw new Error('somebody was given another turn than was his');
}

// What is pure comes out the same on every runtime: once is enough.
const isFirst = process.env.EVENKEEL_RUNTIME === undefined;

describe.skipIf(!isFirst)('turns at the end of the numbers, in every order and death', () => {
  it.each([0, 1, 2, 3, 4])(
    'go on in strict order for two workers, %i draws before it',
    (before) => {
      expect(explore([3, 3], before)).toBeGreaterThan(50);
    },
  );

  it('go on in strict order for three', () => {
    for (const before of [0, 1, 2]) expect(explore([3, 3, 3], before)).toBeGreaterThan(1000);
  });
});

describe('a mistake that is caught', () => {
  /** Draws as a schedule does, but moves the cursor in another way. */
  const moving = (move: (words: Int32Array, at: number, ticket: number) => void) =>
    class extends Schedule {
      override draw(): number {
        const at = 0;
        const ticket = Atomics.add(this.words, at, 1) >>> 0;
        if (ticket >= LONGEST_CYCLE) move(this.words, at, ticket);
        return this.slotAt(ticket % this.length);
      }
    };

  it('is to move the cursor whoever has drawn meanwhile', () => {
    const Hasty = moving((words, at, ticket) => {
      Atomics.store(words, at, (ticket + 1) % SLOTS.length);
    });
    expect(() => explore([3, 3], 1, Hasty)).toThrow('the cursor has left the order');
  });

  it('is to begin at the first turn', () => {
    const Forgetful = moving((words, at, ticket) => {
      Atomics.compareExchange(words, at, (ticket + 1) | 0, 0);
    });
    expect(() => explore([2, 1], 0, Forgetful)).toThrow('the cursor has left the order');
  });

  it('is to leave it where it is', () => {
    expect(() =>
      explore(
        [2, 1],
        0,
        moving(() => {}),
      ),
    ).toThrow('the cursor was not moved');
  });
});
