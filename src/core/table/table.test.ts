import { describe, expect, it } from 'vitest';
import { occupy } from '../../../test/fixtures/control-world.ts';
import { TRIAL_FAILED } from './streaks.ts';
import { State, stateName, statesOf, Table } from './table.ts';

describe('slots', () => {
  it('are claimed from the first free one, with their weight and state', () => {
    const table = new Table({ capacity: 3, workers: 1 });
    expect(table.claim(5, State.checking)).toBe(0);
    expect(table.claim(1, State.up)).toBe(1);
    expect(table.weight(0)).toBe(5);
    expect(table.state(0)).toBe(State.checking);
    expect(table.state(1)).toBe(State.up);
    expect(table.state(2)).toBe(State.free);
  });

  it('are claimed in no more steps than there are, also by very many backends', () => {
    const table = new Table({ capacity: 100_000, workers: 1 });
    for (let slot = 0; slot < 100_000; slot++) table.claim(1, State.up);
    expect(table.claim(1, State.up)).toBeNull();
    for (const slot of [70_000, 3]) {
      table.setState(slot, State.draining);
      table.free(slot);
    }
    expect([table.claim(1, State.up), table.claim(1, State.up)]).toEqual([3, 70_000]);
  });

  it('end: a full table says null', () => {
    const table = new Table({ capacity: 1, workers: 1 });
    expect(table.claim(1, State.up)).toBe(0);
    expect(table.claim(1, State.up)).toBeNull();
  });

  it('that were freed come back with another generation', () => {
    const table = new Table({ capacity: 1, workers: 1 });
    table.claim(1, State.up);
    const before = table.generation(0);
    table.setState(0, State.draining);
    table.free(0);
    expect(table.state(0)).toBe(State.free);
    expect(table.claim(2, State.checking)).toBe(0);
    expect(table.generation(0)).not.toBe(before);
    expect(table.weight(0)).toBe(2);
  });

  it('are not freed while somebody may enter, or a tunnel is there', () => {
    const table = new Table({ capacity: 2, workers: 1 });
    table.claim(1, State.up);
    expect(() => table.free(0)).toThrow(/nobody can enter/);
    table.setState(0, State.draining);
    table.enterTunnel(0);
    expect(() => table.free(0)).toThrow(/no tunnel/);
    table.leaveTunnel(0);
    table.free(0);
    expect(table.state(0)).toBe(State.free);
  });
});

describe('states', () => {
  it('go to suspect from up and checking only, for one caller', () => {
    const table = new Table({ capacity: 1, workers: 1 });
    for (const [state, moves] of [
      [State.up, true],
      [State.checking, true],
      [State.suspect, false],
      [State.down, false],
      [State.draining, false],
      [State.free, false],
    ] as const) {
      table.setState(0, state);
      expect(table.suspect(0)).toBe(moves);
      expect(table.state(0)).toBe(moves ? State.suspect : state);
      expect(table.suspect(0)).toBe(false);
    }
  });

  it('have names', () => {
    expect(stateName(State.suspect)).toBe('suspect');
    expect(stateName(State.free)).toBe('free');
  });
});

describe('counts', () => {
  it('keep exchanges and tunnels apart', () => {
    const table = new Table({ capacity: 2, workers: 1 });
    occupy(table, 1);
    occupy(table, 1);
    table.enterTunnel(1);
    table.leave(1);
    expect([table.inFlight(1), table.tunnels(1), table.inFlight(0)]).toEqual([1, 1, 0]);
  });

  it('never go below zero', () => {
    const table = new Table({ capacity: 1, workers: 1 });
    expect(() => table.leave(0)).toThrow(/leaves a backend once/);
    expect(() => table.leaveTunnel(0)).toThrow(/leaves a backend once/);
  });
});

describe('who enters a backend', () => {
  const ready = statesOf(State.up, State.checking);

  it('is let in in these states only, and counted only then', () => {
    const table = new Table({ capacity: 1, workers: 1 });
    table.claim(1, State.up);
    for (const state of Object.values(State)) {
      table.setState(0, state);
      const isReady = state === State.up || state === State.checking;
      expect(table.enter(0, 0, ready)).toBe(isReady);
      expect(table.inFlight(0)).toBe(isReady ? 1 : 0);
      if (isReady) table.leave(0);
    }
  });

  it('has to mean the backend that is there now', () => {
    const table = new Table({ capacity: 1, workers: 1 });
    table.claim(1, State.up);
    const before = table.generation(0);
    table.setState(0, State.draining);
    table.free(0);
    table.claim(1, State.up);
    expect(table.enter(0, before, ready)).toBe(false);
    expect(table.enter(0, table.generation(0), ready)).toBe(true);
  });
});

