/**
 * Round robin: strict order, exact shares by weight (`schedule.ts` says in which order).
 *
 * All workers draw from one schedule. It starts at the first backend. When the set changes, equal
 * weights go on after the last one picked; unequal ones where each gets what it is owed, so that a
 * light backend is not starved by a pool whose members come and go. What a worker still draws from
 * the schedule before is not owed to anybody: it is a matter of microseconds.
 */
import { assert } from '../base/failure.ts';
import {
  type Allocate,
  type Beside,
  identitySchedule,
  type Schedule,
  scheduleKind,
  smoothSchedule,
  strideSchedule,
} from './schedule.ts';

/** A smooth schedule owes less than this itself; older debts are not worth a burst. */
const MOST_OWED = 2;

const NO_PLACES: Int32Array = new Int32Array(0);

/** Those who are eligible, as schedules that all workers share, whatever the policy. */
export interface Order {
  /**
   * The schedule of these backends, in configured order, each with its weight, and of those in
   * reserve: the one before when nothing is different. Called when the set or a weight changes; may
   * allocate.
   */
  rebuild(
    slots: readonly number[],
    weights: readonly number[],
    reserve?: readonly number[],
  ): Schedule;
}

/** Makes the places by hash that go with a schedule. */
export type Place = (slots: readonly number[], weights: readonly number[]) => Int32Array;

/** Its schedules lie in memory that `allocate` gives, which all workers see. */
export function createRoundRobin(allocate: Allocate, place?: Place): Order {
  return new RoundRobin(allocate, place);
}

/** Who was picked last, and among whom: who follows when that one has left. */
interface LastPick {
  readonly slot: number;
  readonly slots: readonly number[];
}

class RoundRobin implements Order {
  private readonly allocate: Allocate;
  private readonly place: Place | undefined;
  private schedule: Schedule | null = null;
  private slots: readonly number[] = [];
  private weights: readonly number[] = [];
  /** The ticket of the first pick from this schedule. */
  private start = 0;
  private last: LastPick | null = null;
  /** Slot -> picks it is owed: its share of what was picked before, less what it got. */
  private readonly owed = new Map<number, number>();

  constructor(allocate: Allocate, place: Place | undefined) {
    this.allocate = allocate;
    this.place = place;
  }

  rebuild(
    slots: readonly number[],
    weights: readonly number[],
    reserve: readonly number[] = [],
  ): Schedule {
    assert(slots.length === weights.length, 'every slot has a weight');
    const ended = this.schedule;
    const isSame = same(slots, this.slots) && same(weights, this.weights);
    // Only a state changed that makes no difference here: the schedule goes on as it is.
    if (ended !== null && isSame && same(reserve, ended.reserve)) return ended;
    const picked = ended === null ? 0 : this.settle(ended);
    this.slots = [...slots];
    this.weights = [...weights];
    const placement =
      ended !== null && isSame ? ended.placement : (this.place?.(slots, weights) ?? NO_PLACES);
    const schedule = this.build(ended, picked, { placement, reserve });
    this.start = schedule.cursor;
    this.schedule = schedule;
    return schedule;
  }

  /** `drawn` tickets of the schedule before this one were used. */
  private build(before: Schedule | null, drawn: number, beside: Beside): Schedule {
    const { slots, weights, allocate } = this;
    const kind = scheduleKind(weights);
    if (kind === 'identity') {
      const schedule = identitySchedule(slots, allocate, beside);
      schedule.setCursor(this.afterLast(schedule));
      return schedule;
    }
    if (kind === 'smooth') {
      const owed = slots.map((slot) => this.owed.get(slot) ?? 0);
      return smoothSchedule(slots, weights, owed, allocate, beside);
    }
    const schedule = strideSchedule(slots, weights, allocate, beside);
    // What is owed is not kept for these, a cycle has too many turns: they go on at the same part
    // of it, and never back. Exact between changes, near enough when those are some picks apart.
    const next = before?.kind === 'stride' ? (this.start + drawn) % before.length : 0;
    const unchanged = before === null || before.length === schedule.length;
    const part = unchanged ? next : Math.ceil((next / before.length) * schedule.length);
    schedule.setCursor(part % schedule.length);
    return schedule;
  }

  /** What this schedule has given to whom. Returns how many of its tickets were drawn, modulo. */
  private settle(schedule: Schedule): number {
    const { length } = schedule;
    if (length === 0) return 0;
    const { cursor } = schedule;
    const next = cursor % length;
    const drawn = (next - this.start + length) % length;
    let back = (next + length - 1) % length;
    if (cursor !== this.start) {
      while (schedule.slotAt(back) < 0) back = (back + length - 1) % length;
      this.last = { slot: schedule.slotAt(back), slots: this.slots };
    }
    if (schedule.kind === 'stride') return drawn;
    const total = this.weights.reduce((a, b) => a + b, 0);
    // Whole cycles owe nobody anything.
    this.slots.forEach((slot, index) => {
      this.owe(slot, (drawn * this.weights[index]) / total);
    });
    for (let pick = 0; pick < drawn; pick++) {
      this.owe(schedule.slotAt((this.start + pick) % length), -1);
    }
    return drawn;
  }

  private owe(slot: number, picks: number): void {
    const owed = (this.owed.get(slot) ?? 0) + picks;
    this.owed.set(slot, Math.max(-MOST_OWED, Math.min(MOST_OWED, owed)));
  }

  /** The turn after the last picked, or of the first of those that followed it and are here now. */
  private afterLast(schedule: Schedule): number {
    if (this.last === null) return 0;
    const { slot, slots } = this.last;
    const turn = schedule.turnOf(slot);
    if (turn >= 0) return (turn + 1) % schedule.length;
    const left = slots.indexOf(slot);
    const followers = [...slots.slice(left + 1), ...slots.slice(0, left)];
    const follower = followers.find((candidate) => schedule.turnOf(candidate) >= 0);
    return follower === undefined ? 0 : schedule.turnOf(follower);
  }
}

const same = (a: readonly number[], b: ArrayLike<number>): boolean =>
  a.length === b.length && a.every((each, index) => each === b[index]);
