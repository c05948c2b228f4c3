import { describe, expect, it } from 'vitest';
import { State, stateName, Table } from './table.ts';

describe('slots', () => {
  it('are claimed from the first free one, with their weight and state', () => {
    const table = new Table(3);
    expect(table.claim(5, State.checking)).toBe(0);
    expect(table.claim(1, State.up)).toBe(1);
    expect(table.weight(0)).toBe(5);
    expect(table.state(0)).toBe(State.checking);
    expect(table.state(1)).toBe(State.up);
    expect(table.state(2)).toBe(State.free);
  });

  it('end: a full table says null', () => {
    const table = new Table(1);
    expect(table.claim(1, State.up)).toBe(0);
    expect(table.claim(1, State.up)).toBeNull();
  });

  it('that were freed come back with another generation', () => {
    const table = new Table(1);
    table.claim(1, State.up);
    const before = table.generation(0);
    table.free(0);
    expect(table.state(0)).toBe(State.free);
    expect(table.claim(2, State.checking)).toBe(0);
    expect(table.generation(0)).not.toBe(before);
    expect(table.weight(0)).toBe(2);
  });

  it('are not freed while anything is in flight', () => {
    const table = new Table(2);
    table.claim(1, State.up);
    table.enter(0);
    expect(() => table.free(0)).toThrow(/in flight/);
    table.leave(0);
    table.enterTunnel(0);
    expect(() => table.free(0)).toThrow(/in flight/);
    table.leaveTunnel(0);
    table.free(0);
  });
});

describe('states', () => {
  it('go to suspect from up and checking only, for one caller', () => {
    const table = new Table(1);
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
    const table = new Table(2);
    table.enter(1);
    table.enter(1);
    table.enterTunnel(1);
    table.leave(1);
    expect([table.inFlight(1), table.tunnels(1), table.inFlight(0)]).toEqual([1, 1, 0]);
  });

  it('never go below zero', () => {
    const table = new Table(1);
    expect(() => table.leave(0)).toThrow(/leaves a backend once/);
    expect(() => table.leaveTunnel(0)).toThrow(/leaves a backend once/);
  });
});

describe('cursors', () => {
  it('count up, one for each pool, and wrap at 2^32', () => {
    const table = new Table(2);
    expect([table.draw(0), table.draw(0), table.draw(1)]).toEqual([0, 1, 0]);
    table.setCursor(0, 0xffffffff);
    expect(table.cursor(0)).toBe(0xffffffff);
    expect([table.draw(0), table.draw(0)]).toEqual([0xffffffff, 0]);
  });

  it('stay unsigned across 2^31', () => {
    const table = new Table(1);
    table.setCursor(0, 0x7fffffff);
    expect([table.draw(0), table.draw(0)]).toEqual([0x7fffffff, 0x80000000]);
  });

  it('are moved only from where they stand', () => {
    const table = new Table(1);
    table.setCursor(0, 0x80000001);
    expect(table.moveCursor(0, 0x80000000, 1)).toBe(false);
    expect(table.cursor(0)).toBe(0x80000001);
    expect(table.moveCursor(0, 0x80000001, 2)).toBe(true);
    expect(table.draw(0)).toBe(2);
    table.setCursor(0, 0);
    expect(table.moveCursor(0, 0x100000000, 5)).toBe(true);
    expect(table.cursor(0)).toBe(5);
  });
});

describe('the memory of a table', () => {
  it('is shared: two tables over one buffer see one truth', () => {
    const buffer = new SharedArrayBuffer(Table.bytesFor(4));
    const control = new Table(4, buffer);
    const worker = new Table(4, buffer);
    const slot = control.claim(3, State.up);
    expect(slot).toBe(0);
    expect(worker.weight(0)).toBe(3);
    worker.enter(0);
    expect(control.inFlight(0)).toBe(1);
    expect(worker.suspect(0)).toBe(true);
    expect(control.state(0)).toBe(State.suspect);
    expect([worker.draw(2), control.draw(2)]).toEqual([0, 1]);
  });

  it('has to be large enough', () => {
    expect(() => new Table(4, new ArrayBuffer(8))).toThrow(/holds the whole table/);
  });
});
