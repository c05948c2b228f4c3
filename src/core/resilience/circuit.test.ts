import { beforeEach, describe, expect, it } from 'vitest';
import { Circuit, CircuitState } from './circuit.ts';

let control: Circuit;
let one: Circuit;
let other: Circuit;

beforeEach(() => {
  const memory = new SharedArrayBuffer(Circuit.BYTES);
  [control, one, other] = [0, 1, 2].map(() => new Circuit(memory));
});

describe('a circuit', () => {
  it('is closed at first, and then as the control thread says, for all workers', () => {
    expect([one.admits(0), one.refuses]).toEqual([true, false]);
    control.set(CircuitState.open, 1000);
    expect([one.admits(0), other.admits(0), other.refuses]).toEqual([false, false, true]);
  });

  it('on trial lets one in, of all workers', () => {
    control.set(CircuitState.trial);
    expect([one.admits(0), one.admits(0), other.admits(0)]).toEqual([true, false, false]);
  });

  it('gets its trial back from who had no use for it', () => {
    control.set(CircuitState.trial);
    one.admits(0);
    one.giveBack();
    expect([other.admits(0), one.admits(0)]).toEqual([true, false]);
  });

  it.each([
    [true, CircuitState.failed],
    [false, CircuitState.passed],
  ])('learns how the trial ended: failed %s', (failed, state) => {
    control.set(CircuitState.trial);
    one.admits(1000);
    one.ended(1100, 90, failed);
    expect(control.state).toBe(state);
    // There is one verdict.
    one.ended(1200, 10, !failed);
    expect(control.state).toBe(state);
  });

  it('does not take for the trial what was on its way before, or is elsewhere', () => {
    control.set(CircuitState.trial);
    one.admits(1000);
    one.ended(1100, 500, false);
    other.ended(1100, 50, false);
    expect(control.state).toBe(CircuitState.tried);
  });

  it('allows for clocks that differ by 5 ms', () => {
    control.set(CircuitState.trial);
    one.admits(1000);
    one.ended(1100, 106, false);
    expect(control.state).toBe(CircuitState.tried);
    one.ended(1100, 105, false);
    expect(control.state).toBe(CircuitState.passed);
  });

  it('says after how many seconds to come again, also across the end of 32 bits', () => {
    const wallMs = 2 ** 41 + 2 ** 31 - 1500;
    control.set(CircuitState.open, wallMs + 4100);
    expect(one.retryAfterSeconds(wallMs)).toBe(5);
    expect(one.retryAfterSeconds(wallMs + 3100)).toBe(1);
    expect(one.retryAfterSeconds(wallMs + 60_000)).toBe(1);
  });
});