describe('a backend that keeps its clients', () => {
  it('lets them in while it drains, until it does not any more', () => {
    const table = new Table({ capacity: 1, workers: 1 });
    table.claim(1, State.up);
    expect(table.enterKept(0, 0)).toBe(false);
    table.setKeeps(0, true);
    expect(table.enterKept(0, 0)).toBe(false);
    table.setState(0, State.draining);
    expect(table.enterKept(0, 1)).toBe(false);
    expect(table.enterKept(0, 0)).toBe(true);
    expect(table.inFlight(0)).toBe(1);
    table.setKeeps(0, false);
    expect(table.enterKept(0, 0)).toBe(false);
    expect(table.inFlight(0)).toBe(1);
  });

  it('leaves nothing of that to the next one in its slot', () => {
    const table = new Table({ capacity: 1, workers: 1 });
    table.claim(1, State.up);
    table.setKeeps(0, true);
    table.setState(0, State.draining);
    table.free(0);
    table.claim(1, State.up);
    expect(table.keeps(0)).toBe(false);
  });
});

describe('a table of several workers', () => {
  const size = { capacity: 3, workers: 2 };
  function workersOf() {
    const buffer = new SharedArrayBuffer(Table.bytesFor(size));
    const [control, first, second] = [
      new Table(size, buffer),
      new Table(size, buffer, 0),
      new Table(size, buffer, 1),
    ];
    for (let slot = 0; slot < size.capacity; slot++) control.claim(slot + 1, State.up);
    return { control, first, second };
  }

  it('is one truth', () => {
    const { control, first, second } = workersOf();
    expect([first.weight(2), second.weight(2)]).toEqual([3, 3]);
    occupy(first, 1);
    occupy(second, 1);
    second.enterTunnel(2);
    expect([control.inFlight(1), first.inFlight(1), first.ownInFlight(1)]).toEqual([2, 2, 1]);
    expect([control.tunnels(2), first.ownTunnels(2), second.ownTunnels(2)]).toEqual([1, 0, 1]);
    expect(first.suspect(0)).toBe(true);
    expect([second.suspect(0), control.state(0)]).toEqual([false, State.suspect]);
    expect([first.addOffence(1), second.addOffence(1), control.offences(1)]).toEqual([1, 2, 2]);
  });

  it('forgets what a dead worker had in flight, and nothing else, also when told twice', () => {
    const { control, first, second } = workersOf();
    for (let slot = 0; slot < size.capacity; slot++) {
      occupy(first, slot);
      occupy(second, slot);
      first.enterTunnel(slot);
      second.enterTunnel(slot);
    }
    control.clearLedger(0);
    control.clearLedger(0);
    for (let slot = 0; slot < size.capacity; slot++) {
      expect([control.inFlight(slot), control.tunnels(slot)]).toEqual([1, 1]);
      second.leave(slot);
    }
    expect(control.inFlight(2)).toBe(0);
  });

  it('keeps what probes were told, and nothing of it for the next backend', () => {
    const table = new Table({ capacity: 1, workers: 1 });
    const slot = table.claim(1, State.up)!;
    expect(table.probed.inFlight(slot)).toBe(-1);
    table.probed.set(slot, 7, 5e9, 0x180000000 + 5);
    const told = [
      table.probed.inFlight(slot),
      table.probed.latencyUs(slot),
      table.probed.atMs(slot),
    ];
    expect(told).toEqual([7, 2 ** 31 - 1, (0x180000000 + 5) | 0]);
    table.setState(slot, State.draining);
    table.free(slot);
    expect(table.probed.inFlight(table.claim(1, State.up)!)).toBe(-1);
  });

  it('gives a slot to a new backend without the offences of the one before', () => {
    const { control, first } = workersOf();
    first.addOffence(1);
    control.setState(1, State.draining);
    control.free(1);
    expect(control.claim(1, State.up)).toBe(1);
    expect(first.offences(1)).toBe(0);
  });
});

describe('the memory of a table', () => {
  it('has to be large enough', () => {
    const size = { capacity: 4, workers: 1 };
    expect(() => new Table(size, new ArrayBuffer(8))).toThrow(/holds the whole table/);
  });

  it('has a ledger for each worker', () => {
    const size = { capacity: 4, workers: 2 };
    expect(() => new Table(size, undefined, 2)).toThrow(/a ledger for this worker/);
  });

  it('is of the same kind as what it allocates', () => {
    const size = { capacity: 4, workers: 1 };
    const shared = new Table(size, new SharedArrayBuffer(Table.bytesFor(size)));
    expect(shared.allocate(8)).toBeInstanceOf(SharedArrayBuffer);
    expect(new Table(size).allocate(8)).toBeInstanceOf(ArrayBuffer);
  });
});

