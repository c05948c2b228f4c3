/** A pool as a worker sees it: who is eligible, and the policy that chooses among them. */

import { type Policy, policies } from '../balancing/balancing.ts';
import { type Failure, failure } from '../base/failure.ts';
import type { PoolConfig } from '../config.ts';
import { eligible } from '../health/eligibility.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import type { Backend } from '../table/backend.ts';
import { State, type Table } from '../table/table.ts';

const NOBODY = failure('no_backend', 'us', 'pick', 'never', 'no backend of the pool is available');

export class Pool {
  config: PoolConfig;
  readonly budget = new RetryBudget();
  readonly row: number;
  private readonly table: Table;
  private readonly policy: Policy;
  private backends: readonly Backend[] = [];
  private slots: readonly number[] = [];

  /** `row`: the pool's own row in the table's per-pool columns. */
  constructor(config: PoolConfig, table: Table, row: number) {
    this.config = config;
    this.table = table;
    this.row = row;
    this.policy = policies[config.policy](table, row);
  }

  /** Another configuration, other members; states may have changed as well. */
  configure(config: PoolConfig, backends: readonly Backend[]): void {
    this.config = config;
    this.backends = backends;
    this.refresh();
  }

  /** A state or a weight changed: works out anew who is eligible. Allocates. */
  refresh(): void {
    const candidates = this.backends.map((backend) => ({
      slot: backend.slot,
      state: this.table.state(backend.slot),
      verdictOverdue: backend.verdictOverdue,
    }));
    this.slots = eligible(candidates, this.config.panic).slots;
    const weights = this.slots.map((slot) => this.table.weight(slot));
    this.policy.rebuild(this.slots, weights);
  }

  /** The slot of a backend that is not among `tried`, or -1. Allocates nothing. */
  pick(tried: readonly number[]): number {
    const draws = 2 * this.slots.length;
    for (let draw = 0; draw < draws; draw++) {
      const slot = this.policy.pick();
      if (slot === -1) return -1;
      if (tried.length > 0 && tried.includes(slot)) continue;
      if (this.table.state(slot) !== State.draining) return slot;
    }
    const isLeft = (slot: number): boolean =>
      !tried.includes(slot) && this.table.state(slot) !== State.draining;
    return this.slots.find(isLeft) ?? -1;
  }

  hasUntried(tried: readonly number[]): boolean {
    return this.slots.some((slot) => !tried.includes(slot));
  }

  /** Why `pick` found nobody; `last`: how the last attempt before it failed, if there was one. */
  nobody(last: Failure | null): Failure {
    if (last === null) return NOBODY;
    if (last.kind !== 'refused' && last.kind !== 'unreachable' && last.kind !== 'unresolved') {
      return last;
    }
    const cause = `no backend could be reached, the last one: ${last.cause}`;
    return failure('no_backend', 'us', 'pick', 'never', cause);
  }
}
