import { beforeEach, describe, expect, it } from 'vitest';
import { Circuit, CircuitState, NO_TRIAL } from './circuit.ts';

let control: Circuit;
let one: Circuit;
let other: Circuit;

beforeEach(() => {
  const memory = new SharedArrayBuffer(Circuit.BYTES);
  [control, one, other] = [0, 1, 2].map(() => new Circuit(memory));
});

describe('a circuit', () => {
  it('is closed at first, and then as the control thread says, for all workers', () => {
    expect([one.admits(), one.refuses]).toEqual([true, false]);
    control.set(CircuitState.open, 1000);
    expect([one.admits(), other.admits(), other.refuses]).toEqual([false, false, true]);
  });

  it('on trial lets one in, of all workers', () => {
    control.set(CircuitState.trial);
    expect([one.admits(), one.admits(), other.admits()]).toEqual([true, false, false]);
    expect([other.beginTrial(), one.beginTrial()]).toEqual([NO_TRIAL, expect.any(Number)]);
  });

  /** An attempt of a worker begins; which trial it is on. */
  function begin(worker: Circuit): number {
    expect(worker.admits()).toBe(true);
    return worker.beginTrial();
  }

  function onTrial(worker: Circuit): number {
    control.set(CircuitState.trial);
    return begin(worker);
  }

  it('gets its trial back from who had no use for it', () => {
    control.set(CircuitState.trial);
    one.admits();
    one.giveBack();
    expect([other.admits(), one.admits()]).toEqual([true, false]);
  });

  it.each([
    [true, CircuitState.failed],
    [false, CircuitState.passed],
  ])('learns how the trial ended: failed %s', (failed, state) => {
    const trial = onTrial(one);
    one.ended(trial, failed);
    expect(control.state).toBe(state);
    // There is one verdict.
    one.ended(trial, !failed);
    expect(control.state).toBe(state);
  });

  it('does not take for the trial what was on its way before, or is elsewhere', () => {
    const [before, elsewhere] = [begin(one), begin(other)];
    control.set(CircuitState.open, 1000);
    onTrial(one);
    one.ended(before, false);
    other.ended(elsewhere, false);
    expect(control.state).toBe(CircuitState.tried);
  });

  it('is not decided by who took an earlier trial, and was slow', () => {
    const slow = onTrial(one);
    const quick = onTrial(other);
    one.ended(slow, false);
    expect(control.state).toBe(CircuitState.tried);
    other.ended(quick, true);
    expect(control.state).toBe(CircuitState.failed);
  });

  it('is not decided by what came while it was closed, where an earlier trial was taken', () => {
    onTrial(other);
    one.ended(onTrial(one), false);
    control.set(CircuitState.closed);
    const whileClosed = begin(other);
    control.set(CircuitState.open, 13_000);
    onTrial(one);
    other.ended(whileClosed, false);
    expect(control.state).toBe(CircuitState.tried);
  });

  it('gets its trial back from nobody but who has taken it', () => {
    other.admits();
    control.set(CircuitState.open, 1000);
    const trial = onTrial(one);
    // It was let in before, and has found no backend now.
    other.giveBack();
    expect(control.state).toBe(CircuitState.tried);
    one.ended(trial, false);
    expect(control.state).toBe(CircuitState.passed);
  });

  it('gets no trial back that is another one by now', () => {
    control.set(CircuitState.trial);
    one.admits();
    onTrial(other);
    one.giveBack();
    expect(control.state).toBe(CircuitState.tried);
  });

  it('has as many trials as it takes: their number begins anew some day', () => {
    const memory = new Int32Array([(-1 << 3) | CircuitState.open, 0, 0]);
    const [worn, worker] = [new Circuit(memory.buffer), new Circuit(memory.buffer)];
    for (let i = 0; i < 3; i++) {
      worn.set(CircuitState.trial);
      expect([worker.admits(), worker.refuses]).toEqual([true, true]);
      worker.ended(worker.beginTrial(), false);
      expect(worn.state).toBe(CircuitState.passed);
      worn.set(CircuitState.closed);
      expect([worker.admits(), worker.refuses, worn.state]).toEqual([true, false, 0]);
    }
  });

  it('says after how many seconds to come again, also across the end of 32 bits', () => {
    const wallMs = 2 ** 41 + 2 ** 31 - 1500;
    control.set(CircuitState.open, wallMs + 4100, 4100);
    expect(one.retryAfterSeconds(wallMs)).toBe(5);
    expect(one.retryAfterSeconds(wallMs + 3100)).toBe(1);
    expect(one.retryAfterSeconds(wallMs + 60_000)).toBe(1);
  });

  it('asks nobody to wait longer than it is open, also when the clock was set back', () => {
    const wallMs = 2 ** 41;
    control.set(CircuitState.open, wallMs + 4100, 4100);
    expect(one.retryAfterSeconds(wallMs - 3_600_000)).toBe(5);
    expect(one.retryAfterSeconds(wallMs + 1000)).toBe(4);
  });
});
