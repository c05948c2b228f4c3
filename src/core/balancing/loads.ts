/** What policies look at, and what they ask of it alike. */

/** What is known of the backends, by slot, over all workers. The table is one. */
export interface Loads {
  /** Exchanges in flight, about: what others have just done may not be seen yet. */
  busy(slot: number): number;
  /** Whole, 1 or more. */
  weight(slot: number): number;
  /** Whether it is in one of these states (`statesOf`) now, and has room for one more. */
  canTake(slot: number, states: number): boolean;
  /** What `setCost` was told last; 0: nothing. */
  cost(slot: number): number;
  /** When; in the milliseconds of `setCost`, cut to 32 bits. */
  costAtMs(slot: number): number;
  /** A whole number below 2^31 that a policy makes of what it has observed. */
  setCost(slot: number, cost: number, atMs: number): void;
}

/** Whether this backend can be picked: it can take one more, and was not tried. */
export const mayPick = (
  loads: Loads,
  slot: number,
  states: number,
  tried: readonly number[],
): boolean => loads.canTake(slot, states) && (tried.length === 0 || !tried.includes(slot));

/** Whether `slot` has less in flight for its weight than `other`. */
export const isLessBusy = (loads: Loads, slot: number, other: number): boolean =>
  loads.busy(slot) * loads.weight(other) < loads.busy(other) * loads.weight(slot);
