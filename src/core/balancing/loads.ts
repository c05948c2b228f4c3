/** What policies look at, and what they ask of it alike. */
import { expOfNegative } from '../base/math.ts';

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
  /** What backends have told probes. */
  readonly probed: {
    /** Requests in flight there; -1: it has told nothing. */
    inFlight(slot: number): number;
    /** How long requests take there; microseconds. */
    latencyUs(slot: number): number;
    /** When; milliseconds since 1970, cut to 32 bits. */
    atMs(slot: number): number;
  };
}

/** What is this old counts 1/e (Finagle's default). */
const DECAY_MS = 10_000;
/** Points of the curve for each of those times; between two it is a straight line. */
const POINTS = 64;
/** After so many of those times nothing counts any more. */
const LONGEST = 16;
const CURVE = Float64Array.from({ length: LONGEST * POINTS + 1 }, (_, point) =>
  expOfNegative(-point / POINTS),
);

/** The clock of a thread is not further ahead of another's than this. */
export const AHEAD_MS = 1000;

/**
 * How much of a backend's cost still counts: 1 just now, less the older it is; 0 when it is from
 * before the clock was set back.
 */
export function kept(loads: Loads, slot: number, nowMs: number): number {
  // Of 32 bits each: the difference is right across their end.
  const ageMs = ((nowMs | 0) - loads.costAtMs(slot)) | 0;
  if (ageMs <= 0) return ageMs < -AHEAD_MS ? 0 : 1;
  const at = (ageMs * POINTS) / DECAY_MS;
  if (at >= LONGEST * POINTS) return 0;
  const point = Math.floor(at);
  return CURVE[point] + (at - point) * (CURVE[point + 1] - CURVE[point]);
}

/** Whether this backend can be picked: it can take one more, and was not tried. */
export const mayPick = (
  loads: Loads,
  slot: number,
  states: number,
  tried: readonly number[],
): boolean => loads.canTake(slot, states) && (tried.length === 0 || !tried.includes(slot));

/** Whether `slot` has less in flight for its weight than `other`. `isEven`: weights are equal. */
export const isLessBusy = (loads: Loads, slot: number, other: number, isEven: boolean): boolean => {
  if (isEven) return loads.busy(slot) < loads.busy(other);
  return loads.busy(slot) * loads.weight(other) < loads.busy(other) * loads.weight(slot);
};
