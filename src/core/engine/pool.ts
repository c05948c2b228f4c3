/** A pool as a worker sees it: its schedule, from which all workers draw, and its retry budget. */

import { identitySchedule, type Schedule } from '../balancing/schedule.ts';
import { type Failure, failure } from '../base/failure.ts';
import type { PoolConfig } from '../config.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import { State, statesOf, type Table } from '../table/table.ts';

const NOBODY = failure('no_backend', 'us', 'pick', 'never', 'no backend of the pool is available');

const SUSPECT = statesOf(State.suspect);

const emptySchedule = (): Schedule => identitySchedule([], (bytes) => new ArrayBuffer(bytes));

/** Knows which generation of a slot the worker means. */
export interface Generations {
  /** -1: the worker knows no backend there. */
  generation(slot: number): number;
}

export class Pool {
  config: PoolConfig;
  readonly budget = new RetryBudget();
  private readonly table: Table;
  private readonly known: Generations;
  private schedule: Schedule;

  constructor(config: PoolConfig, table: Table, known: Generations) {
    this.config = config;
    this.table = table;
    this.known = known;
    this.schedule = emptySchedule();
  }

  /** A reload has taken it away. Its slots may soon be those of other pools: nobody is picked. */
  retire(): void {
    this.follow(emptySchedule());
  }

  /** Draws from this schedule from now on. */
  follow(schedule: Schedule): void {
    this.schedule = schedule;
  }

  /**
   * Picks a backend that is not among `tried` and enters it in the table. Returns its slot, or -1.
   * Whoever has become ineligible since the schedule was made is passed over by drawing again,
   * never in favour of its successor. Allocates nothing.
   */
  enter(tried: readonly number[]): number {
    const { schedule } = this;
    const { slots, states } = schedule;
    const draws = 2 * slots.length;
    for (let draw = 0; draw < draws; draw++) {
      const slot = schedule.draw();
      if (slot === -1) return -1;
      if (tried.length > 0 && tried.includes(slot)) continue;
      if (this.table.enter(slot, this.known.generation(slot), states)) return slot;
    }
    const slot = this.enterAny(tried, states);
    // All have become suspects just now: a refused connection costs little.
    return slot === -1 ? this.enterAny(tried, SUSPECT) : slot;
  }

  private enterAny(tried: readonly number[], states: number): number {
    for (const slot of this.schedule.slots) {
      if (tried.includes(slot)) continue;
      if (this.table.enter(slot, this.known.generation(slot), states)) return slot;
    }
    return -1;
  }

  hasUntried(tried: readonly number[]): boolean {
    return this.schedule.slots.some((slot) => !tried.includes(slot));
  }

  /** Why `enter` found nobody; `last`: how the last attempt before it failed, if there was one. */
  nobody(last: Failure | null): Failure {
    if (last === null) return NOBODY;
    if (last.kind !== 'refused' && last.kind !== 'unreachable' && last.kind !== 'unresolved') {
      return last;
    }
    const cause = `no backend could be reached, the last one: ${last.cause}`;
    return failure('no_backend', 'us', 'pick', 'never', cause);
  }
}
