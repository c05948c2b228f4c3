/**
 * How a pool chooses a backend: membership x eligibility x load x choice. The control thread
 * decides who is eligible (`core/control/roster.ts`); a policy makes a schedule of them, from which
 * every worker draws. One small file per policy.
 */
import type { PolicyName } from '../config.ts';
import { createRoundRobin } from './round-robin.ts';
import type { Allocate, Schedule } from './schedule.ts';

export interface Policy {
  /**
   * The schedule of these backends, in configured order, each with its weight: the one before when
   * nothing is different. Called when the set or a weight changes; may allocate.
   */
  rebuild(slots: readonly number[], weights: readonly number[]): Schedule;
}

/** `allocate` gives memory that all workers see. */
export type PolicyFactory = (allocate: Allocate) => Policy;

/** Every policy there is, by its name in YAML. */
export const policies = {
  round_robin: createRoundRobin,
} satisfies Record<PolicyName, PolicyFactory>;
