/** Which mutant is on in this process, and which were passed by: `$mutant` of `withSwitches`. */

/** Nobody's number. */
export const NONE = 0;

const state = { on: NONE, left: Number.POSITIVE_INFINITY, passed: new Map<number, number>() };

function isOn(number: number): boolean {
  if (state.on === NONE) {
    state.passed.set(number, (state.passed.get(number) ?? 0) + 1);
    return false;
  }
  if (number !== state.on) return false;
  if (--state.left < 0) throw new Error('a mutant runs for ever');
  return true;
}

/** Before any code with mutants in it is loaded. */
export function installSwitch(): void {
  Object.assign(globalThis, { $mutant: isOn });
}

/**
 * From now on this one is on; `NONE`: how often each is passed by is counted anew. `usual`: how
 * often it is passed when it is off; a mutant that is passed very much more often than that has
 * made a loop that does not end.
 */
export function turnOn(number: number, usual = 0): void {
  state.on = number;
  state.left = usual * 10 + 100_000;
  if (number === NONE) state.passed.clear();
}

/** How often each mutant was passed by since the last `turnOn(NONE)`. */
export function passedBy(): ReadonlyMap<number, number> {
  return state.passed;
}
