import { describe, expect, it } from 'vitest';
import { State } from '../table/table.ts';
import { type Candidate, eligible, firstTier, WARM } from './eligibility.ts';
import { BACKUP } from './levels.ts';

const candidate = (slot: number, state: State, verdictOverdue = false): Candidate => ({
  slot,
  state,
  verdictOverdue,
  level: 0,
  warmth: WARM,
});

/** Of level 0, 1 and so on, each backend in its state; slots count on. */
const levels = (...states: readonly (readonly State[])[]): Candidate[] => {
  const all = states.flatMap((each, level) => each.map((state) => ({ state, level })));
  return all.map(({ state, level }, slot) => ({ ...candidate(slot, state), level }));
};

const backup = (slot: number, state: State): Candidate => ({
  ...candidate(slot, state),
  level: BACKUP,
});

const { up, checking, suspect, down, draining } = State;

describe('the first tier that has anybody', () => {
  it.each([
    [[down, suspect, up], false, 'first'],
    [[down, suspect], false, 'doubtful'],
    [[down, draining], true, 'panic'],
    [[down, draining], false, 'none'],
  ] as const)('of %j is, with panic: %s, %s', (states, panic, tier) => {
    const standing = (state: State) => ({ state, verdictOverdue: false });
    expect(firstTier(states, standing, panic)).toBe(tier);
  });
});

describe('who is eligible', () => {
  it('is who is up, beside those whose first verdict is still awaited, in order', () => {
    const pool = [
      candidate(4, State.checking),
      candidate(2, State.up),
      candidate(3, State.suspect),
      candidate(1, State.down),
      candidate(0, State.up),
    ];
    expect(eligible(pool, true)).toMatchObject({ tier: 'first', slots: [4, 2, 0] });
  });

  it('is not who is still checking after its first verdict was due', () => {
    const pool = [candidate(0, State.checking, true), candidate(1, State.up)];
    expect(eligible(pool, false)).toMatchObject({ tier: 'first', slots: [1] });
  });

  it('is suspects and overdue ones when nobody else is there', () => {
    const pool = [
      candidate(0, State.suspect),
      candidate(1, State.down),
      candidate(2, State.checking, true),
    ];
    expect(eligible(pool, true)).toMatchObject({ tier: 'doubtful', slots: [0, 2] });
  });

  it('is those that probes took down only with panic', () => {
    const pool = [candidate(0, State.down), candidate(1, State.draining)];
    expect(eligible(pool, false)).toMatchObject({ tier: 'none', slots: [] });
    expect(eligible(pool, true)).toMatchObject({ tier: 'panic', slots: [0] });
  });

  it('is never who drains', () => {
    expect(eligible([candidate(0, State.draining)], true)).toMatchObject({
      tier: 'none',
      slots: [],
    });
    expect(eligible([], true)).toMatchObject({ tier: 'none', slots: [] });
  });

  it('is who is on trial beside those that are up, and when nobody is, with the doubtful', () => {
    const trial = candidate(1, State.trial);
    const ejected = candidate(2, State.ejected);
    expect(eligible([candidate(0, State.up), trial, ejected], false)).toMatchObject({
      tier: 'first',
      slots: [0, 1],
    });
    expect(eligible([candidate(0, State.down), trial, ejected], false)).toMatchObject({
      tier: 'doubtful',
      slots: [1, 2],
    });
  });

  it('is who is on trial whatever its level, which counts as it would without it', () => {
    const trial = { ...candidate(0, State.trial), level: 0 };
    const two = [trial, { ...candidate(1, State.up), level: 1 }];
    const { slots, shares } = eligible([...two, backup(2, State.up)], false);
    expect(slots).toEqual([0, 1]);
    expect([...shares]).toEqual([[1, 100]]);
    expect(eligible([trial, backup(1, State.up)], false)).toMatchObject({
      slots: [0, 1],
      reserve: [],
    });
  });

  it('stays so in the states of its tier, and in better ones', () => {
    const { up, checking, suspect, down, draining, ejected, trial, free } = State;
    const all = [up, checking, trial, suspect, ejected, down, draining, free];
    const stays = (state: State) => {
      const { states } = eligible([candidate(0, state)], true);
      return all.filter((s) => states & (1 << s));
    };
    expect(stays(up)).toEqual([up, checking, trial]);
    expect(stays(suspect)).toEqual([up, checking, trial, suspect, ejected]);
    expect(stays(down)).toEqual([up, checking, trial, suspect, ejected, down]);
    expect(stays(draining)).toEqual([]);
  });
});