describe('what policies look at', () => {
  it('is how many exchanges all workers have there', () => {
    const size = { capacity: 2, workers: 3 };
    const { buffer } = new Table(size);
    const shared = [0, 1, 2].map((me) => new Table(size, buffer, me));
    shared[0].claim(1, State.up);
    for (const each of [shared[0], shared[2], shared[2]]) each.enter(0, 0, statesOf(State.up));
    expect(shared.map((each) => each.busy(0))).toEqual([3, 3, 3]);
    shared[2].leave(0);
    expect([shared[1].busy(0), shared[1].busy(1)]).toEqual([2, 0]);
  });

  it('is whether a backend is in one of some states', () => {
    const table = new Table({ capacity: 2, workers: 1 });
    table.claim(1, State.suspect);
    expect(table.canTake(0, statesOf(State.up, State.suspect))).toBe(true);
    expect(table.canTake(0, statesOf(State.up, State.checking))).toBe(false);
    expect(table.canTake(1, statesOf(State.up, State.checking, State.suspect))).toBe(false);
  });

  it('is whether it has room, where a tunnel takes as much as an exchange', () => {
    const table = new Table({ capacity: 1, workers: 1 });
    const isUp = statesOf(State.up);
    table.claim(1, State.up);
    table.setLimit(0, 1);
    expect(table.canTake(0, isUp)).toBe(true);
    table.enter(0, 0, isUp);
    table.enterTunnel(0);
    table.leave(0);
    expect([table.canTake(0, isUp), table.enter(0, 0, isUp)]).toEqual([false, false]);
    table.leaveTunnel(0);
    expect(table.canTake(0, isUp)).toBe(true);
  });

  it('is what they have written down of it, which the next in its slot does not inherit', () => {
    const table = new Table({ capacity: 1, workers: 1 });
    table.claim(1, State.up);
    expect(table.cost(0)).toBe(0);
    table.setCost(0, 1234, 0x180000000 + 5);
    expect([table.cost(0), table.costAtMs(0)]).toEqual([1234, 0x80000005 | 0]);
    table.setState(0, State.draining);
    table.free(0);
    table.claim(1, State.up);
    expect(table.cost(0)).toBe(0);
  });
});

describe('connections', () => {
  const size = { capacity: 2, workers: 2 };
  const pair = (): Table[] => {
    const one = new Table(size);
    return [one, new Table(size, one.buffer, 1)];
  };

  it('are counted over all workers, up to the most there may be', () => {
    const [one, other] = pair();
    expect([one.openConnection(0, 2), other.openConnection(0, 2)]).toEqual([true, true]);
    expect([one.openConnection(0, 2), other.openConnection(0, 2)]).toEqual([false, false]);
    expect([one.connections(0), one.ownConnections(0), one.connections(1)]).toEqual([2, 1, 0]);
    other.closeConnection(0);
    expect(one.openConnection(0, 2)).toBe(true);
    expect(one.openConnection(0, 0)).toBe(true);
    expect(() => other.closeConnection(0)).toThrow('a connection is closed once');
  });

  it('are spare where they carry neither exchange nor tunnel', () => {
    const [one, other] = pair();
    one.claim(1, State.up);
    for (let i = 0; i < 3; i++) other.openConnection(0, 0);
    occupy(other, 0);
    other.enterTunnel(0);
    expect([one.spareConnections(0, 0), one.spareConnections(0, 1)]).toEqual([0, 1]);
    for (let i = 0; i < 2; i++) other.openConnection(1, 0);
    expect([one.spareConnections(1, 0), one.spareConnections(1, 1)]).toEqual([0, 2]);
  });

  it('are wanted by others or not, and a dead worker neither has nor wants any', () => {
    const [one, other] = pair();
    other.wantConnections(0, 1);
    other.openConnection(0, 0);
    expect([one.othersWant(0), other.othersWant(0), one.othersWant(1)]).toEqual([
      true,
      false,
      false,
    ]);
    one.clearLedger(1);
    expect([one.othersWant(0), one.connections(0)]).toEqual([false, 0]);
  });
});

