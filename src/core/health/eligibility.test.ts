import { describe, expect, it } from 'vitest';
import { State } from '../table/table.ts';
import { type Candidate, eligible } from './eligibility.ts';

const candidate = (slot: number, state: State, verdictOverdue = false): Candidate => ({
  slot,
  state,
  verdictOverdue,
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

  it('stays so in the states of its tier, and in better ones', () => {
    const { up, checking, suspect, down, draining, free } = State;
    const stays = (state: State) => {
      const { states } = eligible([candidate(0, state)], true);
      return [up, checking, suspect, down, draining, free].filter((s) => states & (1 << s));
    };
    expect(stays(up)).toEqual([up, checking]);
    expect(stays(suspect)).toEqual([up, checking, suspect]);
    expect(stays(down)).toEqual([up, checking, suspect, down]);
    expect(stays(draining)).toEqual([]);
  });
});