describe('of several levels', () => {
  it('only the first has exchanges while enough of it is there; the others are in reserve', () => {
    const who = eligible(levels([up, up], [up], [up, down]), true);
    expect(who).toMatchObject({ tier: 'first', slots: [0, 1], reserve: [2, 3] });
    expect([...who.shares]).toEqual([[0, 100]]);
  });

  it('the next one gets what is too much for those before it', () => {
    const who = eligible(levels([up, down], [up, checking], [up]), false);
    expect(who).toMatchObject({ slots: [0, 2, 3], reserve: [4] });
    expect([...who.shares]).toEqual([
      [0, 70],
      [1, 30],
    ]);
  });

  it('one counts as nothing when all of it is suspected, overdue, down or drained', () => {
    const pool = levels([suspect, checking, down, draining], [up]);
    const overdue = pool.map((each) => ({ ...each, verdictOverdue: each.slot === 1 }));
    expect(eligible(overdue, true)).toMatchObject({ tier: 'first', slots: [4], reserve: [] });
  });

  it('the first one with suspects is used when nobody is up at any, and then the next', () => {
    const who = eligible(levels([down], [suspect, suspect], [suspect]), true);
    expect(who).toMatchObject({ tier: 'doubtful', slots: [1, 2], reserve: [3] });
    expect([...who.shares]).toEqual([[1, 100]]);
  });

  it('the first one is used when everybody is down, and the pool panics', () => {
    const pool = levels([down], [down]);
    expect(eligible(pool, true)).toMatchObject({ tier: 'panic', slots: [0], reserve: [1] });
    expect(eligible(pool, false)).toMatchObject({ tier: 'none', slots: [], reserve: [] });
  });

  it('those that start slowly carry as much as they get', () => {
    const pool = levels([up, up], [up]);
    const slow = [pool[0], { ...pool[1], warmth: 2 }, pool[2]];
    expect([...eligible(slow, false).shares]).toEqual([
      [0, 77],
      [1, 23],
    ]);
  });

  it('one of which too few are there to count is used when there is no other', () => {
    const pool = levels([up, ...Array.from({ length: 140 }, () => down)], [down]);
    expect(eligible(pool, false)).toMatchObject({ slots: [0], shares: new Map([[0, 100]]) });
  });

  it('the lowest there is comes first, whatever its number', () => {
    const pool = levels([], [], [up], [up]);
    expect(eligible(pool, false)).toMatchObject({ slots: [0], reserve: [1] });
  });
});

describe('backups', () => {
  it('get nothing while anybody else is there, however few', () => {
    const pool = [up, down, down, down].map((state, slot) => candidate(slot, state));
    const who = eligible([...pool, backup(4, up), backup(5, suspect)], true);
    expect(who).toMatchObject({ tier: 'first', slots: [0], reserve: [4] });
  });

  it('get everything when nobody else is, before those that are doubtful', () => {
    const pool = [candidate(0, suspect), backup(1, up), candidate(2, down), backup(3, checking)];
    const who = eligible(pool, true);
    expect(who).toMatchObject({ tier: 'first', slots: [1, 3], reserve: [] });
    expect([...who.shares]).toEqual([[BACKUP, 100]]);
  });

  it('come last among suspects, and in panic', () => {
    const suspects = [
      backup(0, suspect),
      candidate(1, suspect),
      { ...candidate(2, suspect), level: 15 },
    ];
    expect(eligible(suspects, false)).toMatchObject({ slots: [1], reserve: [2, 0] });
    expect(eligible([backup(0, down), candidate(1, down)], true).slots).toEqual([1]);
  });
});