describe('outcomes of attempts', () => {
  const size = { capacity: 2, workers: 2 };

  /** As two workers see one table, with a backend in slot 0. */
  function two(): readonly [Table, Table] {
    const first = new Table(size);
    first.claim(1, State.up);
    return [first, new Table(size, first.buffer, 1)];
  }

  it('are sums over all workers, and a row of failures is one row for all', () => {
    const [first, second] = two();
    expect([first.noteFailure(0), second.noteFailure(0)]).toEqual([1, 2]);
    expect(second.noteAnswer(0, 7.4)).toBe(false);
    expect(first.streaks.at(0)).toBe(0);
    expect([second.noteFailure(0), first.noteAnswer(0, 2)]).toEqual([1, false]);
    expect(second.outcomes(0)).toEqual({ answers: 2, failures: 3, headMs: 9 });
    expect(first.outcomes(1)).toEqual({ answers: 0, failures: 0, headMs: 0 });
  });

  it('outlive the worker that saw them', () => {
    const [first, second] = two();
    second.noteAnswer(0, 5);
    first.clearLedger(1);
    expect(first.outcomes(0)).toEqual({ answers: 1, failures: 0, headMs: 5 });
  });

  it('of a row are not inherited by the next in the slot', () => {
    const [table] = two();
    table.noteFailure(0);
    table.setState(0, State.draining);
    table.free(0);
    table.claim(1, State.up);
    expect(table.streaks.at(0)).toBe(0);
  });
});

describe('a trial', () => {
  const size = { capacity: 1, workers: 2 };
  const states = statesOf(State.up, State.trial);

  function onTrial(): readonly [Table, Table] {
    const first = new Table(size);
    first.claim(1, State.ejected);
    first.setCost(0, 5000, 1);
    first.offerTrial(0);
    return [first, new Table(size, first.buffer, 1)];
  }

  it('lets one exchange in, and then it is ejected as before', () => {
    const [first, second] = onTrial();
    expect(first.canTake(0, states)).toBe(true);
    expect(second.enter(0, 0, states)).toBe(true);
    expect([first.enter(0, 0, states), second.enter(0, 0, states)]).toEqual([false, false]);
    expect([first.state(0), first.inFlight(0)]).toEqual([State.ejected, 1]);
  });

  /** Of the worker that enters it. */
  function enterTrial(table: Table): number {
    expect(table.enter(0, 0, states)).toBe(true);
    return table.beginTrial();
  }

  it('is decided by one outcome, whatever comes after it', () => {
    const [first, second] = onTrial();
    expect(first.streaks.at(0)).toBe(0);
    let trial = enterTrial(first);
    expect([first.noteAnswer(0, 1, trial), first.noteAnswer(0, 1, trial)]).toEqual([true, false]);
    first.offerTrial(0);
    trial = enterTrial(second);
    expect([second.noteFailure(0, trial), first.noteFailure(0)]).toEqual([TRIAL_FAILED, 1]);
    first.offerTrial(0);
    trial = enterTrial(first);
    const decides = (): boolean => first.streaks.endTrial(0, trial);
    expect([decides(), decides(), first.noteFailure(0)]).toEqual([true, false, 1]);
  });

  it('is not decided by what was there before, or came without it', () => {
    const first = new Table(size);
    const second = new Table(size, first.buffer, 1);
    first.claim(1, State.up);
    first.enter(0, 0, states);
    const before = first.beginTrial();
    first.setState(0, State.ejected);
    second.enter(0, 0, statesOf(State.ejected));
    first.offerTrial(0);
    const without = second.beginTrial();
    const trial = enterTrial(second);
    expect([first.noteAnswer(0, 1, before), first.streaks.endTrial(0, before)]).toEqual([
      false,
      false,
    ]);
    expect([second.noteAnswer(0, 1, without), second.noteFailure(0, without)]).toEqual([false, -1]);
    expect(second.noteAnswer(0, 1, trial)).toBe(true);
  });

  it('is not decided by who had an earlier one', () => {
    const [first, second] = onTrial();
    const slow = enterTrial(first);
    first.offerTrial(0);
    const trial = enterTrial(second);
    expect([first.noteAnswer(0, 1, slow), first.streaks.endTrial(0, slow)]).toEqual([false, false]);
    expect(first.noteFailure(0, slow)).toBeLessThan(0);
    expect(second.noteFailure(0, trial)).toBe(TRIAL_FAILED);
  });

  it('is not decided where there is none', () => {
    const [table] = onTrial();
    table.streaks.clear(0);
    expect([table.streaks.endTrial(0, 0), table.noteFailure(0), table.streaks.at(0)]).toEqual([
      false,
      1,
      1,
    ]);
  });

  it('forgets that the backend was slow: who goes by that would never try it', () => {
    const [table] = onTrial();
    expect(table.cost(0)).toBe(0);
  });

  it('is nothing for a worker that means another generation', () => {
    const [table] = onTrial();
    expect(table.enter(0, 1, states)).toBe(false);
    expect(table.state(0)).toBe(State.trial);
  });
});
