/**
 * How a pool chooses a backend: membership x eligibility x load x choice. The pool (in `engine/`)
 * decides who is eligible; a policy only chooses among them. One small file per policy.
 */
import type { PolicyName } from '../config.ts';
import type { Table } from '../table/table.ts';
import { createRoundRobin } from './round-robin.ts';

export interface Policy {
  /**
   * Takes the eligible backends, in configured order, each with its weight. Called when the set or
   * a weight changes; may allocate.
   */
  rebuild(slots: readonly number[], weights: readonly number[]): void;
  /**
   * Draws one of them: O(1), allocates nothing. -1 when there is none. The caller draws again when
   * it cannot use the answer (tried before, gone ineligible a moment ago).
   */
  pick(): number;
}

/** What a policy is made with. `pool` is the pool's row in the table's per-pool columns. */
export type PolicyFactory = (table: Table, pool: number) => Policy;

/** Every policy there is, by its name in YAML. */
export const policies = {
  round_robin: createRoundRobin,
} satisfies Record<PolicyName, PolicyFactory>;
